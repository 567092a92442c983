"""The DC generator of one channel of a QDAC-II: a level, or a list of them.

QDAC-II User Manual, "SCPI commands": SOURce:VOLTage, SOURce:LIST, SOURce:DC:TRIGger and
SOURce:DC:MARKer. Levels are single precision, as the blocks that carry lists.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sim_instruments.bench.plug import Plug

# A ramp is drawn in so many steps.
_RAMP_STEPS = 16
Mode = Literal["FIXed", "SWEep", "LIST"]
Marker = Literal["STARt", "END", "SSTart", "SEND"]


@dataclass
class ListSettings:
    """SOURce:LIST:…, as after a reset."""

    levels: list[float] = field(default_factory=lambda: [0.0])
    dwell: float = 1e-3
    count: int = 1
    stepped: bool = False
    downwards: bool = False


class DcGenerator:
    """One channel.

    Args:
        plug: of the instrument.
        channel: its name.
        fire: fires an internal trigger by its number.
    """

    def __init__(self, plug: Plug, channel: str, fire: Callable[[int], None]) -> None:
        self._plug = plug
        self._channel = channel
        self._fire = fire
        self.reset()

    def reset(self) -> None:
        """0 V, no slew limit, triggered at once, no markers."""
        self.mode: Mode = "FIXed"
        self.slew = math.inf
        self.list = ListSettings()
        self.source = "IMMediate"
        self.delay = 0.0
        self.is_continuous = False
        self.markers: dict[Marker, int] = {}
        self.fixed = self.level = 0.0
        self.cycles_left = 0
        self._position = 0
        self._state: Literal["idle", "waiting", "dwelling"] = "idle"
        self._run = self._ramp = 0
        self._plug.drive(self._channel, 0.0)

    def set_fixed(self, level: float) -> None:
        """VOLTage: at once where the mode is fixed, otherwise when it is."""
        self.fixed = single(level)
        if self.mode == "FIXed":
            self._go(self.fixed)

    def set_mode(self, mode: Mode) -> None:
        """VOLTage:MODE: a list keeps the level until it begins; a fixed level is gone to."""
        if mode != self.mode:
            self.abort()
            self.mode = mode
            if mode == "FIXed":
                self._go(self.fixed)

    def initiate(self) -> None:
        """DC:INITiate: waits for its trigger."""
        self._run += 1
        self._state, self._position = "waiting", 0
        self.cycles_left = self.list.count if self.mode == "LIST" else 0
        if self.source == "IMMediate":
            self.triggered("IMMediate")

    def abort(self) -> None:
        """DC:ABORt: the level stays."""
        self._run += 1
        self._state = "idle"

    def triggered(self, source: str) -> None:
        """A trigger; one that is not waited for is missed."""
        if source == self.source and self._state == "waiting" and self.mode == "LIST":
            self._state = "dwelling"
            if self._position == 0:
                self._mark("STARt")
            self._later(self.delay, self._step) if self.delay else self._step()

    def _step(self) -> None:
        levels = self.list.levels
        k = self._position
        self._go(levels[-1 - k] if self.list.downwards else levels[k])
        self._mark("SSTart")
        self._later(self.list.dwell, self._end_of_dwell)

    def _end_of_dwell(self) -> None:
        self._mark("SEND")
        self._position += 1
        if self._position == len(self.list.levels):
            self._position = 0
            self.cycles_left -= 1
            if self.cycles_left == 0:
                self._finish()
                return
        if self.list.stepped:
            self._state = "waiting"
        else:
            self._step()

    def _finish(self) -> None:
        self._state = "idle"
        self._mark("END")
        if self.is_continuous and self.source != "IMMediate":
            self.initiate()

    def _mark(self, marker: Marker) -> None:
        number = self.markers.get(marker, 0)
        if number:
            # Behind the steps of other channels that are due at the same moment.
            self._plug.later(0.0, lambda: self._fire(number))

    def _go(self, level: float) -> None:
        before, self.level = self.level, level
        self._ramp += 1
        seconds = abs(level - before) / self.slew
        if seconds == 0:
            self._plug.drive(self._channel, level)
            return
        ramp = self._ramp
        for k in range(1, _RAMP_STEPS + 1):
            share = k / _RAMP_STEPS
            there = level if k == _RAMP_STEPS else before + share * (level - before)
            self._plug.later(share * seconds, lambda there=there: self._drive(there, ramp))

    def _drive(self, level: float, ramp: int) -> None:
        if ramp == self._ramp:
            self._plug.drive(self._channel, level)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        run = self._run

        def unless_aborted() -> None:
            if run == self._run:
                act()

        self._plug.later(seconds, unless_aborted)


def single(level: float) -> float:
    """To the nearest number of single precision."""
    return float(np.float32(level))
