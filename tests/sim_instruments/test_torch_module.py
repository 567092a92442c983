"""A user's own module: what is taken from it, and what is refused with the reason."""

import hashlib
import textwrap

import numpy as np
import pytest

from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.emulation import EmulationSettings, NetworkSettings
from sim_instruments.emulated import emulated_chip
from sim_instruments.emulated_network import network_of, varied
from sim_instruments.engines import engine_of

pytest.importorskip("torch", reason="needs the extra torch")

import torch

MODULES = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, channels=2, dropped=0.5):
        super().__init__()
        self.seen = nn.Conv2d(1, channels, 3)
        self.norm = nn.BatchNorm2d(channels)
        self.drop = nn.Dropout(dropped)
        self.out = nn.Linear(4 * channels, 3)

    def forward(self, x):
        planes = self.drop(torch.tanh(self.norm(self.seen(x))))
        return self.out(nn.functional.max_pool2d(planes, 2).flatten(1))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.rand(2))
        self.out = nn.Linear(2, 2)

    def forward(self, x):
        return self.out(x * self.mask)


def shares():
    return nn.Sequential(nn.Linear(2, 3), nn.Softmax(1))


def both():
    return nn.Sequential(nn.Linear(2, 3), nn.Sigmoid())


class Rest(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.one = nn.Linear(2, 2)
        self.body = body

    def forward(self, x):
        return eval(self.body)


def frozen():
    found = nn.Linear(2, 2)
    found.bias.requires_grad_(False)
    return found


def failing():
    raise KeyError("weights.pt")


def leaving():
    raise SystemExit(7)


def number():
    return 3


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.seen(x).mean(1))
"""


@pytest.fixture
def network(tmp_path):
    file = tmp_path / "my_net.py"
    file.write_text(MODULES, encoding="utf-8")

    def make(name, shape=(2,), **keys):
        settings = {"kind": "torch", "module": f"{file}:{name}", "input": list(shape), **keys}
        return network_of(NetworkSettings.model_validate(settings))

    make.file = file
    make.settings = lambda name: {"kind": "torch", "module": f"{file}:{name}"}
    return make


def test_parameters_come_as_the_module_names_them(network):
    found = network("Net", (1, 6, 6), arguments={"channels": 5})
    groups = [(group.name, group.count) for group in found.groups]
    assert groups == [
        ("seen.weight", 45),
        ("seen.bias", 5),
        ("norm.weight", 5),
        ("norm.bias", 5),
        ("out.weight", 60),
        ("out.bias", 3),
    ]
    assert (found.parameters, found.inputs, found.outputs) == (123, 36, 3)
    assert not found.gives_probabilities
    digest = hashlib.sha256(network.file.read_bytes()).hexdigest()
    assert found.title == f"Net 1x6x6-3 sha256 {digest[:16]}"


def test_outputs_are_those_of_the_module(network):
    """In evaluation mode: nothing is dropped, and running statistics normalise."""
    found = network("Net", (1, 6, 6))
    random = np.random.default_rng(1)
    thetas, inputs = random.normal(size=(4, found.parameters)), random.random((4, 36))
    module = found.module
    assert not module.training
    expected = []
    for theta, sample in zip(thetas, inputs, strict=True):
        torch.nn.utils.vector_to_parameters(torch.from_numpy(theta), module.parameters())
        with torch.no_grad():
            shown = torch.from_numpy(sample.reshape(1, 1, 6, 6))
            expected.append(module(shown).numpy()[0])
    np.testing.assert_allclose(found.forward(thetas, inputs), expected, rtol=1e-12, atol=1e-14)
    shared = found.forward(thetas[:1], inputs[:1].repeat(3, axis=0))
    np.testing.assert_allclose(shared, [expected[0]] * 3, rtol=1e-12, atol=1e-14)
    engine = engine_of(found, "auto", "float64", "cpu")
    for k in range(4):
        outputs = engine.outputs(thetas[k], inputs[k : k + 1].astype(np.float32))
        np.testing.assert_allclose(outputs, [expected[k]], rtol=1e-5, atol=1e-6)


def test_what_a_module_draws_is_the_same_again(network):
    torch.manual_seed(17)
    state = torch.random.get_rng_state()
    first, second = network("Masked"), network("Masked")
    assert torch.equal(first.module.mask, second.module.mask)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_probabilities(network):
    assert network("shares").gives_probabilities
    assert not network("shares", output="values").gives_probabilities
    own = "torch.softmax(self.one(x), 1)"
    assert not network("Rest", arguments={"body": own}).gives_probabilities
    declared = network("Rest", arguments={"body": own}, output="probabilities")
    assert declared.gives_probabilities
    with pytest.raises(ConfigurationError, match=r"chip\.network\.output: .*no probabilities"):
        network("both", output="probabilities")


def test_operations_that_pytorch_maps_row_by_row_are_no_reason_to_warn(network):
    """Here a warning would be an error."""
    found = network("Attending", (3, 4))
    engine = engine_of(found, "torch", "float64", "cpu", 2)
    theta, inputs = np.full(found.parameters, 0.1), np.ones((2, 12), np.float32)
    outputs = engine.outputs(theta, inputs)
    np.testing.assert_allclose(outputs, found.forward(theta[None], inputs.astype(np.float64)))


def test_every_rung_gives_the_same_bits(network):
    keys = {"network": {**network.settings("Net"), "input": [1, 6, 6]}, "device": "cpu"}
    chip = emulated_chip(EmulationSettings.model_validate(keys))
    random = np.random.default_rng(2)
    parameters, probes = chip.description.parameters, 9
    inputs = random.random((4, 36)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
    theta = random.normal(size=parameters).astype(np.float32)
    amplitudes = np.full(parameters, 0.05, np.float32)
    samples = random.integers(0, 4, probes).astype(np.uint32)
    bits = random.integers(0, 2, (probes, parameters)).astype(np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    moves = ((2.0 * bits - 1.0) * amplitudes).astype(np.float32)
    cost = CostFunction("cross_entropy")
    with chip:
        chip.set_cost(cost)
        chip.load_samples(inputs, targets)
        chip.set_amplitudes(amplitudes)
        chip.switch_outputs(True)
        by_signs = chip.measure_signs(theta, samples, np.ones(probes, np.int8), packed)
        by_dense = chip.measure_dense(theta, samples, moves)
        for k, sample in enumerate(samples):
            row = theta.astype(np.float64) + moves[k]
            outputs = chip.outputs(row, inputs[sample][None])
            assert cost(outputs, targets[sample][None])[0] == by_signs[k]
    np.testing.assert_array_equal(by_dense, by_signs)
    assert "sha256" in chip.identity["model"]
    assert chip.identity["firmware"].startswith("torch-float64-")


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("Nott", {}, r"has no 'Nott'; it has torch, nn, Net"),
        ("Net", {"arguments": {"chanels": 1}}, r"\{'chanels': 1\}: TypeError: .*'chanels'"),
        ("failing", {}, r"cannot be made .*KeyError: 'weights.pt'"),
        ("leaving", {}, r"cannot be made .*SystemExit: 7"),
        ("number", {}, r"gives a int, no torch\.nn\.Module"),
        ("Net", {}, r"fails on inputs \(n, 2\) in float64: RuntimeError"),
        ("frozen", {}, r"parameter bias .* register_buffer"),
    ],
)
def test_modules_that_are_refused(network, name, keys, message):
    with pytest.raises(ConfigurationError, match=rf"^chip\.network\.module: .*{message}"):
        network(name, **keys)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("self.one(x)[0]", r"gives \(2,\) for 3 samples; expected \(n, outputs\)"),
        ("[self.one(x)]", r"gives list for 3 samples"),
        ("self.one(x) - x.mean(0)", "depends on the samples beside it"),
        ("nn.functional.dropout(self.one(x))", "other outputs for the same inputs"),
        ("self.one(x) * (1 if x.sum().item() > 0 else 2)", r"cannot be computed for several"),
        ("x @ self.one.weight.detach().numpy().T", "cannot be computed for several|fails on"),
    ],
)
def test_what_a_module_may_not_compute(network, body, message):
    with pytest.raises(ConfigurationError, match=rf"^chip\.network\.module: .*{message}"):
        network("Rest", arguments={"body": body})


def test_files_that_are_refused(network, tmp_path):
    def refused(module, message):
        settings = {"kind": "torch", "module": module, "input": [2]}
        with pytest.raises(ConfigurationError, match=message):
            network_of(NetworkSettings.model_validate(settings))

    refused(f"{tmp_path}/none.py:Net", "none.py cannot be imported: FileNotFoundError: there is")
    (tmp_path / "broken.py").write_text("import torch\nclass", encoding="utf-8")
    refused(f"{tmp_path}/broken.py:Net", "broken.py cannot be imported: SyntaxError")
    refused("no_such_package.nets:Net", "cannot be imported: ModuleNotFoundError")


def test_a_module_that_python_can_import(monkeypatch, tmp_path):
    text = textwrap.dedent("""
        from torch import nn
        def net():
            return nn.Linear(2, 1)
    """)
    (tmp_path / "a_package_of_nets.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    settings = {"kind": "torch", "module": "a_package_of_nets:net", "input": [2]}
    found = network_of(NetworkSettings.model_validate(settings))
    assert [group.name for group in found.groups] == ["weight", "bias"]


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_other_engines_do_not_know_it(network, engine):
    with pytest.raises(ConfigurationError, match=rf"chip\.engine: {engine} does not know"):
        engine_of(network("shares"), engine, "float64")


@pytest.mark.parametrize(("key", "value"), [("device", "cpu"), ("probes_together", 8)])
def test_keys_of_the_engine_torch_go_with_no_other(key, value):
    settings = {"network": {"layers": [2, 1]}, "engine": "numpy", key: value}
    with pytest.raises(ConfigurationError, match=rf"chip\.{key}: it belongs to engine: torch"):
        emulated_chip(EmulationSettings.model_validate(settings))


def test_its_neurons_are_not_known(network):
    with pytest.raises(ConfigurationError, match="activation_variation: the neurons of"):
        varied(network("shares"), 0.1, 1)
