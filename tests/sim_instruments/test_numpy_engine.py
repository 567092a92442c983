"""Many probes at once, without a baseline among them or with nothing else."""

import numpy as np
import pytest

from mgd_lab.experiment.emulation import NetworkSettings
from sim_instruments.emulated_network import network_of
from sim_instruments.engines import NumpyEngine, formed

CHAIN = {"kind": "chain", "input": [1, 3, 3], "layers": [{"kind": "conv", "out_channels": 2}]}


@pytest.mark.parametrize("network", [CHAIN, {"layers": [9, 2]}])
@pytest.mark.parametrize("signs", [(1, -1), (0, 0), (0, 1)])
def test_any_signs(network, signs):
    network = network_of(NetworkSettings.model_validate(network))
    random = np.random.default_rng(1)
    engine = NumpyEngine(network)
    engine.load(random.random((4, 9), np.float32), random.random((4, network.outputs), np.float32))
    probes = 100
    theta = random.normal(size=network.parameters)
    values = (theta, theta - 0.05, theta + 0.05)
    samples = random.integers(0, 4, probes).astype(np.uint32)
    signs = np.resize(np.array(signs, np.int8), probes)
    codes = random.integers(0, 256, (probes, -(-network.parameters // 8))).astype(np.uint8)
    expected = engine.costs(formed(*values, signs, codes), samples)
    np.testing.assert_array_equal(engine.costs_of_codes(*values, samples, signs, codes), expected)
