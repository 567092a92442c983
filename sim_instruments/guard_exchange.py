"""The device's end of limits, output switch, watchdog and telemetry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import Chip, HoldsLimits, ReportsTelemetry, SwitchesOutputs, WatchesHost
from mgd_lab.wire import (
    ReadLimits,
    ReadOutputs,
    ReadTelemetry,
    Request,
    SetLimits,
    SwitchOutputs,
    WatchHost,
)

Float64 = NDArray[np.float64]

_NOTHING: Float64 = np.empty(0)


class GuardRequests:
    """Carried out on a chip that offers any of these features.

    Args:
        chip: what has them.
        watch: told how long the host may be silent, 0 for ever. Who serves the device keeps to it:
            the device itself has no clock.
    """

    def __init__(self, chip: Chip, watch: Callable[[float], None]) -> None:
        self._chip: Any = chip
        self._watched = watch
        self.handlers: dict[type[Request], Callable[[Any], Float64]] = {}
        if isinstance(chip, HoldsLimits):
            self.handlers |= {SetLimits: self._set_limits, ReadLimits: self._read_limits}
        if isinstance(chip, SwitchesOutputs):
            self.handlers |= {SwitchOutputs: self._switch, ReadOutputs: self._read_outputs}
        if isinstance(chip, WatchesHost):
            self.handlers[WatchHost] = self._watch
        if isinstance(chip, ReportsTelemetry):
            self.handlers[ReadTelemetry] = self._read_telemetry

    def _set_limits(self, request: SetLimits) -> Float64:
        self._chip.write_limits(request.low, request.high)
        return _NOTHING

    def _read_limits(self, request: ReadLimits) -> Float64:  # noqa: ARG002 (it says nothing more)
        return np.concatenate(self._chip.read_limits())

    def _switch(self, request: SwitchOutputs) -> Float64:
        self._chip.switch_outputs(request.on)
        return _NOTHING

    def _read_outputs(self, request: ReadOutputs) -> Float64:  # noqa: ARG002 (it says nothing more)
        return np.array([float(self._chip.outputs_are_on())])

    def _watch(self, request: WatchHost) -> Float64:
        self._watched(request.seconds)
        return _NOTHING

    def _read_telemetry(self, request: ReadTelemetry) -> Float64:  # noqa: ARG002 (nothing more)
        return self._chip.read_telemetry()
