"""Guards of what surrounds the costs, each with its own cadence."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from mgd_lab.chip.recovery import Recovery
from mgd_lab.controller.telemetry import TelemetryReader
from mgd_lab.controller.watch import Finding
from mgd_lab.experiment import DiskBound, HostSleptBound, RetriesBound, TelemetryWindow

_SOON_SECONDS = 0.0
_DISK_SECONDS = 5.0
_SLEEP_SECONDS = 1.0
# A pause for want of space ends only with some more, so that it does not begin again at once.
_ROOM = 1.1
# A sensor may miss a reading; one that gives none any more guards nothing.
_MOST_UNREAD = 3


class TelemetryGuard:
    """Reads the chip's telemetry, and compares it with the windows of its channels."""

    name = "telemetry"
    clears = True

    def __init__(
        self,
        reader: TelemetryReader,
        windows: Mapping[str, TelemetryWindow],
        every_seconds: float,
    ) -> None:
        self.every_seconds = every_seconds
        self._reader = reader
        self._watched = [
            (place, name, windows[name])
            for place, name in enumerate(reader.names)
            if name in windows
        ]
        self._unread = dict.fromkeys(windows, 0)
        self._outside: dict[str, Finding] = {}

    def look(self, steps: int) -> Finding | None:
        """The first channel out of its window, one that stops before one that pauses."""
        values = self._reader.read(steps).tolist()
        for place, name, window in self._watched:
            value = values[place]
            if math.isnan(value):
                # What feeds a chip that rests is off, and measures nothing.
                self._unread[name] += 0 if self._reader.chip_rests else 1
                if self._unread[name] >= _MOST_UNREAD:
                    self._outside[name] = Finding(
                        f"telemetry channel {name} gave no reading {_MOST_UNREAD} times in a row",
                        window.action,
                    )
                continue
            self._unread[name] = 0
            low = -math.inf if window.low is None else window.low
            high = math.inf if window.high is None else window.high
            if low <= value <= high:
                self._outside.pop(name, None)
            else:
                self._outside[name] = self._finding(place, value, low, high, window)
        found = sorted(self._outside.values(), key=lambda finding: finding.action != "stop")
        return found[0] if found else None

    def forget(self) -> None:
        """Windows are judged anew."""
        self._outside.clear()

    def _finding(
        self, place: int, value: float, low: float, high: float, window: TelemetryWindow
    ) -> Finding:
        unit = self._reader.units[place]
        unit = f" {unit}" if unit else ""
        return Finding(
            f"telemetry channel {self._reader.names[place]} reads {value:g}{unit}, outside its "
            f"window [{low:g}, {high:g}]{unit}",
            window.action,
        )


class RetriesGuard:
    """Counts recoveries of the link in a stretch of time."""

    name = "retries"
    clears = False
    every_seconds = _SOON_SECONDS

    def __init__(self, bound: RetriesBound) -> None:
        self._bound = bound
        self._recent: deque[Recovery] = deque()

    def note(self, recoveries: Sequence[Recovery]) -> None:
        """These have happened."""
        self._recent.extend(recoveries)

    def look(self, steps: int) -> Finding | None:  # noqa: ARG002 (of no matter here)
        """More recoveries than permitted before the last one."""
        most, recent = self._bound.most, self._recent
        if most is None or not recent:
            return None
        while recent[-1].utc_seconds - recent[0].utc_seconds > self._bound.within_seconds:
            recent.popleft()
        if len(recent) <= most:
            return None
        return Finding(
            f"the link recovered from {len(recent)} faults within "
            f"{self._bound.within_seconds:g} s, and guards.retries.most is {most}; the last: "
            f"{recent[-1].message}",
            self._bound.action,
        )

    def forget(self) -> None:
        """Counted anew."""
        self._recent.clear()


class DiskGuard:
    """Looks at the space that is left; `free` gives bytes."""

    name = "disk"
    clears = True
    every_seconds = _DISK_SECONDS

    def __init__(self, bound: DiskBound, free: Callable[[], int]) -> None:
        self._bound = bound
        self._free = free
        self._short = False

    def look(self, steps: int) -> Finding | None:  # noqa: ARG002 (of no matter here)
        """Less than permitted."""
        free, least = self._free(), self._bound.free_bytes
        self._short = free < least * (_ROOM if self._short else 1.0)
        if not self._short:
            return None
        return Finding(
            f"the file system of the run's folder has {free / 1e6:,.1f} MB left, less than the "
            f"{least / 1e6:,.1f} MB that guards.disk.free_bytes asks for",
            self._bound.action,
        )

    def forget(self) -> None:
        """The bound itself counts again, without the margin."""
        self._short = False


class HostSleptGuard:
    """Asks how long the host was away; `slept` gives seconds since it was last asked."""

    name = "host_slept"
    clears = False
    every_seconds = _SLEEP_SECONDS

    def __init__(self, bound: HostSleptBound, slept: Callable[[], float]) -> None:
        self._bound = bound
        self._slept = slept

    def look(self, steps: int) -> Finding | None:  # noqa: ARG002 (of no matter here)
        """A longer absence than permitted."""
        seconds, longest = self._slept(), self._bound.seconds
        if longest is None or seconds <= longest:
            return None
        return Finding(
            f"the host was suspended, or this process stopped, for {seconds:.0f} s, and the chip "
            f"left alone; guards.host_slept.seconds is {longest:g}",
            self._bound.action,
        )

    def forget(self) -> None:
        """Nothing is remembered."""
