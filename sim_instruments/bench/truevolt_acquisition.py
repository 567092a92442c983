"""The trigger system and reading memory of a Truevolt multimeter.

Keysight Truevolt Series Operating and Service Guide, "SCPI Programming Reference": INITiate, ABORt,
TRIGger subsystem, SAMPle:COUNt, R?. A trigger that comes while a reading is taken is kept, one at
most; those beyond it are missed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.plug import Plug

OVERLOAD = 9.9e37

Source = Literal["IMMediate", "EXTernal", "BUS"]


@dataclass
class TriggerSettings:
    """TRIGger:… and SAMPle:COUNt, as after a reset; a delay of None is automatic."""

    source: Source = "IMMediate"
    count: float = 1.0
    samples: int = 1
    delay: float | None = None
    slope: str = "NEGative"


@dataclass(frozen=True)
class ReadingTimes:
    """Of one reading, in seconds: from its start to the input being read, and to the next."""

    delay: float
    aperture: float
    period: float


class Acquisition:
    """Takes readings as it is triggered.

    Args:
        plug: of the meter.
        channel: its terminal.
        memory: most readings that are kept; the oldest go first.
        times: of a reading as the meter is set now.
        reading: mean of the input over the aperture → what the meter makes of it.
    """

    def __init__(
        self,
        plug: Plug,
        channel: str,
        memory: int,
        times: Callable[[], ReadingTimes],
        reading: Callable[[float], float],
    ) -> None:
        self.settings = TriggerSettings()
        self.readings: deque[float] = deque(maxlen=memory)
        self._plug = plug
        self._channel = channel
        self._times = times
        self._reading = reading
        self._state: Literal["idle", "waiting", "measuring"] = "idle"
        self._triggers_left = 0.0
        self._samples_left = 0
        self._is_buffered = False
        self._run = 0
        self._sensed: list[float] = []

    @property
    def is_idle(self) -> bool:
        """Nothing is measured nor waited for."""
        return self._state == "idle"

    def initiate(self) -> None:
        """INITiate: an empty memory, and ready for triggers."""
        if not self.is_idle:
            raise Refused(-213)
        self.readings.clear()
        self._triggers_left = self.settings.count
        self._state, self._is_buffered = "waiting", False
        self._look_for_trigger()

    def abort(self) -> None:
        """ABORt: idle; readings that were taken stay."""
        self._run += 1
        self._state = "idle"

    def triggered(self, source: Source) -> None:
        """A pulse at Ext Trig, or *TRG; −211 where the latter comes at the wrong time."""
        expected = self.settings.source == source and not self.is_idle
        if source == "BUS" and not expected:
            raise Refused(-211)
        if expected:
            self._is_buffered = True
            self._look_for_trigger()

    def finish(self) -> bool:
        """Lets all readings be taken that are to be; whether they have been."""
        patience = math.inf if self.settings.source == "IMMediate" else 60.0
        return self._plug.wait(lambda: self.is_idle, patience)

    def take(self, count: int) -> list[float]:
        """The oldest readings, which leave the memory."""
        return [self.readings.popleft() for _ in range(min(count, len(self.readings)))]

    def _look_for_trigger(self) -> None:
        if self._state != "waiting":
            return
        if self.settings.source == "IMMediate" or self._is_buffered:
            self._state, self._is_buffered = "measuring", False
            self._samples_left = self.settings.samples
            self._begin()

    def _begin(self) -> None:
        times = self._times()
        self._sensed = []
        for share in (0.0, 0.5, 1.0):
            self._later(times.delay + share * times.aperture, self._sense)
        self._later(times.delay + times.period, self._end)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        run = self._run

        def unless_aborted() -> None:
            if run == self._run:
                act()

        self._plug.later(seconds, unless_aborted)

    def _sense(self) -> None:
        self._sensed.append(self._plug.sense(self._channel))

    def _end(self) -> None:
        first, middle, last = self._sensed
        # Simpson's rule, written so that three equal values give that value.
        mean = first + (4.0 * (middle - first) + (last - first)) / 6.0
        self.readings.append(self._reading(mean))
        self._plug.pulse("vm_comp")
        self._samples_left -= 1
        if self._samples_left:
            self._begin()
            return
        self._triggers_left -= 1
        self._state = "waiting" if self._triggers_left > 0 else "idle"
        self._look_for_trigger()
