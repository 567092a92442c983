"""The engine torch against NumPy; alone, a probe costs the same bits in whatever company."""

import dataclasses

import numpy as np
import pytest

from mgd_lab.codes import unpack_signs
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.emulation import NetworkSettings
from sim_instruments.emulated_network import network_of, varied
from sim_instruments.engines import NumpyEngine, engine_of

pytest.importorskip("torch", reason="needs the extra torch")

import torch

from sim_instruments.torch_engine import TOGETHER, TorchEngine

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
RELU, POOL = {"kind": "relu"}, {"kind": "max_pool"}


def conv(channels, *kernel):
    return {"kind": "conv", "out_channels": channels, "kernel": list(kernel) or [3, 3]}


def dense(outputs):
    return {"kind": "dense", "outputs": outputs}


def chain(shape, *layers):
    return NetworkSettings.model_validate({"kind": "chain", "input": shape, "layers": layers})


def mlp(*layers, **keys):
    return NetworkSettings.model_validate({"layers": layers, **keys})


NETWORKS = {
    "2-2-1": mlp(2, 2, 1),
    "tanh, softmax": mlp(17, 9, 5, activation="tanh", output_activation="softmax"),
    "relu, linear": mlp(3, 40, 1, 7, activation="relu", output_activation="linear"),
    "paper's": chain((1, 28, 28), conv(16), RELU, POOL, conv(32), RELU, POOL, dense(10)),
    # Planes whose rows begin anywhere in memory.
    "odd planes": chain((2, 17, 13), conv(3), RELU, conv(5), {"kind": "tanh"}, dense(3)),
    "any kernel": chain((2, 12, 11), conv(3, 5, 4), POOL, conv(2, 1, 1), {"kind": "sigmoid"}),
    "softmax of planes": chain((1, 5, 5), conv(2), {"kind": "linear"}, {"kind": "softmax"}),
    "pooling of 3": chain((1, 11, 10), {"kind": "max_pool", "size": 3}, dense(2)),
}
SAMPLES, PROBES = 5, 13


class Case:
    """Engines with samples, and probes for them."""

    def __init__(self, name, cost=None, spread=0.0):
        self.network = varied(network_of(NETWORKS[name]), spread, 3)
        random = np.random.default_rng(5)
        parameters = self.network.parameters
        self.inputs = random.random((SAMPLES, self.network.inputs)).astype(np.float32)
        self.targets = random.random((SAMPLES, self.network.outputs)).astype(np.float32)
        self.theta = random.normal(size=parameters) / np.sqrt(self.network.inputs)
        self.amplitudes = random.uniform(0.01, 0.05, parameters)
        self.samples = random.integers(0, SAMPLES, PROBES).astype(np.uint32)
        self.signs = random.integers(-1, 2, PROBES).astype(np.int8)
        self.codes = random.integers(0, 256, (PROBES, -(-parameters // 8))).astype(np.uint8)
        # One output has no cross-entropy to speak of.
        several = self.network.outputs > 1
        self.cost = cost or CostFunction(*(("cross_entropy", 0.01) if several else ()))

    def loaded(self, engine):
        engine.set_cost(self.cost)
        engine.load(self.inputs, self.targets)
        engine.set_amplitudes(self.amplitudes)
        return engine

    def torch(self, **keys):
        return self.loaded(TorchEngine(self.network, **keys))

    @property
    def rows(self):
        codes = unpack_signs(self.codes, self.network.parameters)
        return self.theta + codes * self.amplitudes * self.signs[:, None]

    def ask(self, engine, places=slice(None)):
        values = (self.theta, self.theta - self.amplitudes, self.theta + self.amplitudes)
        chosen = (self.samples[places], self.signs[places], self.codes[places])
        return engine.costs_of_codes(*values, *chosen)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("together", [1, 4])
@pytest.mark.parametrize("name", NETWORKS)
def test_costs_are_those_of_numpy(name, together, device):
    case = Case(name)
    expected = case.ask(case.loaded(NumpyEngine(case.network)))
    assert len(set(expected)) > SAMPLES
    engine = case.torch(device=device, together=together)
    np.testing.assert_allclose(case.ask(engine), expected, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(engine.costs(case.rows, case.samples), expected, rtol=1e-10)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NETWORKS)
def test_float32_rounds_within_a_hundred_thousandth(name, device):
    case = Case(name)
    expected = case.ask(case.loaded(NumpyEngine(case.network)))
    found = case.ask(case.torch(precision="float32", device=device))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float64
    assert not np.array_equal(found, expected)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["2-2-1", "odd planes"])
def test_neurons_that_differ_are_those_of_numpy(name, device):
    case = Case(name, CostFunction(), spread=0.2)
    expected = case.ask(case.loaded(NumpyEngine(case.network)))
    np.testing.assert_allclose(case.ask(case.torch(device=device)), expected, rtol=1e-10)
    alike = Case(name, CostFunction())
    assert not np.allclose(expected, alike.ask(alike.torch(device=device)), rtol=1e-3)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_alone_every_way_to_ask_gives_the_same_bits(name, precision):
    case = Case(name)
    engine = case.torch(precision=precision, device="cpu")
    whole = case.ask(engine)
    apart = [case.ask(engine, slice(k, k + 3)) for k in range(0, PROBES, 3)]
    np.testing.assert_array_equal(np.concatenate(apart), whole)
    backwards = slice(None, None, -1)
    np.testing.assert_array_equal(case.ask(engine, backwards)[::-1], whole)
    np.testing.assert_array_equal(engine.costs(case.rows, case.samples), whole)
    for k, row in enumerate(case.rows):
        sample = case.samples[k : k + 1]
        outputs = engine.outputs(row, case.inputs[sample])
        np.testing.assert_array_equal(case.cost(outputs, case.targets[sample])[0], whole[k])


def test_outputs_of_many_samples_are_those_of_each():
    case = Case("odd planes")
    engine = case.torch(device="cpu")
    together = engine.outputs(case.theta, case.inputs)
    assert together.shape == (SAMPLES, 3)
    for k in range(SAMPLES):
        alone = engine.outputs(case.theta, case.inputs[k : k + 1])
        np.testing.assert_array_equal(alone[0], together[k])


def test_parts_that_are_formed_together_change_nothing(monkeypatch):
    case = Case("2-2-1")
    expected = case.ask(case.torch(device="cpu"))
    monkeypatch.setattr("sim_instruments.torch_engine._NUMBERS_FORMED", 1)
    np.testing.assert_array_equal(case.ask(case.torch(device="cpu")), expected)


def test_pytorch_keeps_its_number_of_threads():
    case = Case("2-2-1")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        case.ask(case.torch(device="cpu"))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_arrays_as_they_come_off_a_wire():
    case = Case("2-2-1")
    engine = case.torch(device="cpu")
    expected = case.ask(engine)
    for array in (case.codes, case.signs, case.samples, case.theta):
        array.flags.writeable = False
    np.testing.assert_array_equal(case.ask(engine), expected)


def test_the_title_tells_what_decides_about_bits():
    network = Case("2-2-1").network
    alone, three = (TorchEngine(network, "float32", "cpu", n).title for n in (None, 3))
    assert alone == f"torch-float32-{torch.__version__}-cpu"
    assert TOGETHER not in alone
    assert three.endswith(f"-threads-{torch.get_num_threads()}{TOGETHER}3")


def test_small_amplitudes_are_refused_in_float32():
    engine = Case("2-2-1").torch(precision="float32", device="cpu")
    with pytest.raises(ConfigurationError, match=r"9e-05.*float32"):
        engine.set_amplitudes(np.full(9, 9e-5))


@pytest.mark.skipif("cuda" in DEVICES, reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigurationError, match=r"chip\.device: PyTorch finds no GPU"):
        engine_of(Case("2-2-1").network, "torch", "float64", "cuda")


def test_a_network_that_it_does_not_know_is_refused():
    @dataclasses.dataclass
    class Strange:
        parameters: int = 1

    with pytest.raises(ConfigurationError, match="does not know a Strange"):
        TorchEngine(Strange(), device="cpu")
