"""The costs of `mgd_lab.costs`, differentiable."""

from __future__ import annotations

from mgd_lab.costs import CostFunction
from mgd_lab.reference.pytorch import Tensor, Torch


class CostInTorch:
    """Costs of scores: outputs before a final softmax, which is exact where p would round to 0.

    Cross-entropy takes the softmax of the scores whether the chip has done so already
    (`probabilities`) or leaves it to the cost.
    """

    def __init__(self, torch: Torch, cost: CostFunction) -> None:
        self._torch = torch
        self._cost = cost

    def __call__(self, scores: Tensor, targets: Tensor) -> Tensor:
        """scores (n, O), targets (n, O) → costs (n,)."""
        cost = self._cost
        if cost.kind == "mse":
            outputs = scores.softmax(1) if cost.probabilities else scores
            return (outputs - targets).square().mean(1)
        smoothed = targets * (1.0 - cost.label_smoothing) + cost.label_smoothing / targets.shape[1]
        return -(smoothed * scores.log_softmax(1)).sum(1)
