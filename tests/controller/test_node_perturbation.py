"""Node perturbation estimates the gradient of the weights, however probes are cut into blocks."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mgd_lab.bench.watching import Attendance
from mgd_lab.codes import period
from mgd_lab.controller import PauseControl, weight_gradients
from mgd_lab.costs import CostFunction
from mgd_lab.errors import CapabilityError, MeasurementError
from mgd_lab.experiment.emulation import NetworkSettings
from sim_instruments.emulated import EmulatedChip, network_of
from sim_instruments.perturbed_nodes import PerturbedNodes

NETWORKS = {
    "dense": {"layers": [3, 4, 2], "activation": "tanh"},
    "conv": {
        "kind": "chain",
        "input": [2, 6, 7],
        "layers": [
            {"kind": "conv", "out_channels": 3, "kernel": [3, 2]},
            {"kind": "tanh"},
            {"kind": "max_pool"},
            {"kind": "conv", "out_channels": 2, "kernel": [1, 2]},
            {"kind": "relu"},
            {"kind": "dense", "outputs": 3},
            {"kind": "softmax"},
        ],
    },
}
NODES = {"dense": 6, "conv": 3 * 4 * 6 + 2 * 2 * 2 + 3}
WIDTH = {"dense": 7, "conv": 2 * 6 * 7 + 3 * 2 * 3 + 8}
AMPLITUDE = 1e-3


def network(mapping):
    """What a chip file's key describes."""
    return network_of(NetworkSettings.model_validate_json(json.dumps(mapping), strict=True))


@pytest.fixture(params=NETWORKS)
def name(request):
    return request.param


@pytest.fixture
def keys(name, tmp_path):
    """An experiment of random data on one of the networks."""
    outputs = 2 if name == "dense" else 3
    width = 3 if name == "dense" else 84
    random = np.random.default_rng(1)
    inputs = random.uniform(size=(5, width)).astype(np.float32)
    targets = np.eye(outputs, dtype=np.float32)[random.integers(0, outputs, 5)]
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=targets)
    return {
        "chip": {"driver": "emulated", "network": NETWORKS[name], "rung": "auto"},
        "task": {"dataset": "arrays", "file": str(tmp_path / "data.npz")},
    }


def training(kind="walsh", times=None, **changes):
    return {
        "perturbation": {"target": "nodes", "kind": kind, "amplitude": AMPLITUDE},
        "time_constants": times or {},
        "update": {"learning_rate": 1e-3},
        **changes,
    }


def differences(trained, keys, theta, sample):
    """∇C at θ for one sample, by central differences of the network itself."""
    plain = network_of(trained.fitted.experiment.chip.network)
    step = 1e-5
    moved = np.concatenate([theta + s * step * np.eye(len(theta)) for s in (1.0, -1.0)])
    data = np.load(keys["task"]["file"])
    inputs = np.tile(data["inputs"][sample].astype(np.float64), (len(moved), 1))
    targets = np.tile(data["targets"][sample], (len(moved), 1))
    up, down = np.split(CostFunction()(plain.forward(moved, inputs), targets), 2)
    return (up - down) / (2 * step)


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("baseline", ["measured", "paired"])
@pytest.mark.parametrize("kind", ["sequential", "walsh", "sinusoidal"])
def test_one_period_of_codes_gives_the_gradient_of_a_sample(train, keys, name, kind, baseline):
    steps = period(kind, NODES[name])
    times = {"tau_p": 1, "tau_x": steps, "tau_theta": steps}
    run = train(
        **keys, training=training(kind, times, baseline=baseline), stop={"steps": 2 * steps}
    )
    samples = run.column("samples")
    for window in (0, 1):
        theta = run.theta[window].astype(np.float32).astype(np.float64)
        gradient = differences(run, keys, theta, int(samples[window * steps]))
        found = (run.theta[window] - run.theta[window + 1]) / 1e-3 / steps
        assert cosine(found, gradient) > 0.9999
        assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(gradient), rel=0.02)


def test_samples_of_a_window_are_added(train, keys, name):
    steps = period("walsh", NODES[name])
    times = {"tau_p": 1, "tau_x": steps, "tau_theta": 5 * steps}
    run = train(
        **keys,
        training=training(
            times=times,
            update={"learning_rate": 1e-3, "scale": "mean"},
            samples={"order": "cyclic"},
        ),
        stop={"steps": 5 * steps},
    )
    theta = run.theta[0].astype(np.float32).astype(np.float64)
    gradient = np.mean([differences(run, keys, theta, n) for n in range(5)], axis=0)
    found = (run.theta[0] - run.theta[1]) / 1e-3
    assert cosine(found, gradient) > 0.9999
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(gradient), rel=0.02)


def test_random_codes_are_unbiased(train, keys, name):
    times = {"tau_p": 1, "tau_x": 1, "tau_theta": 4000}
    run = train(
        **keys,
        training=training("random", times, update={"learning_rate": 1e-3, "scale": "mean"}),
        stop={"steps": 4000},
    )
    theta = run.theta[0].astype(np.float32).astype(np.float64)
    gradient = np.mean([differences(run, keys, theta, n) for n in range(5)], axis=0)
    found = (run.theta[0] - run.theta[1]) / 1e-3
    # cos ≈ 1/√(1 + M/T) for one sample; the samples' differences add to it.
    assert cosine(found, gradient) > 0.9
    assert found @ gradient / (gradient @ gradient) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("baseline", ["measured", "paired"])
@pytest.mark.parametrize(
    "times",
    [
        {"tau_p": 1, "tau_x": 1, "tau_theta": 1},
        {"tau_p": 3, "tau_x": 5, "tau_theta": 7},
        {"tau_p": 2, "tau_x": 40, "tau_theta": 11},
    ],
)
@pytest.mark.parametrize("kind", ["random", "sinusoidal"])
def test_blocks_change_no_bit(train, keys, kind, times, baseline):
    found = []
    for block in (1, 7, 64, None):
        keys["chip"]["max_block_probes"] = block
        run = train(
            **keys,
            training=training(kind, times, baseline=baseline, update={"rule": "adam"}),
            stop={"steps": 60},
        )
        found.append((run.theta.tobytes(), run.column("costs").tobytes(), run.state.probes))
    assert found.count(found[0]) == 4


@pytest.mark.parametrize(
    ("baseline", "tau_x", "tau_theta", "probes"),
    # A step is one probe, or two; what tells the layer inputs is one for each sample at each θ.
    [
        ("measured", 1, 1, 120),
        ("measured", 4, 8, 75),
        ("paired", 1, 1, 180),
        ("paired", 4, 8, 135),
        ("paired", 60, 60, 121),
    ],
)
def test_every_presentation_is_counted(train, keys, baseline, tau_x, tau_theta, probes):
    chip = EmulatedChip(network(keys["chip"]["network"]))
    times = {"tau_p": 1, "tau_x": tau_x, "tau_theta": tau_theta}
    del keys["chip"]
    run = train(
        on=chip, **keys, training=training("random", times, baseline=baseline), stop={"steps": 60}
    )
    assert run.state.probes == probes
    assert chip.read_telemetry()[0] == probes + run.state.evaluation_probes


def test_amplitudes_of_layers_divide_out(train, keys, name):
    steps = period("walsh", NODES[name])
    times = {"tau_p": 1, "tau_x": steps, "tau_theta": steps}
    layers = 2 if name == "dense" else 3
    found = []
    for amplitude in (AMPLITUDE, [AMPLITUDE * (k + 1) for k in range(layers)]):
        given = training("walsh", times)
        given["perturbation"]["amplitude"] = amplitude
        run = train(**keys, training=given, stop={"steps": steps})
        found.append(run.theta[1] - run.theta[0])
    assert cosine(*found) > 0.9999
    assert not np.array_equal(*found)
    assert set(np.diff(run.fitted.nodes.amplitudes)) > {0.0}


class _Returning:
    """An emulated chip that returns as many layer inputs as it is told to."""

    def __init__(self, inner, returned):
        self._inner, self._returned = inner, returned

    description = property(lambda self: self._inner.description)
    identity = property(lambda self: self._inner.identity)

    def __enter__(self):
        return self

    def __exit__(self, *ending): ...

    def set_cost(self, cost):
        self._inner.set_cost(cost)

    def costs(self, *arguments):
        return self._inner.costs(*arguments)

    def load_samples(self, *arguments):
        self._inner.load_samples(*arguments)

    def node_layers(self):
        return self._inner.node_layers()

    def measure_nodes(self, *arguments):
        costs, inputs = self._inner.measure_nodes(*arguments)
        return costs, self._returned(inputs)


@pytest.mark.parametrize("block", [1, 3, None])
@pytest.mark.parametrize("call", [1, 2, 5, 40])
def test_nothing_depends_on_a_pause(train, keys, monkeypatch, call, block):
    """Wherever it comes: before a sample, within it, between its first probe and the next."""
    monkeypatch.setattr("mgd_lab.controller.intermission._LOOK_SECONDS", 0.0)
    chip = EmulatedChip(network(keys.pop("chip")["network"]))
    given = training("random", {"tau_p": 1, "tau_x": 4, "tau_theta": 12})
    same = {**keys, "chip": {"max_block_probes": block}, "training": given, "stop": {"steps": 60}}
    control, calls = PauseControl(), []

    def asking(inputs):
        calls.append(1)
        if len(calls) == call:
            control.request("the lamp is changed")
        return inputs

    run = train(
        on=_Returning(chip, asking),
        attendance=Attendance(control),
        observe=lambda progress: progress.paused and control.resume(),
        **same,
    )
    never = train(on=chip, **same)
    assert ("paused" in run.events) == (len(calls) > call)
    np.testing.assert_array_equal(run.theta, never.theta)
    assert run.state.probes == never.state.probes


@pytest.mark.parametrize("returned", [lambda x: x[:-1], lambda x: x[:, 1:], lambda x: x[:0]])
def test_layer_inputs_of_another_shape_are_not_used(train, keys, name, returned):
    chip = EmulatedChip(network(keys["chip"]["network"]))
    del keys["chip"]
    run = train(
        on=_Returning(chip, returned),
        **keys,
        training=training(),
        stop={"steps": 3},
        catch=MeasurementError,
    )
    assert "layer inputs" in str(run.error)
    assert len(run.theta) == 1


def test_a_chip_without_the_capability_is_named(train, double):
    chip = double("registers", "outputs", "cost", "samples", "dense")
    with pytest.raises(CapabilityError, match=r"'double' lacks the capability PerturbsNodes"):
        train(on=chip, training=training())


def test_limits_of_parameters_need_no_room_for_nodes(train):
    limits = {"parameters": {"low": -1.0, "high": 1.0}, "on_update": "project"}
    given = training(update={"learning_rate": 50.0})
    given["perturbation"]["amplitude"] = 3.0
    run = train(chip={"rung": "auto", "limits": limits}, training=given)
    assert np.abs(run.theta).max() == 1.0
    assert run.state.projected


def test_imperfections_act_on_perturbed_nodes(train, keys):
    given = training("random", {"tau_p": 1, "tau_x": 4, "tau_theta": 8})
    found = []
    for imperfections in ({}, {"cost_noise": {"white": 0.01}}, {"activation_variation": 0.2}):
        keys["chip"]["imperfections"] = imperfections
        run = train(**keys, training=given, stop={"steps": 40})
        found.append(run.column("costs"))
    noise, varied = found[1] - found[0], found[2] - found[0]
    # The first window is measured at the same θ; each cost has noise of its own.
    assert np.std(noise[:8]) == pytest.approx(0.01, rel=0.7)
    assert len(np.unique(noise[:8])) == 8
    assert np.abs(varied[:8]).min() > 0


def test_reported_inputs_are_those_of_the_layers(name):
    plain = network(NETWORKS[name])
    nodes = PerturbedNodes(plain)
    assert (nodes.nodes, nodes.width) == (NODES[name], WIDTH[name])
    random = np.random.default_rng(4)
    theta = random.normal(size=plain.parameters)
    inputs = random.uniform(size=(9, plain.inputs)).astype(np.float32)
    reads = np.array([True, False, True] * 3)
    still = np.zeros((9, nodes.nodes), np.float32)
    outputs, entered = nodes.forward(theta, inputs, still, reads)
    np.testing.assert_allclose(outputs, plain.forward(theta[None], inputs), rtol=1e-12)
    assert entered.shape == (6, nodes.width)
    assert np.array_equal(entered[:, : plain.inputs], inputs[reads])
    one = nodes.forward(theta, inputs[4:5], still[:1], np.array([True]))
    assert one[0].tobytes() == outputs[4].tobytes()


def test_a_gradient_does_not_depend_on_its_neighbours(name):
    layers = PerturbedNodes(network(NETWORKS[name])).layers
    random = np.random.default_rng(5)
    signals = random.normal(size=(33, NODES[name]))
    inputs = random.normal(size=(33, WIDTH[name]))
    together = weight_gradients(layers, signals, inputs)
    for n in (0, 13, 32):
        alone = weight_gradients(layers, signals[n : n + 1], inputs[n : n + 1])
        assert alone[0].tobytes() == together[n].tobytes()
