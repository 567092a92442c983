"""Readings of the chip's telemetry, for the log and for the guards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription, ReportsTelemetry
from mgd_lab.controller.clock import Clock
from mgd_lab.controller.returned import check_shape
from mgd_lab.records import RecordSink, Telemetry

Float64 = NDArray[np.float64]


class TelemetryReader:
    """Reads every channel of an open chip, between two blocks only, and writes the record.

    Attributes:
        chip_rests: the chip is at its safe values, so that a channel may have no reading.
    """

    def __init__(
        self, chip: ReportsTelemetry, description: ChipDescription, sink: RecordSink, clock: Clock
    ) -> None:
        self._chip = chip
        self._name = description.name
        self._sink = sink
        self._clock = clock
        self.names = tuple(channel.name for channel in description.telemetry)
        self.chip_rests = False
        self.units = tuple(channel.unit for channel in description.telemetry)

    def read(self, step: int) -> Float64:
        """One reading a channel, (T,), NaN for none, after `step` steps."""
        values = self._chip.read_telemetry()
        check_shape(values, (len(self.names),), "telemetry", self._name)
        self._sink.write(Telemetry(step, self.names, values.copy(), self._clock.utc()))
        return values
