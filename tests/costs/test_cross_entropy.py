"""Cross-entropy from logits and from probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mgd_lab.costs import CostFunction


def _softmax(logits: list[float]) -> list[float]:
    largest = max(logits)
    powers = [math.exp(a - largest) for a in logits]
    return [p / sum(powers) for p in powers]


def _one_hot(labels: np.ndarray, width: int) -> np.ndarray:
    return np.eye(width, dtype=np.float32)[labels]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_logits_and_probabilities_give_the_textbook_value(smoothing: float) -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, size=(40, 5))
    targets = _one_hot(rng.integers(0, 5, 40), 5)
    probabilities = np.array([_softmax(row) for row in logits.tolist()])
    smoothed = (1 - smoothing) * targets.astype(np.float64) + smoothing / 5
    expected = -np.sum(smoothed * np.log(probabilities), axis=1)
    from_logits = CostFunction("cross_entropy", smoothing)
    from_probabilities = CostFunction("cross_entropy", smoothing, probabilities=True)
    np.testing.assert_allclose(from_logits(logits, targets), expected, rtol=1e-12)
    np.testing.assert_allclose(from_probabilities(probabilities, targets), expected, rtol=1e-12)


def test_equal_logits_cost_the_logarithm_of_the_width() -> None:
    for smoothing in (0.0, 0.3):
        cost = CostFunction("cross_entropy", smoothing)
        value = cost(np.zeros((1, 10)), _one_hot(np.array([3]), 10))
        np.testing.assert_allclose(value, math.log(10), rtol=1e-15)


def test_smoothing_charges_certainty() -> None:
    target = _one_hot(np.array([0]), 4)
    certain = np.array([[40.0, 0.0, 0.0, 0.0]])
    assert CostFunction("cross_entropy")(certain, target)[0] < 1e-15
    # Three quarters of the smoothing lie on classes with log p = −40.
    smoothed = CostFunction("cross_entropy", 0.01)(certain, target)[0]
    assert smoothed == pytest.approx(0.01 * 0.75 * 40, rel=1e-9)


@pytest.mark.parametrize("size", [1e4, -1e4, 1e300])
def test_extreme_logits_stay_finite(size: float) -> None:
    logits = np.array([[size, 0.0, -size]])
    for label in range(3):
        cost = CostFunction("cross_entropy")(logits, _one_hot(np.array([label]), 3))
        expected = max(size, -size) - logits[0, label]
        np.testing.assert_allclose(cost, expected, rtol=1e-15)


def test_a_probability_of_zero_costs_708() -> None:
    cost = CostFunction("cross_entropy", probabilities=True)
    value = cost(np.array([[1.0, 0.0]]), _one_hot(np.array([1]), 2))
    assert value[0] == pytest.approx(708.396, abs=1e-3)
