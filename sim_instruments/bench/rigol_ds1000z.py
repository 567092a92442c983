"""Simulated Rigol DS1000Z: four inputs, edge trigger, waveforms of the screen and of the memory.

MSO1000Z/DS1000Z Series Programming Guide, chapter 2. A code is a 25th of a division; code 127 is in
the middle of the screen, 0 and 255 are the ends of the converter.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim_instruments.bench.ds1000z_acquisition import DIVISIONS, Acquisition, Edge, Shot
from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call
from sim_instruments.bench.scpi_headers import Act
from sim_instruments.bench.scpi_values import ScpiValues

Codes = NDArray[np.uint8]

CHANNELS = ("1", "2", "3", "4")

_CODES_PER_DIVISION = 25
_REFERENCE = 127
_SCREEN_POINTS = 1200
_MEMORY = 12000
# As part of a division, before the converter.
_NOISE = 0.02
_FORMATS = {"BYTE": 0, "WORD": 1, "ASC": 2}
_MODES = {"NORM": 0, "MAX": 1, "RAW": 2}
_MOST_POINTS = {"BYTE": 250_000, "WORD": 125_000, "ASC": 15_625}


class RigolDS1000Z(ScpiBox):
    """An oscilloscope.

    Args:
        plug: channels "1" to "4"; marker "trig_out".
        model: field of `*IDN?`.
    """

    queue_capacity: ClassVar[int] = 32

    def __init__(self, plug: Plug, model: str = "DS1054Z") -> None:
        super().__init__(f"RIGOL TECHNOLOGIES,{model},DS1ZA170000001,00.04.04.SP4")
        self._plug = plug
        self._values = ScpiValues(self, spell=lambda value: f"{value:.6e}")
        self._taking = Acquisition(plug, CHANNELS, self._screen, self._edge)
        self._depth: int | None = None
        self._source = "1"
        for channel in CHANNELS:
            self._add_input(channel)
        self._add_acquisition()
        self._add_trigger()
        self._add_waveform()
        self.reset()

    def on(self, header: str, act: Act, most: int | None = None) -> None:
        """The number of a channel belongs to its node, in the long form too."""
        super().on(header, act, most)
        if header.startswith("CHANnel"):
            super().on(f"CHANNEL{header.removeprefix('CHANnel')}", act, most)

    def reset(self) -> None:
        """Free running, 1 V and 1 µs a division, channel 1 shown."""
        self._values.reset()
        self._values.switches["shown 1"] = True
        self._depth, self._source = None, "1"
        self._taking.free_run()

    def _add_input(self, channel: str) -> None:
        values, header = self._values, f"CHANnel{channel}"
        values.switch(f"shown {channel}", f"{header}:DISPlay", default=False)
        values.switch(f"inverted {channel}", f"{header}:INVert", default=False)
        values.choice(f"coupling {channel}", f"{header}:COUPling", ("DC", "GND"))
        values.choice(f"bandwidth {channel}", f"{header}:BWLimit", ("OFF", "20M"))
        values.number(f"probe {channel}", f"{header}:PROBe", 1.0, 0.01, 1000.0)
        values.number(f"scale {channel}", f"{header}:SCALe", 1.0, 1e-3, 10.0)
        self.on(f"{header}:SCALe", lambda call: self._set_scale(call, channel))
        values.number(f"offset {channel}", f"{header}:OFFSet", 0.0, -100.0, 100.0)
        self.on(f"{header}:OFFSet", lambda call: self._set_offset(call, channel))

    def _add_acquisition(self) -> None:
        values, taking = self._values, self._taking
        self.on("RUN", lambda _: taking.free_run(), most=0)
        self.on("STOP", lambda _: taking.stop(), most=0)
        self.on("SINGle", lambda _: taking.single(), most=0)
        self.on("TFORce", lambda _: taking.force(), most=0)
        values.choice("acquire", "ACQuire:TYPE", ("NORMal",))
        self.on("ACQuire:MDEPth", self._set_depth)
        self.on("ACQuire:MDEPth?", lambda _: "AUTO" if self._depth is None else str(self._depth))
        values.choice("timebase", "TIMebase:MODE", ("MAIN",))
        values.number("time", "TIMebase[:MAIN]:SCALe", 1e-6, 5e-9, 50.0)
        self.on("TIMebase[:MAIN]:SCALe", self._set_time)
        values.number("delay", "TIMebase[:MAIN]:OFFSet", 0.0, -5e3, 5e3)

    def _add_trigger(self) -> None:
        values = self._values
        values.choice("trigger", "TRIGger:MODE", ("EDGE",))
        sources = tuple(f"CHANnel{channel}" for channel in CHANNELS)
        values.choice("edge source", "TRIGger:EDGe:SOURce", sources)
        values.choice("slope", "TRIGger:EDGe:SLOPe", ("POSitive", "NEGative"))
        values.number("level", "TRIGger:EDGe:LEVel", 0.0, -500.0, 500.0)
        self.on("TRIGger:STATus?", lambda _: self._taking.status)

    def _add_waveform(self) -> None:
        values, on = self._values, self.on
        on("WAVeform:SOURce", self._set_source)
        on("WAVeform:SOURce?", lambda _: f"CHAN{self._source}")
        values.choice("mode", "WAVeform:MODE", ("NORMal", "MAXimum", "RAW"))
        values.choice("format", "WAVeform:FORMat", ("BYTE", "WORD", "ASCii"))
        values.count("first", "WAVeform:STARt", 1, 1, 24_000_000)
        values.count("last", "WAVeform:STOP", _SCREEN_POINTS, 1, 24_000_000)
        on("WAVeform:PREamble?", lambda _: self._preamble())
        on("WAVeform:DATA?", lambda _: self._data())
        on("WAVeform:POINts?", lambda _: str(self._points()))
        on("WAVeform:XINCrement?", lambda _: f"{self._step():.6e}")
        on("WAVeform:XORigin?", lambda _: f"{-self._screen() / 2:.6e}")
        on("WAVeform:XREFerence?", lambda _: "0")
        on("WAVeform:YINCrement?", lambda _: f"{self._increment():.6e}")
        on("WAVeform:YORigin?", lambda _: str(self._origin()))
        on("WAVeform:YREFerence?", lambda _: str(_REFERENCE))

    def _set_scale(self, call: Call, channel: str) -> None:
        # Scale and offset are at the tip of the probe.
        probe = self._values.numbers[f"probe {channel}"]
        value = call.number(0, 1e-3 * probe, 10.0 * probe)
        self._values.numbers[f"scale {channel}"] = _step_of_125(value)

    def _set_offset(self, call: Call, channel: str) -> None:
        numbers = self._values.numbers
        probe = numbers[f"probe {channel}"]
        most = (100.0 if numbers[f"scale {channel}"] >= 0.5 * probe else 2.0) * probe
        numbers[f"offset {channel}"] = call.number(0, -most, most)

    def _set_time(self, call: Call) -> None:
        self._values.numbers["time"] = _step_of_125(call.number(0, 5e-9, 50.0))

    def _set_depth(self, call: Call) -> None:
        if call.word() == "AUTO":
            self._depth = None
            return
        shown = sum(self._values.switches[f"shown {channel}"] for channel in CHANNELS)
        smallest = _MEMORY // {0: 1, 1: 1, 2: 2}.get(shown, 4)
        depth = call.whole(0, 1, 24_000_000)
        if depth not in [smallest * 10**power for power in range(4)]:
            raise Refused(-222)
        self._depth = depth

    def _set_source(self, call: Call) -> None:
        chosen = call.choice(0, [f"CHANnel{channel}" for channel in CHANNELS])
        self._source = chosen[-1]

    def _screen(self) -> float:
        return DIVISIONS * self._values.numbers["time"]

    def _edge(self) -> Edge:
        words = self._values.words
        direction = -1 if words["slope"] == "NEG" else 1
        return Edge(words["edge source"][-1], self._values.numbers["level"], direction)

    def _increment(self) -> float:
        return self._values.numbers[f"scale {self._source}"] / _CODES_PER_DIVISION

    def _origin(self) -> int:
        return round(self._values.numbers[f"offset {self._source}"] / self._increment())

    def _all_points(self) -> int:
        if self._values.words["mode"] == "NORM":
            return _SCREEN_POINTS
        return self._depth or _MEMORY

    def _points(self) -> int:
        """That the next `:WAVeform:DATA?` gives."""
        numbers = self._values.numbers
        last = min(int(numbers["last"]), self._all_points())
        if self._values.words["mode"] == "NORM":
            return _SCREEN_POINTS
        return last - int(numbers["first"]) + 1

    def _step(self) -> float:
        return self._screen() / self._all_points()

    def _preamble(self) -> str:
        words = self._values.words
        fields = (_FORMATS[words["format"]], _MODES[words["mode"]], self._points(), 1)
        horizontal = (self._step(), -self._screen() / 2)
        numbers = ",".join(f"{value:.6e}" for value in horizontal)
        whole = ",".join(str(field) for field in fields)
        return f"{whole},{numbers},0,{self._increment():.6e},{self._origin()},{_REFERENCE}"

    def _data(self) -> bytes | str:
        form = self._values.words["format"]
        if not 0 < self._points() <= _MOST_POINTS[form]:
            raise Refused(-222)
        codes = self._codes(self._shot())
        if form == "ASC":
            volts = (codes.astype(np.float64) - self._origin() - _REFERENCE) * self._increment()
            return ",".join(f"{value:.6e}" for value in volts)
        payload = codes.astype("<u2").tobytes() if form == "WORD" else codes.tobytes()
        return b"#9%09d%b" % (len(payload), payload)

    def _shot(self) -> Shot:
        if self._taking.status != "STOP":
            if self._values.words["mode"] == "RAW":
                raise Refused(-221)  # the memory can be read while it stands only
            return self._taking.snapshot()
        return self._taking.shot or self._taking.snapshot()

    def _codes(self, shot: Shot) -> Codes:
        first = int(self._values.numbers["first"]) if self._values.words["mode"] != "NORM" else 1
        points = np.arange(first - 1, first - 1 + self._points())
        moments = points * self._step() - self._screen() / 2
        moments += self._values.numbers["delay"]
        volts = np.interp(moments, shot.moments, shot.volts[self._source])
        if self._values.words[f"coupling {self._source}"] == "GND":
            volts = np.zeros_like(volts)
        if self._values.switches[f"inverted {self._source}"]:
            volts = -volts
        scale = self._values.numbers[f"scale {self._source}"]
        volts += scale * _NOISE * np.array([self._plug.noise() for _ in points])
        codes = np.round(volts / self._increment()) + self._origin() + _REFERENCE
        return np.clip(codes, 0, 255).astype(np.uint8)


def _step_of_125(value: float) -> float:
    """The next of 1, 2, 5, 10, … that is not smaller."""
    decade = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return float(f"{next(m for m in (1, 2, 5, 10) if m * decade >= value * (1 - 1e-9)) * decade:g}")


def _build(name: str, settings: Any, plug: Plug) -> RigolDS1000Z:  # noqa: ARG001
    return RigolDS1000Z(plug, settings.model)


INSTRUMENT = BenchInstrument(build=_build)
