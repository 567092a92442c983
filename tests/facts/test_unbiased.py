"""E[G] = N ∇C for every kind of code, amplitude and baseline."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.codes import KINDS, SIGN_KINDS, period

STEPS = 3600


@pytest.mark.parametrize("paired", [False, True], ids=["measured", "paired"])
@pytest.mark.parametrize("kind", KINDS)
def test_mean_over_many_windows_is_the_gradient(parity, estimate, kind, paired) -> None:
    theta = parity.start(3)
    gradient = parity.gradient(theta)
    if kind == "random":
        windows = [
            estimate(parity.mean_cost, theta, kind, 60, 1e-3, first=60 * k, paired=paired)
            for k in range(60)
        ]
        error = np.std(windows, axis=0, ddof=1) / np.sqrt(len(windows))
        # Nine parameters within four standard errors, and the errors themselves are small.
        assert (np.abs(np.mean(windows, axis=0) - gradient) < 4 * error + 1e-5).all()
        assert error.max() < 0.1 * np.linalg.norm(gradient)
    else:
        steps = STEPS // period(kind, 9) * period(kind, 9)
        mean = estimate(parity.mean_cost, theta, kind, steps, 1e-3, first=17, paired=paired)
        np.testing.assert_allclose(mean, gradient, atol=2e-3 * np.linalg.norm(gradient))


@pytest.mark.parametrize("kind", KINDS)
def test_amplitudes_of_their_own_do_not_bend_the_gradient(parity, estimate, angle, kind) -> None:
    theta = parity.start(3)
    gradient = parity.gradient(theta)
    amplitudes = np.linspace(5e-4, 2e-3, 9)
    steps = 40_000 if kind == "random" else period(kind, 9)
    found = estimate(parity.mean_cost, theta, kind, steps, amplitudes)
    # Random codes: one part in √(T/P), which unequal amplitudes raise by up to four.
    assert angle(found, gradient) < (4.0 if kind == "random" else 0.2)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(gradient), rel=0.05)


@pytest.mark.parametrize("kind", SIGN_KINDS)
def test_paired_probes_cancel_even_orders_at_once(parity, estimate, angle, kind) -> None:
    theta = parity.start(3)

    def bowl(parameters: np.ndarray) -> np.ndarray:
        return np.sum(parameters * parameters, axis=1)

    # On a parabola two-sided differences are exact at any amplitude.
    unit = estimate(bowl, theta, kind, 1, 0.5, first=8, paired=True)
    single = estimate(lambda p: p @ (2 * theta), theta, kind, 1, 0.5, first=8)
    np.testing.assert_allclose(unit, single, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_many_samples_give_the_gradient_of_their_mean(parity, estimate, angle, kind) -> None:
    theta = parity.start(3)
    total = np.zeros(9)
    steps = 20_000 if kind == "random" else period(kind, 9)
    for sample in range(4):
        found = estimate(
            lambda p, k=sample: parity.costs(p, np.full(len(p), k)), theta, kind, steps, 1e-3
        )
        total += found / 4
    assert angle(total, parity.gradient(theta)) < (5.0 if kind == "random" else 0.2)
