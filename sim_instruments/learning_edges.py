"""Edges that a chip which learns by itself keeps its parameters within."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import LimitError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_LARGEST = float(np.finfo(np.float32).max)


class LearningEdges:
    """Judges θ as it is presented, rounded to float32.

    Args:
        lowest, highest: float64 (P,) that hold float32 numbers, or are infinite.
        on_update: what becomes of an update that would leave them.
    """

    def __init__(
        self, lowest: Float64, highest: Float64, on_update: Literal["refuse", "project"]
    ) -> None:
        # What overflows float32 is beyond every edge.
        self._lowest = np.maximum(lowest, -_LARGEST)
        self._highest = np.minimum(highest, _LARGEST)
        self._projects = on_update == "project"

    def check(self, theta: Float64) -> None:
        """LimitError where θ (P,) lies beyond, NaN included."""
        sent, inside = self._judged(theta)
        if not inside.all():
            raise self._refusal(sent, inside)

    def admit(self, theta: Float64) -> tuple[Float64, int]:
        """θ (P,) after an update, on the edges where it would leave them, and how often it would.

        LimitError where updates are refused, or a value is no number.
        """
        sent, inside = self._judged(theta)
        if inside.all():
            return theta, 0
        if not self._projects or not np.isfinite(sent).all():
            raise self._refusal(sent, inside)
        return np.clip(theta, self._lowest, self._highest), int(np.count_nonzero(~inside))

    def _judged(self, theta: Float64) -> tuple[Float32, NDArray[np.bool_]]:
        with np.errstate(over="ignore"):
            sent = theta.astype(np.float32)
        return sent, (sent >= self._lowest) & (sent <= self._highest)

    def _refusal(self, sent: Float32, inside: NDArray[np.bool_]) -> LimitError:
        i = int(np.flatnonzero(~inside)[0])
        return LimitError(
            f"the chip's own training: parameter {i} would become {sent[i]:.9g}, beyond "
            f"[{self._lowest[i]:.9g}, {self._highest[i]:.9g}] "
            f"({np.count_nonzero(~inside)} parameters). Nothing was presented"
        )
