"""Simulated Keysight 34461A and 34465A multimeters: DC voltage, triggers, reading memory.

From the Keysight Truevolt Series Operating and Service Guide, "SCPI Programming Reference", and
the data sheet 5991-1983EN (reading rates, resolutions, memory). The input integrates: a reading is
the mean of what is at the terminal over its aperture, NPLC divided by the line frequency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from mgd_lab.wire import encode_block
from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call, short
from sim_instruments.bench.truevolt_acquisition import (
    OVERLOAD,
    Acquisition,
    ReadingTimes,
    Source,
    TriggerSettings,
)

CHANNEL = "1"

_RANGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
_TRIGGER_SOURCES: tuple[Source, ...] = ("IMMediate", "EXTernal", "BUS")


@dataclass(frozen=True)
class _Model:
    """Of one model: NPLC → resolution as part of the range, readings kept, readings a second."""

    resolutions: dict[float, float]
    memory: int
    fastest: float
    largest_count: float


_MODELS = {
    "34461A": _Model(
        {0.02: 100e-6, 0.2: 10e-6, 1.0: 3e-6, 10.0: 1e-6, 100.0: 0.3e-6}, 10_000, 1000.0, 1e6
    ),
    "34465A": _Model(
        {0.02: 3e-6, 0.06: 1.5e-6, 0.2: 0.7e-6, 1.0: 0.3e-6, 10.0: 0.1e-6, 100.0: 0.03e-6},
        50_000,
        5000.0,
        1e9,
    ),
}


class Keysight34461A(ScpiBox):
    """A Truevolt multimeter.

    Args:
        plug: channel "1"; trigger input "ext_trig", marker "vm_comp" (a reading has been taken).
        model: "34461A" or "34465A".
        line_frequency_hertz: of the mains that it is plugged into.
        serial: field of `*IDN?`.
    """

    queue_capacity: ClassVar[int] = 20
    own_texts: ClassVar[dict[int, str]] = {-213: "INIT ignored"}

    def __init__(
        self,
        plug: Plug,
        model: str = "34461A",
        line_frequency_hertz: int = 50,
        serial: str = "MY00000001",
    ) -> None:
        super().__init__(f"Keysight Technologies,{model},{serial},A.02.14-02.40-02.14-00.49-01-01")
        self._model = _MODELS[model]
        self._line_frequency = line_frequency_hertz
        self._plug = plug
        self._taking = Acquisition(plug, CHANNEL, self._model.memory, self._times, self._reading)
        plug.listen("ext_trig", lambda: self._taking.triggered("EXTernal"))
        self.reset()
        self._add_measurement()
        self._add_input()
        self._add_triggers()

    def error_entry(self, code: int, text: str) -> str:
        """Keysight's instruments give codes a sign, 0 too."""
        return f'{code:+d},"{text}"'

    def complete(self) -> bool:
        """Waits for the readings that are being taken."""
        return self._taking.finish()

    def reset(self) -> None:
        """DC voltage, autorange, 10 PLC, autozero; one immediate reading."""
        self._taking.abort()
        self._taking.settings = TriggerSettings()
        self._range, self._auto_range = 10.0, True
        self._nplc, self._autozero, self._high_impedance = 10.0, True, False

    def _add_measurement(self) -> None:
        on, taking = self.on, self._taking
        on("*TRG", lambda _: taking.triggered("BUS"))
        on("*OPT?", lambda _: "0")
        on("ABORt", lambda _: taking.abort(), most=0)
        on("INITiate[:IMMediate]", lambda _: taking.initiate(), most=0)
        on("READ?", lambda _: self._read())
        on("FETCh?", lambda _: self._fetch())
        on("R?", self._remove_as_block, most=1)
        on("DATA:POINts?", lambda _: f"{len(taking.readings):+d}")
        on("CONFigure[:VOLTage][:DC]", self._configure, most=2)
        on("CONFigure?", lambda _: f'"VOLT {_real(self._range)},{_real(self._resolution())}"')
        on("MEASure[:VOLTage][:DC]?", self._measure, most=2)

    def _add_input(self) -> None:
        on, volt = self.on, "[SENSe:]VOLTage[:DC]"
        on("[SENSe:]FUNCtion[:ON]", self._set_function)
        on("[SENSe:]FUNCtion[:ON]?", lambda _: '"VOLT"')
        on(f"{volt}:RANGe[:UPPer]", lambda call: self._set_range(call, 0))
        on(f"{volt}:RANGe[:UPPer]?", lambda _: _real(self._range))
        on(f"{volt}:RANGe:AUTO", self._set_auto_range)
        on(f"{volt}:RANGe:AUTO?", lambda _: _bool(self._auto_range))
        on(f"{volt}:NPLC", self._set_nplc)
        on(f"{volt}:NPLC?", lambda _: _real(self._nplc))
        on(f"{volt}:RESolution?", lambda _: _real(self._resolution()))
        on(f"{volt}:ZERO:AUTO", self._set_autozero)
        on(f"{volt}:ZERO:AUTO?", lambda _: _bool(self._autozero))
        on(f"{volt}:IMPedance:AUTO", self._set_impedance)
        on(f"{volt}:IMPedance:AUTO?", lambda _: _bool(self._high_impedance))
        on("SYSTem:LFRequency?", lambda _: f"{self._line_frequency:+d}")

    def _add_triggers(self) -> None:
        on = self.on
        on("TRIGger:SOURce", self._set_source)
        on("TRIGger:SOURce?", lambda _: short(self._trigger.source))
        on("TRIGger:COUNt", self._set_count)
        on("TRIGger:COUNt?", lambda _: _real(min(self._trigger.count, OVERLOAD)))
        on("TRIGger:DELay", self._set_delay)
        on("TRIGger:DELay?", lambda _: _real(self._times().delay))
        on("TRIGger:DELay:AUTO", self._set_auto_delay)
        on("TRIGger:DELay:AUTO?", lambda _: _bool(self._trigger.delay is None))
        on("TRIGger:SLOPe", self._set_slope)
        on("TRIGger:SLOPe?", lambda _: short(self._trigger.slope))
        on("SAMPle:COUNt", self._set_samples)
        on("SAMPle:COUNt?", lambda _: f"{self._trigger.samples:+d}")

    @property
    def _trigger(self) -> TriggerSettings:
        return self._taking.settings

    def _times(self) -> ReadingTimes:
        aperture = self._nplc / self._line_frequency
        # With autozero every reading is followed by one of the shorted input.
        period = max(aperture * (2 if self._autozero else 1), 1.0 / self._model.fastest)
        automatic = 1.5e-3 if self._nplc >= 1 else 1.0e-3
        delay = automatic if self._trigger.delay is None else self._trigger.delay
        return ReadingTimes(delay, aperture, period)

    def _reading(self, mean: float) -> float:
        if self._auto_range:
            self._range = next((r for r in _RANGES if abs(mean) <= _full(r)), _RANGES[-1])
        if not abs(mean) <= _full(self._range):
            return math.copysign(OVERLOAD, mean)
        return mean + self._resolution() * self._plug.noise()

    def _resolution(self) -> float:
        return self._model.resolutions[self._nplc] * self._range

    def _read(self) -> str | None:
        if self._trigger.source == "BUS":
            raise Refused(-214)
        self._taking.initiate()
        return self._fetch()

    def _fetch(self) -> str | None:
        if self._taking.is_idle and not self._taking.readings:
            raise Refused(-230)
        return _listed(list(self._taking.readings)) if self._taking.finish() else None

    def _remove_as_block(self, call: Call) -> bytes:
        count = call.whole(0, 1, 2_000_000) if len(call) else self._model.memory
        return encode_block(_listed(self._taking.take(count)).encode("ascii"))

    def _configure(self, call: Call) -> None:
        if len(call) and call.word() not in ("AUTO", "DEF", "DEFAULT"):
            value = call.number(0, _RANGES[0], _RANGES[-1])
        else:
            value = None
        if len(call) > 1 and call.word(1) not in ("DEF", "DEFAULT"):
            raise Refused(-224)  # a resolution; set it by NPLC
        self.reset()
        self._taking.readings.clear()
        if value is not None:
            self._range, self._auto_range = _range_for(value), False

    def _measure(self, call: Call) -> str | None:
        self._configure(call)
        return self._read()

    def _set_function(self, call: Call) -> None:
        if call.string().upper() not in ("VOLT", "VOLT:DC", "VOLTAGE", "VOLTAGE:DC"):
            raise Refused(-224)

    def _set_range(self, call: Call, k: int) -> None:
        self._range = _range_for(call.number(k, _RANGES[0], _RANGES[-1], {"DEFault": 10.0}))
        self._auto_range = False

    def _set_auto_range(self, call: Call) -> None:
        if call.word() == "ONCE":
            self._auto_range = True
            self._reading(self._plug.sense(CHANNEL))
            self._auto_range = False
        else:
            self._auto_range = call.on()

    def _set_nplc(self, call: Call) -> None:
        steps = sorted(self._model.resolutions)
        wanted = call.number(0, steps[0], steps[-1], {"DEFault": 10.0})
        # The instrument takes the next that is not shorter.
        self._nplc = next(step for step in steps if step >= wanted)

    def _set_autozero(self, call: Call) -> None:
        if call.word() == "ONCE":
            self._plug.spend(self._nplc / self._line_frequency)
            self._autozero = False
        else:
            self._autozero = call.on()

    def _set_impedance(self, call: Call) -> None:
        self._high_impedance = call.on()

    def _set_source(self, call: Call) -> None:
        chosen = call.choice(0, _TRIGGER_SOURCES)
        self._trigger.source = next(source for source in _TRIGGER_SOURCES if source == chosen)

    def _set_count(self, call: Call) -> None:
        names = {"DEFault": 1.0, "INFinity": math.inf}
        self._trigger.count = call.number(0, 1.0, self._model.largest_count, names)

    def _set_delay(self, call: Call) -> None:
        self._trigger.delay = call.number(0, 0.0, 3600.0, {"DEFault": 0.0})

    def _set_auto_delay(self, call: Call) -> None:
        self._trigger.delay = None if call.on() else self._times().delay

    def _set_slope(self, call: Call) -> None:
        self._trigger.slope = call.choice(0, ("POSitive", "NEGative"))

    def _set_samples(self, call: Call) -> None:
        self._trigger.samples = call.whole(0, 1, int(self._model.largest_count), DEFault=1)


def _range_for(value: float) -> float:
    return next(step for step in _RANGES if step >= value)


def _full(chosen: float) -> float:
    """Largest reading of a range: 20 % beyond it, but for the highest."""
    return chosen if chosen == _RANGES[-1] else 1.2 * chosen


def _listed(values: list[float]) -> str:
    return ",".join(_real(value) for value in values)


def _real(value: float) -> str:
    return f"{value:+.8E}"


def _bool(value: bool) -> str:
    return "1" if value else "0"


def _build(name: str, settings: Any, plug: Plug) -> Keysight34461A:  # noqa: ARG001
    return Keysight34461A(plug, settings.model, settings.line_frequency_hertz)


INSTRUMENT = BenchInstrument(build=_build)
