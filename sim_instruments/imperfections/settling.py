"""Outputs that follow what is presented with a time constant."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mgd_lab.experiment.imperfections import Settling

Float64 = NDArray[np.float64]


class SettlingOutputs:
    """What is read: y + (read before − y) e^(−wait/τ). The first one is settled."""

    def __init__(self, settings: Settling) -> None:
        self._rest = math.exp(-settings.wait_seconds / settings.time_constant_seconds)
        self._last: Float64 | None = None

    def restart(self) -> None:
        """The next one is settled."""
        self._last = None

    def read(self, outputs: Float64) -> Float64:
        """outputs (n, O), one after another → those read, (n, O)."""
        found = outputs.copy()
        last = self._last
        for row in found:
            if last is not None:
                row += (last - row) * self._rest
            last = row
        self._last = None if last is None else last.copy()
        return found
