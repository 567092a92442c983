import numpy as np
import pytest

from mgd_lab.costs import CostFunction


@pytest.fixture
def expected(block):
    """By the emulated chip itself."""
    from sim_instruments.emulated import EmulatedChip
    from sim_instruments.network import MultilayerPerceptron

    theta, samples, perturbations, inputs, targets = block
    chip = EmulatedChip(MultilayerPerceptron((2, 2, 1)))
    with chip:
        chip.switch_outputs(True)
        chip.set_cost(CostFunction("mse"))
        chip.load_samples(inputs, targets)
        return chip.measure_dense(theta, samples, perturbations)


@pytest.mark.parametrize("timing", ["software", "hardware", "auto"])
def test_costs_are_those_of_the_chip(shelf, measured, expected, timing):
    chip, _ = shelf.chip(timing=timing)
    with chip:
        chip.switch_outputs(True)
        np.testing.assert_allclose(measured(chip), expected, rtol=1e-12)


@pytest.mark.parametrize("reads", [1, 3])
def test_both_timings_give_the_same_bits(shelf, measured, reads):
    costs = []
    for timing in ("software", "hardware"):
        chip, _ = shelf.chip(timing=timing, reads_per_probe=reads)
        with chip:
            chip.switch_outputs(True)
            costs.append(measured(chip))
    assert costs[0].tobytes() == costs[1].tobytes()
