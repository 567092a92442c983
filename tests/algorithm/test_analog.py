"""The filters of the analog algorithm."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.algorithm import AnalogFilter, AnalogState

SQUARES = np.array([0.0025, 0.01, 0.25])


def _run(filters: AnalogFilter, costs, perturbations, new_samples) -> list[AnalogState]:
    state, states = filters.init(), []
    for cost, perturbation, new in zip(costs, perturbations, new_samples, strict=True):
        state = filters.update(state, float(cost), perturbation, new_sample=bool(new))
        states.append(state)
    return states


def test_filters_against_scalars() -> None:
    rng = np.random.default_rng(5)
    costs, new = rng.random(500), rng.random(500) < 0.1
    new[0] = True
    signs = rng.choice([-1.0, 1.0], (500, 3)) * np.sqrt(SQUARES)
    states = _run(AnalogFilter(7.5, 40.0, SQUARES), costs, signs, new)
    for i in range(3):
        last = modulation = gradient = 0.0
        for n in range(500):
            modulation = 0.0 if new[n] else 7.5 / 8.5 * (modulation + costs[n] - last)
            last = costs[n]
            gradient = 40 / 41 * gradient + 1 / 41 * modulation * signs[n, i] / SQUARES[i]
            assert states[n].modulation == pytest.approx(modulation, rel=1e-12, abs=1e-15)
            assert states[n].gradient[i] == pytest.approx(gradient, rel=1e-11, abs=1e-14)


def test_a_constant_cost_decays_to_nothing() -> None:
    filters = AnalogFilter(10.0, 20.0, SQUARES)
    # A step of the cost under the same sample, then silence.
    costs = np.r_[0.0, np.full(400, 3.0)]
    states = _run(filters, costs, np.ones((401, 3)), np.r_[True, np.zeros(400, bool)])
    modulations = np.array([state.modulation for state in states])
    np.testing.assert_allclose(modulations[1:], 3 * (10 / 11) ** np.arange(1, 401), atol=1e-14)
    assert abs(modulations[-1]) < 1e-14
    assert np.abs(states[-1].gradient).max() < 1e-4 * np.abs(states[20].gradient).max()


def test_the_low_pass_forgets_with_its_time_constant() -> None:
    filters = AnalogFilter(10.0, 20.0, SQUARES)
    state = AnalogState(1.0, 0.0, np.ones(3))
    for _ in range(30):
        state = filters.update(state, 1.0, np.ones(3), new_sample=False)
    np.testing.assert_allclose(state.gradient, (20 / 21) ** 30, rtol=1e-12)


def test_a_new_sample_resets_the_high_pass_and_not_the_low_pass() -> None:
    filters = AnalogFilter(10.0, 20.0, SQUARES)
    state = filters.update(AnalogState(0.2, 0.7, np.ones(3)), 5.0, np.ones(3), new_sample=True)
    assert state.modulation == 0.0
    assert state.last_cost == 5.0
    np.testing.assert_allclose(state.gradient, 20 / 21)


def test_a_new_sample_at_every_step_teaches_nothing() -> None:
    rng = np.random.default_rng(6)
    states = _run(
        AnalogFilter(10.0, 20.0, SQUARES), rng.random(50), rng.random((50, 3)), np.ones(50)
    )
    np.testing.assert_array_equal(states[-1].gradient, 0)


def test_tau_theta_of_zero_is_no_low_pass() -> None:
    perturbation = np.array([0.05, -0.1, 0.5])
    filters = AnalogFilter(1e12, 0.0, SQUARES)
    state = filters.update(AnalogState(1.0, 0.0, np.ones(3)), 1.5, perturbation, new_sample=False)
    np.testing.assert_allclose(state.gradient, 0.5 * perturbation / SQUARES, rtol=1e-9)


def test_update_is_pure() -> None:
    filters = AnalogFilter(10.0, 20.0, SQUARES)
    state, perturbation = AnalogState(0.2, 0.7, np.ones(3)), np.ones(3)
    filters.update(state, 0.9, perturbation, new_sample=False)
    assert (state.last_cost, state.modulation) == (0.2, 0.7)
    np.testing.assert_array_equal(state.gradient, 1)
    np.testing.assert_array_equal(perturbation, 1)
