"""Parameters that are moved by their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


class Crosstalk:
    """To each value is added c (d₋ + d₊), the deviations of its neighbours from their safe values.

    Neighbours are next to each other in the order of parameters, and in one group.

    Args:
        part: c.
        safe: (P,).
        groups: how many parameters each group has.
    """

    def __init__(self, part: float, safe: Float64, groups: Sequence[int]) -> None:
        self._part = part
        self._safe = part * safe
        ends = np.cumsum(groups).tolist()
        self._groups = list(zip([0, *ends[:-1]], ends, strict=True))
        self._shares: Float64 = np.empty((0, len(safe)))

    def mixed(self, values: Float64) -> Float64:
        """values (n, P) → those that the network sees, (n, P)."""
        # Kept: fresh memory for so many numbers would take longer than the sums.
        if len(self._shares) < len(values):
            self._shares = np.empty_like(values)
        shares = self._shares[: len(values)]
        np.multiply(values, self._part, out=shares)
        shares -= self._safe
        mixed = values.copy()
        for first, end in self._groups:
            mixed[:, first + 1 : end] += shares[:, first : end - 1]
            mixed[:, first : end - 1] += shares[:, first + 1 : end]
        return mixed
