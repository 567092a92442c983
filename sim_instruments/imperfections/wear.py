"""Parameters that do not move: some from the beginning, others after too many writes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, permutation, uniforms
from mgd_lab.experiment.imperfections import Endurance, Stuck
from sim_instruments.imperfections.devices import Quantity, spread

Float64 = NDArray[np.float64]


class Wear:
    """Which of a chip's parameters still move, and how often each has moved.

    Attributes:
        free: bool (P,).
        stuck_at: values (P,) of those stuck from the beginning, NaN for all others.
    """

    def __init__(
        self, stuck: Stuck | None, endurance: Endurance | None, seed: int, devices: int
    ) -> None:
        self.free = np.ones(devices, np.bool_)
        self.stuck_at = np.full(devices, np.nan)
        if stuck is not None:
            self._stick(stuck, seed, devices)
        self._writes = np.zeros(devices, np.int64)
        self._most: Float64 | None = None
        if endurance is not None:
            self._most = np.full(devices, float(endurance.writes))
            if endurance.spread:
                self._most *= np.exp(endurance.spread * spread(seed, Quantity.ENDURANCE, devices))

    def _stick(self, stuck: Stuck, seed: int, devices: int) -> None:
        count = int(np.floor(stuck.fraction * devices + 0.5))
        chosen = permutation(seed, Stream.DEVICE_VARIATION, Quantity.STUCK, devices)[:count]
        self.free[chosen] = False
        if isinstance(stuck.at, tuple):
            low, high = stuck.at
            places = uniforms(seed, Stream.DEVICE_VARIATION, Quantity.STUCK_AT, devices)
            self.stuck_at[chosen] = low + (high - low) * places[chosen]
        else:
            self.stuck_at[chosen] = stuck.at

    def add(self, moved: NDArray[np.bool_]) -> None:
        """One write of the parameters `moved` (P,); those that have had their last one stick."""
        if self._most is not None:
            self._writes += moved
            self.free &= self._writes < self._most
