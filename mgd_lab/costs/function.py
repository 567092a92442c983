"""Mean squared error and cross-entropy, a row a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.costs.user import UserFunction, user_costs
from mgd_lab.errors import ConfigurationError

CostKind = Literal["mse", "cross_entropy", "user"]

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class CostFunction:
    """A cost, chosen by name.

    `mse` is the mean over outputs of (y − t)², without ½. `cross_entropy` is −Σ t′ log p with
    t′ = (1 − s) t + s/K for `label_smoothing` s and K outputs; p is softmax(y), or y itself
    where the chip's outputs are probabilities already. `user` is the function given, which
    computes every row on its own, and `sha256` that of its file.
    """

    kind: CostKind = "mse"
    label_smoothing: float = 0.0
    probabilities: bool = False
    function: UserFunction | None = None
    sha256: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.label_smoothing < 1.0:
            raise ConfigurationError(
                f"label_smoothing is {self.label_smoothing}; it must lie in [0, 1)"
            )
        if self.label_smoothing and self.kind != "cross_entropy":
            raise ConfigurationError("label_smoothing goes with cross_entropy only")
        if (self.kind == "user") != (self.function is not None):
            raise ConfigurationError("a cost of the kind user, and no other, needs its function")

    def __call__(self, outputs: Float64, targets: NDArray[np.float32]) -> Float64:
        """outputs (n, O) float64, targets (n, O) float32 → costs (n,) float64."""
        if self.kind == "mse":
            return _mean_squared_error(outputs, targets)
        if self.function is not None:
            return user_costs(self.function, outputs, targets)
        return self._cross_entropy(outputs, targets)

    def _cross_entropy(self, outputs: Float64, targets: NDArray[np.float32]) -> Float64:
        width = outputs.shape[1]
        smoothed = targets.astype(np.float64)
        if self.label_smoothing:
            smoothed *= 1.0 - self.label_smoothing
            smoothed += self.label_smoothing / width
        if self.probabilities:
            # The smallest normal number: a probability of exactly 0 costs 708, not infinity.
            log_p = np.log(np.maximum(outputs, np.finfo(np.float64).tiny))
        else:
            shifted = outputs - _largest(outputs)[:, None]
            log_p = shifted - np.log(_row_sum(np.exp(shifted)))[:, None]
        return -_row_sum(smoothed * log_p)


def batch_mean(costs: Float64) -> Float64:
    """Mean over the last axis, added from left to right: (…, B) → (…)."""
    total = costs[..., 0].copy()
    for b in range(1, costs.shape[-1]):
        total += costs[..., b]
    total /= costs.shape[-1]
    return total


def _mean_squared_error(outputs: Float64, targets: NDArray[np.float32]) -> Float64:
    difference = outputs - targets
    difference *= difference
    total = _row_sum(difference)
    width = outputs.shape[1]
    if width > 1:
        total /= width
    return total


def _row_sum(values: Float64) -> Float64:
    # One column after another, never np.sum: its pairwise order depends on the array's shape.
    if values.shape[1] == 1:
        return values[:, 0]
    total = values[:, 0] + values[:, 1]
    for column in range(2, values.shape[1]):
        total += values[:, column]
    return total


def _largest(values: Float64) -> Float64:
    largest = values[:, 0].copy()
    for column in range(1, values.shape[1]):
        np.maximum(largest, values[:, column], out=largest)
    return largest
