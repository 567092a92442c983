"""How exact one period of each code with a period is, and how float32 would spoil it."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.codes import period

STARTS = range(6)
KINDS_WITH_ORDER = [("sequential", 1), ("walsh", 2), ("sinusoidal", 2)]


@pytest.mark.parametrize(("kind", "order"), KINDS_WITH_ORDER)
def test_error_falls_with_the_amplitude_to_the_order(parity, estimate, kind, order) -> None:
    for seed in STARTS:
        theta = parity.start(seed)
        gradient = parity.gradient(theta)
        errors = [
            np.linalg.norm(estimate(parity.mean_cost, theta, kind, period(kind, 9), d) - gradient)
            for d in (0.02, 0.01, 0.005)
        ]
        ratios = np.array(errors[:-1]) / errors[1:]
        np.testing.assert_allclose(ratios, 2.0**order, rtol=0.1)


@pytest.mark.parametrize(("kind", "order"), KINDS_WITH_ORDER)
def test_angle_after_one_period(parity, estimate, angle, kind, order) -> None:
    for seed in STARTS:
        theta = parity.start(seed)
        found = estimate(parity.mean_cost, theta, kind, period(kind, 9), 1e-3)
        degrees = angle(found, parity.gradient(theta))
        assert degrees < (0.1 if order == 2 else 1.0)


@pytest.mark.parametrize("kind", ["walsh", "sinusoidal"])
def test_a_curved_cost_does_not_disturb_codes_that_cancel_even_orders(estimate, kind) -> None:
    rng = np.random.default_rng(8)
    curvature = rng.normal(size=(9, 9))
    curvature += curvature.T
    slope, theta = rng.normal(size=9), rng.normal(size=9)

    def cost(parameters: np.ndarray) -> np.ndarray:
        return np.einsum("ni,ij,nj->n", parameters, curvature, parameters) / 2 + parameters @ slope

    found = estimate(cost, theta, kind, period(kind, 9), 0.25)
    np.testing.assert_allclose(found, curvature @ theta + slope, atol=2e-6)


def test_differences_of_float32_costs_are_useless_at_small_amplitudes(parity) -> None:
    theta = parity.start(1)
    base = parity.mean_cost(theta[None])
    shares = {}
    for amplitude in (1e-6, 1e-7):
        signs = np.random.default_rng(9).choice([-1.0, 1.0], (400, 9))
        costs = parity.mean_cost(theta + amplitude * signs)
        exact = costs - base
        single = (costs.astype(np.float32) - base.astype(np.float32)).astype(np.float64)
        wrong = np.linalg.norm(single - exact) / np.linalg.norm(exact)
        shares[amplitude] = (wrong, np.mean(single == 0))
    # "8 % wrong at 10⁻⁶ and mostly zero at 10⁻⁷", by the size of cost and gradient.
    assert 0.02 < shares[1e-6][0] < 0.3
    assert shares[1e-7][1] > 0.3
    assert shares[1e-7][0] > 0.3
