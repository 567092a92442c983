"""What entered the layers of a chip, on its way from where it is measured to where it is used."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


class LayerInputs:
    """Layer inputs of unperturbed probes in their order, and those in force.

    The thread that speaks to the chip adds, the one that estimates takes.

    Args:
        width: numbers that one presentation reports, K.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._waiting: deque[Float64] = deque()
        self.in_force: Float64 = np.full(width, np.nan)

    def add(self, inputs: Float64) -> None:
        """inputs (n, K) of the next probes without perturbation."""
        self._waiting.extend(inputs)

    def take(self, count: int) -> Float64:
        """The oldest of them, (count, K); the last is in force from now on."""
        if not count:
            return np.empty((0, self.width))
        taken = np.stack([self._waiting.popleft() for _ in range(count)])
        self.in_force = taken[-1]
        return taken

    def forget(self) -> None:
        """Those that wait belong to probes that will be measured again."""
        self._waiting.clear()
