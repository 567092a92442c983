"""Update rules against the papers, parameter by parameter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mgd_lab.algorithm import Adam, GradientDescent, Momentum

RULES = [GradientDescent(), Momentum(), Momentum(0.0), Adam(), Adam(0.5, 0.9, 1e-3)]
UPDATES = 3000


def _gradients() -> np.ndarray:
    return np.random.default_rng(4).normal(0.3, 1.0, (UPDATES, 3)) * [1.0, 1e-5, 1e4]


def _changes(rule, gradients: np.ndarray, rate: float) -> np.ndarray:
    state = rule.init(gradients.shape[1])
    changes = []
    for gradient in gradients:
        change, state = rule.update(state, gradient, rate)
        changes.append(change)
    return np.array(changes)


def test_gradient_descent() -> None:
    gradients = _gradients()
    np.testing.assert_array_equal(_changes(GradientDescent(), gradients, 0.3), -0.3 * gradients)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.99])
def test_momentum_sums_past_gradients_with_falling_weight(momentum: float) -> None:
    gradients = _gradients()[:300]
    changes = _changes(Momentum(momentum), gradients, 0.1)
    for t in (0, 1, 7, 299):
        weights = [momentum ** (t - s) for s in range(t + 1)]
        expected = -0.1 * np.array(weights) @ gradients[: t + 1]
        np.testing.assert_allclose(changes[t], expected, rtol=1e-11, atol=1e-18)


@pytest.mark.parametrize(("beta1", "beta2", "epsilon"), [(0.9, 0.999, 1e-8), (0.5, 0.9, 1e-3)])
def test_adam_is_algorithm_1_of_kingma_and_ba(beta1, beta2, epsilon) -> None:
    gradients = _gradients()
    changes = _changes(Adam(beta1, beta2, epsilon), gradients, 0.01)
    for i in range(3):
        m = v = 0.0
        for t, g in enumerate(gradients[:, i].tolist(), 1):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g * g
            m_hat = m / (1 - beta1**t)
            v_hat = v / (1 - beta2**t)
            expected = -0.01 * m_hat / (math.sqrt(v_hat) + epsilon)
            assert changes[t - 1, i] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_adam_starts_with_the_learning_rate_whatever_the_gradient() -> None:
    change, _ = Adam().update(Adam().init(3), np.array([1.0, -1e-4, 1e6]), 0.01)
    np.testing.assert_allclose(change, [-0.01, 0.01, -0.01], rtol=1e-3)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rules_are_pure(rule) -> None:
    gradients = _gradients()[:20]
    state = rule.init(3)
    for gradient in gradients[:10]:
        _, state = rule.update(state, gradient, 0.1)
    before = {name: array.copy() for name, array in state.items()}
    first, after_first = rule.update(state, gradients[10], 0.1)
    second, after_second = rule.update(state, gradients[10], 0.1)
    np.testing.assert_array_equal(first, second)
    for name, array in before.items():
        np.testing.assert_array_equal(state[name], array)
        np.testing.assert_array_equal(after_first[name], after_second[name])


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rules_find_the_bottom_of_a_bowl(rule) -> None:
    theta, state = np.array([1.0, -2.0, 0.5]), rule.init(3)
    for _ in range(4000):
        change, state = rule.update(state, 2 * theta, 0.01)
        theta = theta + change
    # Adam's last steps are as large as the learning rate.
    np.testing.assert_allclose(theta, 0.0, atol=0.01)
