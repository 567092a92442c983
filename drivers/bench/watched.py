"""Meter channels that are watched beside the costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.bench.boxes import Boxes
from drivers.bench.lanes import Lanes
from drivers.bench.wiring import meter_column
from mgd_lab.errors import MeasurementError
from mgd_lab.experiment.bench_terminals import TelemetryMap

Float64 = NDArray[np.float64]


class Watched:
    """One reading of each, when it is asked for."""

    def __init__(self, telemetry: Sequence[TelemetryMap], boxes: Boxes, lanes: Lanes) -> None:
        self._boxes = boxes
        self._lanes = lanes
        self._places = [
            (
                each.instrument,
                meter_column(boxes.all[each.instrument], each.channel),
                each.conversion,
            )
            for each in telemetry
        ]

    def read(self) -> list[float]:
        """In the channels' units; NaN where a meter has none now, for an overflow."""
        found: dict[str, Float64] = {}

        def measure(name: str) -> None:
            try:
                found[name] = self._boxes.meters[name].measure(1)[0]
            except MeasurementError:
                return

        names = dict.fromkeys(name for name, _, _ in self._places)
        self._lanes.run_or_raise({name: lambda name=name: measure(name) for name in names})
        return [
            float(conversion.value(float(found[name][column]))) if name in found else math.nan
            for name, column, conversion in self._places
        ]
