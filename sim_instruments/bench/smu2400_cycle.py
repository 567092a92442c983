"""One source-delay-measure cycle of a Keithley 2400 (User's Manual, sections 6, 10, appendix A)."""

from __future__ import annotations

import math

from sim_instruments.bench.plug import Plug
from sim_instruments.bench.smu2400_settings import Smu2400Values
from sim_instruments.bench.smu2400_trigger import NOT_MEASURED, OVERFLOW, Reading
from sim_instruments.bench.smu_output import OTHER, Quantity, SmuOutput

_AUTO_DELAY = 1e-3
_CONVERSION, _OVERHEAD, _OVERHEAD_WITH_AUTOZERO = 185e-6, 640e-6, 2.15e-3
_NOISE = 1e-6
"""Standard deviation of a reading at 1 PLC, as part of its range; it falls with √NPLC."""

_OVER, _FRONT, _COMPLIANCE = 1 << 0, 1 << 2, 1 << 3
_MEASURES: dict[Quantity, int] = {"VOLT": 1 << 11, "CURR": 1 << 12}
_SOURCES: dict[Quantity, int] = {"VOLT": 1 << 14, "CURR": 1 << 15}
_RANGE_COMPLIANCE, _REMOTE = 1 << 16, 1 << 22


class Smu2400Cycle:
    """What the trigger model does as often as it is told.

    Attributes:
        list_of: the source lists.
    """

    def __init__(
        self, plug: Plug, output: SmuOutput, values: Smu2400Values, line_frequency_hertz: int
    ) -> None:
        self.list_of: dict[Quantity, list[float]] = {"VOLT": [], "CURR": []}
        self._plug = plug
        self._output = output
        self._values = values
        self._line_frequency = line_frequency_hertz

    def before_source(self, step: int) -> None:
        """The step of the list, or the fixed level."""
        output = self._output
        levels = self.list_of[output.sources]
        if self._values.words[f"SOUR:{output.sources}:MODE"] == "LIST" and levels:
            output.step(levels[step % len(levels)])
        else:
            output.apply()

    @property
    def times(self) -> tuple[float, float, float]:
        """Trigger delay, source delay, and a conversion with what the firmware adds."""
        values = self._values
        delay = values.numbers["SOUR:DEL"]
        delay = _AUTO_DELAY if values.switches["DEL:AUTO"] else delay
        once = self.aperture + _CONVERSION
        if values.switches["AZER"]:
            return values.numbers["TRIG:DEL"], delay, 3 * once + _OVERHEAD_WITH_AUTOZERO
        return values.numbers["TRIG:DEL"], delay, once + _OVERHEAD

    @property
    def aperture(self) -> float:
        """NPLC divided by the line frequency."""
        return self._values.numbers["NPLC"] / self._line_frequency

    def sense(self) -> float:
        """What is measured, now: what is not sourced, or what is."""
        output = self._output
        if self._measured == output.sources:
            return output.sourced()
        return output.sense()

    def reading(self, mean: float) -> Reading:
        """With noise, range and compliance."""
        output, values = self._output, self._values
        measured, sourced = self._measured, output.sources
        value, status = self._clamped(mean, measured)
        if values.words["TERM"] == "FRON":
            status |= _FRONT
        status |= _MEASURES[measured] | _SOURCES[sourced]
        if values.switches["RSEN"]:
            status |= _REMOTE
        found: dict[Quantity, float] = {"VOLT": NOT_MEASURED, "CURR": NOT_MEASURED}
        found[sourced] = output.level
        found[measured] = value
        return Reading(found["VOLT"], found["CURR"], NOT_MEASURED, self._plug.now(), status)

    @property
    def _measured(self) -> Quantity:
        return "VOLT" if self._values.measures == "VOLT" else "CURR"

    def _clamped(self, mean: float, measured: Quantity) -> tuple[float, int]:
        values, output = self._values, self._output
        reach = values.reach(measured)
        if abs(mean) > reach:
            return math.copysign(OVERFLOW, mean), _OVER | _RANGE_COMPLIANCE
        auto = values.switches[f"SENS:{measured}:AUTO"]
        scale = values.holding(measured, mean) if auto else values.meter_range[measured]
        noise = _NOISE * scale / math.sqrt(values.numbers["NPLC"]) * self._plug.noise()
        limit = output.limits[measured]
        if measured == OTHER[output.sources] and abs(mean) >= limit * (1 - 1e-9):
            return math.copysign(limit, mean) + noise, _COMPLIANCE
        return mean + noise, 0
