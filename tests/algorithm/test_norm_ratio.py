"""How much longer than the gradient an estimate from few random codes is."""

import math

import numpy as np
import pytest

from mgd_lab.algorithm import norm_ratio
from mgd_lab.codes import codes


def test_by_its_equation():
    assert norm_ratio(1, 1) == 1.0
    assert norm_ratio(9, 1) == 3.0
    assert norm_ratio(101, 50) == math.sqrt(3.0)
    # A code that outlasts the window is one code all the same.
    assert norm_ratio(9, 0.25) == norm_ratio(9, 1)


@pytest.mark.parametrize(("parameters", "perturbations"), [(64, 4), (200, 64), (30, 300)])
def test_of_codes_on_a_linear_cost(parameters: int, perturbations: int) -> None:
    gradient = np.random.default_rng(0).normal(size=parameters)
    windows = 400
    unit = codes("random", 3, 0, windows * perturbations, parameters).astype(np.float64)
    unit = unit.reshape(windows, perturbations, parameters)
    estimates = np.einsum("wtp,wt->wp", unit, unit @ gradient) / perturbations
    found = np.sqrt(np.mean(np.sum(estimates**2, axis=1))) / np.linalg.norm(gradient)
    assert found == pytest.approx(norm_ratio(parameters, perturbations), rel=0.03)
