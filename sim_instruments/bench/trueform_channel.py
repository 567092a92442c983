"""One channel of a Trueform waveform generator: a DC level, or an arbitrary waveform.

Keysight Trueform Series Operating and Service Guide, "SCPI Programming Reference": FUNCtion,
VOLTage, DATA, BURSt and TRIGger subsystems. Volts are those of the open circuit; what commands tell
and ask is at the load that was named, the output having 50 Ω of its own. A waveform's points ±32767
stand for the ends of its peak-to-peak voltage.

A waveform that runs on by itself is not played: its channel stays at its offset.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.plug import Plug

OWN_OHMS = 50.0
FULL_SCALE = 10.0
FULL_CODE = 32767

Function = Literal["SINusoid", "DC", "ARBitrary"]
Source = Literal["IMMediate", "EXTernal", "BUS"]


@dataclass
class Limits:
    """VOLTage:LIMit."""

    low: float = -FULL_SCALE
    high: float = FULL_SCALE
    are_on: bool = False


@dataclass
class Arbitrary:
    """FUNCtion:ARBitrary:…, BURSt:… and TRIGger:… as after a reset."""

    name: str = "EXP_RISE"
    is_triggered: bool = False
    sample_rate: float = 40e3
    filter: str = "NORMal"
    burst: bool = False
    burst_mode: str = "TRIGgered"
    cycles: float = 1.0
    source: Source = "IMMediate"
    slope: str = "POSitive"
    waveforms: dict[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])


class TrueformChannel:
    """A channel.

    Args:
        plug: of the instrument.
        name: of the channel.
    """

    def __init__(self, plug: Plug, name: str) -> None:
        self._plug = plug
        self._name = name
        self.reset()

    def reset(self) -> None:
        """Off; a sine of 100 mV."""
        self.function: Function = "SINusoid"
        self.load = OWN_OHMS
        self.is_on = False
        self.amplitude, self.offset = 0.2, 0.0
        self.limits = Limits()
        self.arbitrary = Arbitrary()
        self.is_playing = False
        self._run = 0
        self._choose_level()

    @property
    def share(self) -> float:
        """Part of the open circuit's voltage that is at the load named."""
        return 1.0 if math.isinf(self.load) else self.load / (self.load + OWN_OHMS)

    def show(self) -> None:
        """What a change of settings does to the output; a burst ends."""
        self._run += 1
        self.is_playing = False
        self._choose_level()

    def choose(self, function: Function) -> None:
        """FUNCtion; −221 where its peaks are beyond the limits, to which they are cut."""
        self.function = function
        self.set_levels(self.amplitude, self.offset)

    def set_levels(self, amplitude: float, offset: float) -> None:
        """Peak-to-peak and offset; cut to what is possible, −222, or permitted, −221."""
        swing = 0.0 if self.function == "DC" else amplitude / 2
        low, high = offset - swing, offset + swing
        code = 0
        for edges, refusal in (
            ((-FULL_SCALE, FULL_SCALE), -222),
            ((self.limits.low, self.limits.high), -221 if self.limits.are_on else 0),
        ):
            beyond = low < edges[0] - _TINY or high > edges[1] + _TINY
            if beyond and refusal:
                low, high = (min(max(level, edges[0]), edges[1]) for level in (low, high))
                code = refusal
        self.offset = offset if not code else (low + high) / 2
        self.amplitude = high - low if code and swing else amplitude
        self.show()
        if code:
            raise Refused(code)

    def triggered(self, source: Source) -> None:
        """A trigger; those of another source, and during a burst, are ignored."""
        own = self.arbitrary
        points = own.waveforms.get(own.name, ())
        if source != own.source or self.function != "ARBitrary" or not points or self.is_playing:
            return
        if own.is_triggered:
            self._position = (self._position + 1) % len(points)
            self._drive(self._volts(points[self._position]))
        elif own.burst:
            self._play(points)

    def _choose_level(self) -> None:
        self._position = -1
        self._drive(self.offset)

    def _play(self, points: Sequence[int]) -> None:
        """A burst; in the end the output is at its first point again."""
        run, dwell = self._run, 1.0 / self.arbitrary.sample_rate
        played = 0
        total = len(points) * int(self.arbitrary.cycles)
        self.is_playing = True

        def step() -> None:
            nonlocal played
            if run != self._run:
                return
            self._drive(self._volts(points[played % len(points)]))
            self.is_playing = played < total
            if self.is_playing:
                played += 1
                self._plug.later(dwell, step)

        step()
        self._plug.pulse("sync")

    def _volts(self, code: int) -> float:
        high = self.offset + self.amplitude / 2
        low = self.offset - self.amplitude / 2
        if abs(code) == FULL_CODE:
            return high if code > 0 else low
        return self.offset + self.amplitude / 2 * code / FULL_CODE

    def _drive(self, volts: float) -> None:
        self._plug.drive(self._name, volts if self.is_on else None)


_TINY = 1e-9
