"""The estimates of multiplexed gradient descent are the gradients of backpropagation."""

import numpy as np
import pytest

from mgd_lab.codes import codes, mean_square
from mgd_lab.costs import CostFunction
from mgd_lab.experiment.emulation import NetworkSettings
from sim_instruments.emulated import EmulatedChip
from sim_instruments.emulated_network import network_of
from sim_instruments.engines import engine_of

pytest.importorskip("torch", reason="needs the extra torch")

import torch

from sim_instruments.torch_network import torch_forward

NETWORKS = {
    "mlp": {"layers": [7, 5, 3], "activation": "tanh"},
    "cnn": {
        "kind": "chain",
        "input": [2, 8, 8],
        "layers": [
            {"kind": "conv", "out_channels": 3},
            {"kind": "relu"},
            {"kind": "max_pool"},
            {"kind": "conv", "out_channels": 4, "kernel": [2, 2]},
            {"kind": "sigmoid"},
            {"kind": "dense", "outputs": 3},
        ],
    },
}
# Steps of a period: each code once, and the sums of products of two of them are 0.
PERIOD = {"sequential": lambda P: P, "walsh": lambda P: 1 << (2 * P - 1).bit_length()}
SAMPLES, AMPLITUDE = 3, 1e-6


def costs_in_torch(kind, outputs, targets):
    if kind == "mse":
        return (outputs - targets).square().mean()
    return -(targets * outputs.log_softmax(1)).sum(1).mean()


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("cost", ["mse", "cross_entropy"])
@pytest.mark.parametrize("kind", PERIOD)
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch"])
def test_estimates_are_gradients(engine, name, kind, cost):
    if engine == "compiled":
        pytest.importorskip("numba", reason="needs the extra fast")
    network = network_of(NetworkSettings.model_validate(NETWORKS[name]))
    random = np.random.default_rng(4)
    inputs = random.random((SAMPLES, network.inputs)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)
    theta = random.normal(scale=0.5, size=network.parameters).astype(np.float32)

    steps = PERIOD[kind](network.parameters)
    amplitude = np.float32(AMPLITUDE)
    moves = codes(kind, 1, 0, steps, network.parameters) * amplitude
    chip = EmulatedChip(network, engine=engine_of(network, engine, "float64"))
    estimate = np.zeros(network.parameters)
    with chip:
        chip.set_cost(CostFunction(cost))
        chip.load_samples(inputs, targets)
        chip.switch_outputs(True)
        for sample in range(SAMPLES):
            shown = np.full(steps, sample, np.uint32)
            baseline = chip.measure_dense(theta, shown[:1], np.zeros_like(moves[:1]))
            modulation = chip.measure_dense(theta, shown, moves) - baseline
            estimate += modulation @ moves.astype(np.float64)
    square = mean_square(kind, network.parameters) * float(amplitude) ** 2
    estimate /= SAMPLES * steps * square

    wanted = torch.from_numpy(theta.astype(np.float64)).requires_grad_()
    outputs = torch_forward(network)(wanted, torch.from_numpy(inputs.astype(np.float64)))
    costs_in_torch(cost, outputs, torch.from_numpy(targets)).backward()
    gradient = wanted.grad.numpy()
    assert cosine(estimate, gradient) > 0.9999
    np.testing.assert_allclose(
        estimate, gradient, rtol=0, atol=1e-4 * float(np.abs(gradient).max())
    )
