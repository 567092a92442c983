"""Simulated Keithley 2400 and 2401 source-measure units.

Series 2400 SourceMeter User's Manual (2400S-900-01 Rev. K): section 18 for commands, section 11 for
the trigger model, section 6 for compliance, appendix A for times, appendix B for its own errors.
Only direct voltage and current: no resistance, math, limits, memory sweeps or staircases.
"""

from __future__ import annotations

import math
import struct
from typing import Any, ClassVar

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call, short
from sim_instruments.bench.smu2400_cycle import Smu2400Cycle
from sim_instruments.bench.smu2400_settings import NAMES, Smu2400Values
from sim_instruments.bench.smu2400_trigger import DataStore, Reading, TriggerModel
from sim_instruments.bench.smu_output import Quantity, SmuOutput

CHANNEL = "1"
METER = "sense"

_ELEMENTS = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus")
_MOST_VOLTS = {"2400": 210.0, "2401": 21.0}
_MOST_AMPERES = 1.05
_MOST_AT_ONCE, _MOST_IN_LIST = 100, 2500
# Section 14: what it carries out although it is not idle.
_AT_ANY_TIME = (b"ABOR", b":ABOR", b"*RST", b"SYST:PRES", b":SYST:PRES")
_MSB, _SERVICE = 1, 1 << 6
_BUFFER_FULL, _COMPLIANCE = 1 << 9, 1 << 14


class Keithley2400(ScpiBox):
    """A 2400.

    Args:
        plug: source "1", meter "sense"; lines "trigger_link_1" to "trigger_link_4".
        model: "2400" or "2401".
        line_frequency_hertz: of the mains.
        serial: field of `*IDN?`.
    """

    queue_capacity: ClassVar[int] = 10
    version: ClassVar[str] = "1996.0"
    own_texts: ClassVar[dict[int, str]] = {
        -222: "Parameter data out of range",
        802: "OUTPUT blocked by output enable",
        803: "Not permitted with OUTPUT off",
        822: "Too small for sense range",
        824: "Cannot exceed compliance range",
    }

    def __init__(
        self,
        plug: Plug,
        model: str = "2400",
        line_frequency_hertz: int = 50,
        serial: str = "1234567",
    ) -> None:
        super().__init__(f"KEITHLEY INSTRUMENTS INC.,MODEL {model},{serial},C30/A02/K/J")
        self.is_enabled = True
        self._plug = plug
        self._line_frequency = line_frequency_hertz
        self._output = SmuOutput(plug, CHANNEL, METER)
        self._values = Smu2400Values(self, self._output, _MOST_VOLTS[model], _MOST_AMPERES)
        self._store = DataStore()
        self._elements = [short(name) for name in _ELEMENTS]
        self._cycle = Smu2400Cycle(plug, self._output, self._values, line_frequency_hertz)
        self._trigger = TriggerModel(plug, self._cycle, self._run, self._store)
        self._measurement_events = self._measurement_enable = 0
        for line in range(1, 5):
            plug.listen(f"trigger_link_{line}", lambda line=line: self._pulsed(line))
        self._add_output()
        self._add_lists()
        self._add_readings()
        self._add_status()
        self.reset()

    def respond(self, message: bytes) -> bytes:
        """As any SCPI instrument; what comes while it is not idle waits until it is."""
        if not message.upper().startswith(_AT_ANY_TIME) and not self._finish_run():
            return b""
        return super().respond(message)

    def error_entry(self, code: int, text: str) -> str:
        """Its own errors have a sign."""
        return f'{code:+d},"{text}"' if code > 0 else f'{code},"{text}"'

    def status_byte(self, *, message_available: bool) -> int:
        """With the summary of the measurement events in bit 0."""
        byte = super().status_byte(message_available=message_available)
        if self._measurement_register() & self._measurement_enable:
            byte |= _MSB
            if self._enables["*SRE"] & _MSB:
                byte |= _SERVICE
        return byte

    def reset(self) -> None:
        """`*RST`, with the output off."""
        self._trigger.abort()
        self._cycle.list_of |= {"VOLT": [], "CURR": []}
        self._store.readings.clear()
        self._store.points, self._store.is_filling = 100, False
        self._elements = [short(name) for name in _ELEMENTS]
        self._values.reset()

    def _add_output(self) -> None:
        on, output = self.on, self._output
        on("OUTPut[:STATe]", self._switch)
        on("OUTPut[:STATe]?", lambda _: "1" if output.is_on else "0")
        on("SENSe:CURRent[:DC]:PROTection:TRIPped?", lambda _: self._tripped("VOLT"))
        on("SENSe:VOLTage[:DC]:PROTection:TRIPped?", lambda _: self._tripped("CURR"))
        on("SYSTem:LFRequency?", lambda _: str(self._line_frequency))
        on("SYSTem:PRESet", lambda _: self.reset(), most=0)

    def _add_lists(self) -> None:
        for quantity, name in NAMES.items():
            self._add_list(quantity, f"SOURce:LIST:{name}")

    def _add_list(self, quantity: Quantity, header: str) -> None:
        self.on(header, lambda call: self._list(call, quantity, new=True), most=200)
        self.on(f"{header}:APPend", lambda call: self._list(call, quantity, new=False), most=200)
        self.on(f"{header}:POINts?", lambda _: str(len(self._cycle.list_of[quantity])))

    def _add_readings(self) -> None:
        on, trigger, store = self.on, self._trigger, self._store
        on("INITiate[:IMMediate]", lambda _: self._initiate(), most=0)
        on("ABORt", lambda _: trigger.abort(), most=0)
        on("TRIGger:CLEar", lambda _: trigger.clear(), most=0)
        on("READ?", lambda _: self._read())
        on("FETCh?", lambda _: self._spell(trigger.sample[-self._count() :]))
        on("CONFigure:CURRent[:DC]", lambda _: self._configure("CURR"), most=0)
        on("CONFigure:VOLTage[:DC]", lambda _: self._configure("VOLT"), most=0)
        on("MEASure:CURRent[:DC]?", lambda _: self._measure("CURR"))
        on("MEASure:VOLTage[:DC]?", lambda _: self._measure("VOLT"))
        on("FORMat:ELEMents[:SENSe]", self._set_elements, most=5)
        on("FORMat:ELEMents[:SENSe]?", lambda _: ",".join(self._elements))
        on("TRACe:CLEar", lambda _: store.readings.clear(), most=0)
        on("TRACe:POINts", self._set_points)
        on("TRACe:POINts?", lambda _: str(store.points))
        on("TRACe:POINts:ACTual?", lambda _: str(len(store.readings)))
        on("TRACe:FEED", _check_feed)
        on("TRACe:FEED:CONTrol", self._set_feed_control)
        on("TRACe:FEED:CONTrol?", lambda _: "NEXT" if store.is_filling else "NEV")
        on("TRACe:DATA?", lambda _: self._spell(store.readings))

    def _add_status(self) -> None:
        on = self.on
        on("STATus:PRESet", lambda _: self._enable_measurement(0), most=0)
        on("STATus:MEASurement:ENABle", lambda c: self._enable_measurement(c.whole(0, 0, 65535)))
        on("STATus:MEASurement[:EVENt]?", lambda _: self._take_measurement_events())

    def _run(self) -> tuple[str, int, str, str]:
        words, numbers = self._values.words, self._values.numbers
        line = f"trigger_link_{numbers['TRIG:OLIN']:.0f}"
        return words["TRIG:SOUR"], self._count(), words["TRIG:OUTP"], line

    def _count(self) -> int:
        numbers = self._values.numbers
        return int(numbers["TRIG:COUN"] * numbers["ARM:COUN"])

    def _pulsed(self, line: int) -> None:
        if line == self._values.numbers["TRIG:ILIN"]:
            self._trigger.triggered()

    def _finish_run(self) -> bool:
        waits_for_pulses = self._values.words["TRIG:SOUR"] == "TLIN"
        patience = 60.0 if waits_for_pulses else math.inf
        return self._plug.wait(lambda: self._trigger.is_idle, patience)

    def _switch(self, call: Call) -> None:
        wanted = call.on()
        if wanted and not self.is_enabled:
            raise Refused(802)
        self._output.is_on = wanted
        self._output.apply()

    def _tripped(self, sourced: str) -> str:
        self._output.apply()
        output = self._output
        return "1" if output.sources == sourced and output.is_in_compliance else "0"

    def _list(self, call: Call, quantity: Quantity, *, new: bool) -> None:
        most = _MOST_AMPERES if quantity == "CURR" else self._values.most_volts
        levels = call.numbers(0, -most, most)
        held = [] if new else self._cycle.list_of[quantity]
        if len(levels) > _MOST_AT_ONCE or len(held) + len(levels) > _MOST_IN_LIST:
            raise Refused(-223)
        self._cycle.list_of[quantity] = held + levels

    def _initiate(self) -> None:
        if not self._output.is_on:
            raise Refused(803)
        self._output.apply()
        self._trigger.initiate()

    def _read(self) -> str | bytes | None:
        self._initiate()
        return self._spell(self._trigger.sample) if self._finish_run() else None

    def _configure(self, quantity: str) -> None:
        self._values.words["SENS:FUNC"] = quantity
        self._values.words["TRIG:SOUR"] = self._values.words["ARM:SOUR"] = "IMM"
        self._values.numbers |= {"TRIG:COUN": 1.0, "ARM:COUN": 1.0, "TRIG:DEL": 0.0}
        self._output.is_on = True
        self._output.apply()

    def _measure(self, quantity: str) -> str | bytes | None:
        self._configure(quantity)
        return self._read()

    def _spell(self, readings: list[Reading]) -> str | bytes:
        if not readings:
            raise Refused(-230)
        numbers = [each.element(name) for each in readings for name in self._elements]
        if self._values.words["FORM:DATA"] == "ASC":
            return ",".join(f"{number:+.6E}" for number in numbers)
        order = "<" if self._values.words["FORM:BORD"] == "SWAP" else ">"
        return b"#0" + struct.pack(f"{order}{len(numbers)}f", *numbers)

    def _set_elements(self, call: Call) -> None:
        asked = {call.choice(k, _ELEMENTS) for k in range(len(call))}
        self._elements = [short(name) for name in _ELEMENTS if name in asked]

    def _set_points(self, call: Call) -> None:
        if self._store.is_filling:
            raise Refused(800, "Illegal with storage active")
        self._store.points = call.whole(0, 1, _MOST_IN_LIST)

    def _set_feed_control(self, call: Call) -> None:
        self._store.is_filling = call.choice(0, ("NEXT", "NEVer")) == "NEXT"
        if self._store.is_filling:
            self._store.readings.clear()

    def _enable_measurement(self, bits: int) -> None:
        self._measurement_enable = bits

    def _measurement_register(self) -> int:
        full = _BUFFER_FULL if self._store.readings and self._store.is_full else 0
        return self._measurement_events | full

    def _take_measurement_events(self) -> str:
        now = _COMPLIANCE if self._output.is_in_compliance else 0
        return str(self._measurement_register() | now)


def _check_feed(call: Call) -> None:
    call.choice(0, ("SENSe",))


def _build(name: str, settings: Any, plug: Plug) -> Keithley2400:  # noqa: ARG001
    return Keithley2400(plug, settings.model, settings.line_frequency_hertz)


INSTRUMENT = BenchInstrument(build=_build)
