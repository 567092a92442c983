"""The mean squared error, and the mean over a batch."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.costs import CostFunction, batch_mean
from mgd_lab.errors import ConfigurationError


def test_mean_over_outputs_without_one_half() -> None:
    outputs = np.array([[0.0, 3.0], [1.0, 1.0]])
    targets = np.array([[1.0, 1.0], [1.0, 1.0]], np.float32)
    np.testing.assert_array_equal(CostFunction("mse")(outputs, targets), [2.5, 0.0])


@pytest.mark.parametrize("width", [1, 2, 3, 10])
def test_outputs_are_added_from_left_to_right(width: int) -> None:
    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(50, width))
    targets = rng.normal(size=(50, width)).astype(np.float32)
    expected = []
    for y, t in zip(outputs.tolist(), targets.tolist(), strict=True):
        total = 0.0
        for k in range(width):
            total += (y[k] - t[k]) * (y[k] - t[k])
        expected.append(total / width)
    assert CostFunction("mse")(outputs, targets).tolist() == expected


def test_arguments_are_left_as_they_are() -> None:
    outputs, targets = np.full((3, 1), 0.5), np.zeros((3, 1), np.float32)
    for cost in (CostFunction("mse"), CostFunction("cross_entropy")):
        cost(outputs, targets)
        assert (outputs == 0.5).all()
        assert (targets == 0).all()


def test_costs_are_float64_though_targets_are_float32() -> None:
    targets = np.array([[0.1]], np.float32)
    cost = CostFunction("mse")(np.array([[0.1]]), targets)
    assert cost.dtype == np.float64
    assert cost[0] == (0.1 - float(np.float32(0.1))) ** 2 > 0


@pytest.mark.parametrize("count", [1, 2, 3, 9, 100])
def test_batch_mean_adds_from_left_to_right(count: int) -> None:
    costs = np.random.default_rng(2).lognormal(0, 3, size=(20, count))
    expected = []
    for row in costs.tolist():
        total = 0.0
        for cost in row:
            total += cost
        expected.append(total / count)
    given = costs.copy()
    assert batch_mean(given).tolist() == expected
    np.testing.assert_array_equal(given, costs)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_label_smoothing_outside_its_range_is_refused(smoothing: float) -> None:
    with pytest.raises(ConfigurationError, match=r"label_smoothing is .*\[0, 1\)"):
        CostFunction("cross_entropy", smoothing)


def test_label_smoothing_with_another_cost_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cross_entropy only"):
        CostFunction("mse", 0.1)
