"""Probe by probe: levels are set, settling is waited for, then every meter reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.bench.boxes import Boxes
from drivers.bench.lanes import Lanes
from drivers.bench.levels import Levels
from drivers.bench.wiring import Meters, Readings
from mgd_lab.chip.instruments import DelaysReadings
from mgd_lab.errors import LinkError

Float64 = NDArray[np.float64]


def waiting_seconds(boxes: Boxes, meters: Meters) -> float:
    """Which every meter lets pass by itself, from its query to its reading, as levels settle."""
    read = (boxes.all[name] for name in meters.names)
    shortest = min(
        box.trigger_delay_seconds if isinstance(box, DelaysReadings) else 0.0 for box in read
    )
    return max(0.0, shortest)


class SoftwareTiming:
    """One exchange at a time an instrument: a reading is taken after its levels were accepted."""

    def __init__(self, boxes: Boxes, levels: Levels, meters: Meters, lanes: Lanes) -> None:
        self._boxes = boxes
        self._levels = levels
        self._meters = meters
        self._lanes = lanes
        self._head_start = waiting_seconds(boxes, meters)

    def measure(self, levels: Float64) -> Readings:
        """Levels (n, K) → readings of each meter (n, reads, channels)."""
        taken: dict[str, list[Float64]] = {name: [] for name in self._meters.names}
        tasks = {name: lambda name=name: self._read(name, taken[name]) for name in taken}
        for k, row in enumerate(levels):
            self._levels.set(row, head_start_seconds=self._head_start)
            self._lanes.run_or_raise(tasks)
            self._check(k, taken)
        return {name: np.stack(rows) for name, rows in taken.items()}

    def _read(self, name: str, rows: list[Float64]) -> None:
        reads = self._meters.reads
        found = self._boxes.meters[name].measure(reads)
        if found.ndim != 2 or len(found) != reads:
            self._lanes.suspects.add(name)
            raise LinkError(
                f"{name}: {reads} readings were asked for; what came is of shape {found.shape}"
            )
        rows.append(found)

    def _check(self, probe: int, taken: dict[str, list[Float64]]) -> None:
        for name, rows in taken.items():
            if len(rows) != probe + 1:
                raise LinkError(f"{name}: after probe {probe} there are readings of {len(rows)}")
