"""The compiled engine against NumPy; grouping, threads and the way it is asked change no bit."""

import itertools

import numpy as np
import pytest

from mgd_lab.codes import unpack_signs
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError, MissingExtraError
from mgd_lab.experiment.emulation import EmulationSettings, NetworkSettings
from sim_instruments.emulated import emulated_chip, network_of
from sim_instruments.engines import NumpyEngine, engine_of

pytest.importorskip("numba")

from sim_instruments.compiled_engine import CompiledEngine


def chain(shape, *layers):
    return NetworkSettings.model_validate({"kind": "chain", "input": shape, "layers": layers})


def conv(channels, *kernel):
    keys = {"kernel": list(kernel)} if kernel else {}
    return {"kind": "conv", "out_channels": channels, **keys}


def paper(shape, *channels):
    blocks = [(conv(c), {"kind": "relu"}, {"kind": "max_pool"}) for c in channels]
    return chain(shape, *itertools.chain.from_iterable(blocks), {"kind": "dense", "outputs": 10})


def mlp(*layers, hidden="sigmoid", output="sigmoid"):
    keys = {"layers": layers, "activation": hidden, "output_activation": output}
    return NetworkSettings.model_validate(keys)


DENSE = {"kind": "dense", "outputs": 3}
NETWORKS = {
    "2-2-1": mlp(2, 2, 1),
    "49-4-4": mlp(49, 4, 4),
    "tanh, softmax": mlp(17, 9, 5, hidden="tanh", output="softmax"),
    "relu, linear": mlp(3, 40, 1, 7, hidden="relu", output="linear"),
    "fashion": paper((1, 28, 28), 16, 32, 32),
    "cifar": paper((3, 32, 32), 16, 32, 64),
    # Planes, and their rows, that are read with gaps; an odd number of outputs.
    "planes in a row": chain(
        (2, 17, 13), conv(3), {"kind": "relu"}, conv(5), {"kind": "tanh"}, DENSE
    ),
    "planes at the end": chain((1, 14, 12), conv(3), conv(1)),
    "pooling of 3": chain((1, 20, 23), conv(3), {"kind": "max_pool", "size": 3}, DENSE),
    "pooling first": chain((2, 9, 7), {"kind": "max_pool"}, conv(2, 2, 3), {"kind": "sigmoid"}),
    "any kernel": chain((2, 12, 11), conv(3, 5, 4), {"kind": "relu"}, conv(2, 1, 1), DENSE),
    "softmax of planes": chain((1, 5, 5), conv(2, 3, 3), {"kind": "softmax"}),
}
COSTS = {"mse": CostFunction(), "cross_entropy": CostFunction("cross_entropy", 0.01)}
SAMPLES, PROBES = 7, 23


class Case:
    """Engines with samples, and probes for them."""

    def __init__(self, name, cost="mse", **keys):
        self.network = network_of(NETWORKS[name])
        random = np.random.default_rng(5)
        parameters = self.network.parameters
        self.inputs = random.random((SAMPLES, self.network.inputs)).astype(np.float32)
        self.targets = random.random((SAMPLES, self.network.outputs)).astype(np.float32)
        theta = random.normal(size=parameters) / np.sqrt(self.network.inputs)
        self.theta = theta.astype(np.float32).astype(np.float64)
        amplitudes = random.uniform(0.01, 0.05, parameters).astype(np.float32)
        self.amplitudes = amplitudes.astype(np.float64)
        self.samples = random.integers(0, SAMPLES, PROBES).astype(np.uint32)
        self.signs = random.integers(-1, 2, PROBES).astype(np.int8)
        self.codes = random.integers(0, 256, (PROBES, -(-parameters // 8))).astype(np.uint8)
        self.cost = COSTS[cost]
        self.engine = self.loaded(CompiledEngine(self.network, **keys))

    def loaded(self, engine):
        engine.set_cost(self.cost)
        engine.load(self.inputs, self.targets)
        engine.set_amplitudes(self.amplitudes)
        return engine

    @property
    def values(self):
        return self.theta, self.theta - self.amplitudes, self.theta + self.amplitudes

    @property
    def rows(self):
        codes = unpack_signs(self.codes, self.network.parameters)
        return self.theta + codes * self.amplitudes * self.signs[:, None]

    def ask(self, engine, places=slice(None)):
        chosen = (self.samples[places], self.signs[places], self.codes[places])
        return engine.costs_of_codes(*self.values, *chosen)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_costs_are_those_of_numpy(name, cost):
    case = Case(name, cost)
    found, expected = case.ask(case.engine), case.ask(case.loaded(NumpyEngine(case.network)))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)
    # One output has no cross-entropy to speak of; all else was compared number by number.
    assert len(set(found)) > SAMPLES or case.network.outputs == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_float32_rounds_within_a_hundred_thousandth(name):
    case = Case(name, precision="float32")
    expected = case.ask(case.loaded(NumpyEngine(case.network)))
    np.testing.assert_allclose(case.ask(case.engine), expected, rtol=1e-5, atol=1e-6)
    in_numpy = case.ask(case.loaded(NumpyEngine(case.network, "float32")))
    np.testing.assert_allclose(in_numpy, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_way_to_ask_gives_the_same_bits(name, precision):
    case = Case(name, precision=precision)
    together = case.ask(case.engine)
    alone = [case.ask(case.engine, slice(k, k + 1))[0] for k in range(PROBES)]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, case.engine.costs(case.rows, case.samples))
    for k, row in enumerate(case.rows):
        sample = case.samples[k : k + 1]
        outputs = case.engine.outputs(row, case.inputs[sample])
        np.testing.assert_array_equal(together[k], case.cost(outputs, case.targets[sample])[0])
        np.testing.assert_array_equal(together[k], case.engine.costs(row[None], sample)[0])


@pytest.mark.parametrize("name", ["49-4-4", "fashion"])
def test_threads_change_no_bit(name, monkeypatch):
    monkeypatch.setattr("sim_instruments.compiled_engine._WORTH_A_THREAD", 1)
    case = Case(name)
    expected = case.ask(case.engine)
    for threads in (1, 2, 3, 8):
        engine = case.loaded(CompiledEngine(case.network, threads=threads))
        for _ in range(3):
            np.testing.assert_array_equal(case.ask(engine), expected)


def test_arrays_as_they_come_off_a_wire():
    """Read-only, not aligned, not contiguous."""
    case = Case("49-4-4")
    expected = case.ask(case.engine)
    data = b"x" + case.samples.tobytes()
    case.samples = np.frombuffer(data, np.uint32, offset=1)
    case.codes = np.frombuffer(case.codes.tobytes(), np.uint8).reshape(case.codes.shape)
    case.signs = np.repeat(case.signs, 2)[::2]
    np.testing.assert_array_equal(case.ask(case.engine), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    "name", ["2-2-1", "tanh, softmax", "relu, linear", "fashion", "any kernel"]
)
def test_a_network_that_diverges_is_not_hidden(name, value):
    case = Case(name)
    case.theta[:] = value
    with np.errstate(all="ignore"):
        found, expected = case.ask(case.engine), case.ask(case.loaded(NumpyEngine(case.network)))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    if np.isnan(value):
        assert np.isnan(found).all()


@pytest.mark.parametrize("name", ["49-4-4", "fashion", "planes in a row"])
def test_the_slope_along_a_direction_is_the_gradients(name):
    """(C(θ+hd) − C(θ−hd))/2h of the engine, against Σ ∂C/∂θ d from central differences in NumPy."""
    case = Case(name)
    random = np.random.default_rng(9)
    chosen = random.choice(case.network.parameters, 12, replace=False)
    direction = np.zeros(case.network.parameters)
    direction[chosen] = random.normal(size=12)
    step, sample = 1e-6, case.samples[:1]
    ends = np.stack([case.theta + step * direction, case.theta - step * direction])
    high, low = case.engine.costs(ends, sample.repeat(2))
    reference = case.loaded(NumpyEngine(case.network))
    moves = np.zeros((12, case.network.parameters))
    moves[np.arange(12), chosen] = step
    rows = np.concatenate([case.theta + moves, case.theta - moves])
    above, below = reference.costs(rows, sample.repeat(24)).reshape(2, 12)
    expected = ((above - below) / (2 * step)) @ direction[chosen]
    assert (high - low) / (2 * step) == pytest.approx(expected, rel=1e-4, abs=1e-8)


def test_the_chip_says_what_computes_it():
    settings = {"network": {"layers": [2, 1]}}
    titles = {
        choice: emulated_chip(
            EmulationSettings.model_validate({**settings, "engine": choice})
        ).identity["firmware"]
        for choice in ("auto", "compiled", "numpy")
    }
    assert titles["auto"] == titles["compiled"]
    assert titles["compiled"].startswith("compiled-float64-2-numba-")
    assert titles["numpy"] == "numpy-float64"


def test_without_numba(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    network = network_of(NETWORKS["2-2-1"])
    assert engine_of(network, "auto", "float32").title == "numpy-float32"
    with pytest.raises(MissingExtraError, match=r"mgd-lab\[fast\]"):
        engine_of(network, "compiled", "float64")


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_float32_refuses_amplitudes_that_it_would_drown(engine):
    network = network_of(NETWORKS["2-2-1"])
    amplitudes = np.full(9, np.float32(1e-4)).astype(np.float64)
    engine_of(network, engine, "float32").set_amplitudes(amplitudes)
    amplitudes[4] = 9.9e-5
    engine_of(network, engine, "float64").set_amplitudes(amplitudes)
    with pytest.raises(ConfigurationError, match=r"9\.9e-05.*float32"):
        engine_of(network, engine, "float32").set_amplitudes(amplitudes)
