"""Simulated Keithley 2450 source-measure unit, in its SCPI command set.

Model 2450 Interactive SourceMeter Reference Manual (2450-901-01): section 6 for commands, section 3
for the trigger model and the buffers. Direct voltage and current, source lists, the two default
buffers; no resistance, sweeps, math, limits tests, own buffers or TSP.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call
from sim_instruments.bench.smu2450_blocks import Go, TriggerBlocks
from sim_instruments.bench.smu2450_buffers import Buffers, Record, elements, spelled
from sim_instruments.bench.smu2450_programs import Programs, event
from sim_instruments.bench.smu2450_settings import NAMES, Smu2450Values
from sim_instruments.bench.smu_output import OTHER, Quantity, SmuOutput

CHANNEL = "1"
METER = "sense"

OVERFLOW = 9.9e37
_MOST: dict[Quantity, float] = {"VOLT": 210.0, "CURR": 1.05}
_MOST_AT_ONCE, _MOST_IN_LIST = 100, 2500
_OVERHEAD = 1 / 3130 - 0.01 / 60
_NOISE = 1e-6
"""Standard deviation of a reading at 1 PLC, as part of its range; it falls with √NPLC."""

_LIMITED, _REMOTE, _IS_ON = 1 << 5, 1 << 6, 1 << 7


class Keithley2450(ScpiBox):
    """A 2450.

    Args:
        plug: source "1", meter "sense"; lines "digio_1" to "digio_6".
        line_frequency_hertz: of the mains.
        serial: field of `*IDN?`.
    """

    queue_capacity: ClassVar[int] = 1000
    own_texts: ClassVar[dict[int, str]] = {
        -222: "Parameter data out of range",
        802: "Not permitted with OUTPUT off",
    }

    def __init__(
        self, plug: Plug, line_frequency_hertz: int = 50, serial: str = "04096331"
    ) -> None:
        super().__init__(f"KEITHLEY INSTRUMENTS,MODEL 2450,{serial},1.7.12b")
        self._plug = plug
        self._line_frequency = line_frequency_hertz
        self._output = SmuOutput(plug, CHANNEL, METER)
        self._values = Smu2450Values(self, self._output)
        self._buffers = Buffers()
        self._model = TriggerBlocks(plug)
        self._lists: dict[Quantity, list[float]] = {"VOLT": [], "CURR": []}
        self._index = 0
        self._is_input: dict[int, bool] = {}
        self._started = plug.now()
        for line in range(1, 7):
            plug.listen(f"digio_{line}", lambda line=line: self._pulsed(line))
        self._add_output()
        self._add_readings()
        self._add_triggers()
        self.reset()

    def error_entry(self, code: int, text: str) -> str:
        """With the kind of the event and its time."""
        seconds = self._plug.now()
        when = f"1;2024/01/01 00:{int(seconds // 60) % 60:02d}:{seconds % 60:06.3f}"
        return f'{code},"{text};{when if code else "0;0 0"}"'

    def complete(self) -> bool:
        """Waits for the trigger model (*WAI, *OPC?)."""
        patience = 60.0 if self._model.state == "WAITING" else math.inf
        return self._plug.wait(lambda: not self._model.is_running, patience)

    def reset(self) -> None:
        """`*RST`, with the output off."""
        self._model.abort()
        self._model.load_empty()
        self._model.lines.clear()
        self._model.timers.clear()
        self._is_input = {}
        self._lists |= {"VOLT": [], "CURR": []}
        self._buffers.reset()
        self._values.reset()

    def switch(self, on: bool) -> None:
        """The output."""
        self._output.is_on = on
        self._output.apply()

    def recall(self, name: str, index: int | None) -> None:
        """A level of a source list: the next one, the first again after the last."""
        quantity: Quantity = "VOLT" if name.startswith("Volt") else "CURR"
        levels = self._lists[quantity]
        if not levels:
            self.refuse(Refused(-221))
            return
        self._index = self._index % len(levels) + 1 if index is None else index
        self._output.program(quantity, levels[self._index - 1])

    def clear_buffer(self, call: Call, k: int) -> None:
        """The buffer that argument k names."""
        self._buffers.named(call, k).clear()

    def take_readings(self, model: TriggerBlocks, call: Call, k: int, count: int, go: Go) -> None:
        """One after another, into the buffer that argument k names."""
        self._take(model, self._buffers.named(call, k), count, go)

    def _take(self, model: TriggerBlocks, kept: deque[Record], count: int, go: Go) -> None:
        self._output.apply()
        self._started = self._plug.now()

        def measured(mean: float) -> None:
            record = self._record(mean)

            def end() -> None:
                kept.append(record)
                if count > 1:
                    self._take(model, kept, count - 1, go)
                else:
                    go()

            model.wait_seconds(max(0.0, self._conversion - self._aperture), end)

        model.mean(self._sense, self._aperture, measured)

    def _add_output(self) -> None:
        on, output = self.on, self._output
        on("*LANG?", lambda _: "SCPI")
        on("OUTPut[:STATe]", lambda call: self.switch(call.on()))
        on("OUTPut[:STATe]?", lambda _: "1" if output.is_on else "0")
        on("SYSTem:LFRequency?", lambda _: str(self._line_frequency))
        on("SYSTem:CLEar", lambda _: self.errors.clear(), most=0)
        on("STATus:CLEar", lambda _: None, most=0)
        for quantity, name in NAMES.items():
            self._add_list(quantity, f"SOURce:LIST:{name}")

    def _add_list(self, quantity: Quantity, header: str) -> None:
        self.on(header, lambda call: self._list(call, quantity, new=True), most=200)
        self.on(f"{header}:APPend", lambda call: self._list(call, quantity, new=False), most=200)
        self.on(f"{header}:POINts?", lambda _: str(len(self._lists[quantity])))

    def _add_readings(self) -> None:
        on, buffers = self.on, self._buffers
        on("READ?", self._read, most=6)
        on("MEASure?", self._read, most=6)
        on("FETCh?", lambda call: self._last(call, buffers.named(call, 0)), most=6)
        on("TRACe:TRIGger", self._trigger_buffer, most=1)
        on("TRACe:CLEar", lambda call: buffers.named(call, 0).clear(), most=1)
        on("TRACe:ACTual?", lambda call: str(len(buffers.named(call, 0))), most=1)
        on("TRACe:POINts", buffers.resize, most=2)
        on("TRACe:POINts?", lambda call: str(buffers.named(call, 0).maxlen), most=1)
        on("TRACe:DATA?", self._data, most=8)

    def _add_triggers(self) -> None:
        on, model = self.on, self._model
        Programs(model, self, self)
        on("INITiate[:IMMediate]", lambda _: self._initiate(), most=0)
        on("ABORt", lambda _: model.abort(), most=0)
        on("TRIGger:STATe?", lambda _: f"{model.state};{model.state};{model.at}")
        on("DIGital:LINE<n>:MODE", self._set_line, most=2)
        line = "TRIGger:DIGital<n>"
        on(f"{line}:IN:CLEar", lambda call: model.forget(f"DIG{call.suffixes[0]}"), most=0)
        on(f"{line}:IN:EDGE", _check_edge)
        on(f"{line}:OUT:LOGic", lambda call: _check(call, ("POSitive", "NEGative")))
        on(f"{line}:OUT:STIMulus", lambda c: model.lines.__setitem__(c.suffixes[0], event(c, 0)))

    def _initiate(self) -> None:
        if self._model.is_running:
            raise Refused(-213)
        if self._model.state == "EMPTY":
            raise Refused(-221)
        self._model.initiate()

    def _pulsed(self, line: int) -> None:
        if self._is_input.get(line):
            self._model.happen(f"DIG{line}")

    def _set_line(self, call: Call) -> None:
        if not 1 <= call.suffixes[0] <= 6:
            raise Refused(-114)
        _check(call, ("TRIGger",))
        self._is_input[call.suffixes[0]] = call.choice(1, ("IN", "OUT")) == "IN"

    def _list(self, call: Call, quantity: Quantity, *, new: bool) -> None:
        levels = call.numbers(0, -_MOST[quantity], _MOST[quantity])
        held = [] if new else self._lists[quantity]
        if len(levels) > _MOST_AT_ONCE or len(held) + len(levels) > _MOST_IN_LIST:
            raise Refused(-223)
        self._lists[quantity] = held + levels

    def _trigger_buffer(self, call: Call) -> None:
        self._fill(self._buffers.named(call, 0))

    def _fill(self, kept: deque[Record]) -> bool:
        if not self._output.is_on:
            raise Refused(802)
        if self._model.is_running:
            raise Refused(-221)
        done: list[bool] = []
        count = int(self._values.numbers["COUN"])
        self._take(self._model, kept, count, lambda: done.append(True))
        return self._plug.wait(lambda: bool(done), math.inf)

    def _read(self, call: Call) -> str | bytes | None:
        kept = self._buffers.named(call, 0)
        elements(call, 1)
        return self._last(call, kept) if self._fill(kept) else None

    def _last(self, call: Call, kept: deque[Record]) -> str | bytes:
        return self._spelled(list(kept)[-1:], elements(call, 1))

    def _data(self, call: Call) -> str | bytes:
        kept = self._buffers.named(call, 2)
        first, last = call.whole(0, 1, 6_000_000), call.whole(1, 1, 6_000_000)
        if not first <= last <= len(kept):
            raise Refused(-222)
        return self._spelled(list(kept)[first - 1 : last], elements(call, 3))

    def _spelled(self, records: list[Record], names: list[str]) -> str | bytes:
        words = self._values.words
        return spelled(records, names, words["FORM:DATA"], words["FORM:BORD"])

    @property
    def _aperture(self) -> float:
        return self._values.numbers[f"NPLC:{self._values.measures}"] / self._line_frequency

    @property
    def _conversion(self) -> float:
        autozero = self._values.switches[f"AZER:{self._values.measures}"]
        return self._aperture * (3 if autozero else 1) + _OVERHEAD

    def _sense(self) -> float:
        output = self._output
        return output.sourced() if self._values.measures == output.sources else output.sense()

    def _record(self, mean: float) -> Record:
        output, values = self._output, self._values
        value, status = self._clamped(mean)
        if output.is_on:
            status |= _IS_ON
        if values.switches[f"RSEN:{values.measures}"]:
            status |= _REMOTE
        return Record(value, output.level, self._started, 0, status)

    def _clamped(self, mean: float) -> tuple[float, int]:
        output, values = self._output, self._values
        if abs(mean) > values.reach():
            return math.copysign(OVERFLOW, mean), 0
        nplc = values.numbers[f"NPLC:{values.measures}"]
        noise = _NOISE * values.scale(mean) / math.sqrt(nplc) * self._plug.noise()
        limits = values.measures == OTHER[output.sources]
        if limits and abs(mean) >= output.limit * (1 - 1e-9):
            return math.copysign(output.limit, mean) + noise, _LIMITED
        return mean + noise, 0


def _check(call: Call, names: tuple[str, ...]) -> None:
    call.choice(0, names)


def _check_edge(call: Call) -> None:
    _check(call, ("FALLing", "RISing", "EITHer"))


def _build(name: str, settings: Any, plug: Plug) -> Keithley2450:  # noqa: ARG001
    return Keithley2450(plug, settings.line_frequency_hertz)


INSTRUMENT = BenchInstrument(build=_build)
