"""When a training reached a target, between two evaluations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Target:
    """An accuracy (0 to 1) or a cost that is to be reached; one of the two is None."""

    accuracy: float | None = None
    cost: float | None = None

    @property
    def text(self) -> str:
        """As messages say it: an accuracy of 0.7, a cost of 0.04."""
        if self.accuracy is not None:
            return f"an accuracy of {self.accuracy:g}"
        return f"a cost of {self.cost:g}"


def steps_to(
    target: Target,
    step: NDArray[np.int64],
    cost: NDArray[np.float64],
    accuracy: NDArray[np.float64],
) -> float | None:
    """Steps at which the evaluations (n,) first meet the target; None where they never do.

    Between the evaluation before and the one that meets it, the value is taken to move evenly.
    """
    if target.accuracy is not None:
        return _crossing(step, accuracy - target.accuracy)
    if target.cost is not None:
        return _crossing(step, target.cost - cost)
    return None


def _crossing(step: NDArray[np.int64], above: NDArray[np.float64]) -> float | None:
    """Where `above` is first 0 or more. NaN is not."""
    met = np.flatnonzero(above >= 0)
    if not len(met):
        return None
    k = int(met[0])
    if k == 0 or not np.isfinite(above[k - 1]):
        return float(step[k])
    part = -above[k - 1] / (above[k] - above[k - 1])
    return float(step[k - 1] + part * (step[k] - step[k - 1]))
