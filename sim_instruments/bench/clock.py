"""The time of a simulated bench, and what is due in it.

One clock for all instruments of a bench: integration, settling and the steps of a list are events
on it, done in their order whichever instrument is spoken to meanwhile. Virtual time jumps from
event to event; real time waits for them.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import count

_LONGEST_WAIT = 3600.0
Event = tuple[float, int, Callable[[], None]]


class VirtualClock:
    """Time passes as fast as it can be computed.

    The bench's instruments are spoken to by several threads; who does anything has the `turn`.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition(threading.RLock())
        self._now = 0.0
        self._due: list[Event] = []
        self._order = count()

    @contextmanager
    def turn(self) -> Generator[None]:
        """While it lasts, nobody else does anything on the bench unless time is waited for."""
        with self._turn:
            self._catch_up()
            yield

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self._now

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """An event so many seconds from now; equal times keep the order of the calls."""
        with self._turn:
            heapq.heappush(self._due, (self._now + seconds, next(self._order), act))
            self._turn.notify_all()

    def spend(self, seconds: float) -> None:
        """Lets so much time pass, with all that is due in it."""
        with self._turn:
            self._pass(self._now + seconds)

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Lets time pass until `done()`, no longer than `seconds`; whether it is."""
        with self._turn:
            limit = self._now + seconds
            while not done():
                if self._now >= limit or not self._may_change(limit):
                    return False
                self._pass(min(self._due[0][0], limit) if self._due else self._now)
            return True

    def together(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Runs tasks that do not depend on one another, each as if it began now.

        One after another, so that a seed gives the same numbers; the clock goes back to where it
        was before each, and in the end stands where the slowest ended. All are run, whatever one
        raises; the first error is raised then.
        """
        failures: list[Exception] = []
        with self._turn:
            start = end = self._now
            for task in tasks:
                self._now = start
                try:
                    task()
                except Exception as error:  # noqa: BLE001 (raised when the others have ended)
                    failures.append(error)
                end = max(end, self._now)
            self._now = end
        if failures:
            raise failures[0]

    def _pass(self, moment: float) -> None:
        while self._now < moment or (self._due and self._due[0][0] <= self._now):
            at = min(moment, self._due[0][0]) if self._due else moment
            if not self._reached(at):
                continue  # others have had their turn, and what is due next may have changed
            self._now = max(self._now, at)
            if self._due and self._due[0][0] <= self._now:
                _, _, act = heapq.heappop(self._due)
                act()

    def _reached(self, at: float) -> bool:  # noqa: ARG002 (real time needs it)
        return True

    def _may_change(self, limit: float) -> bool:  # noqa: ARG002
        return bool(self._due)

    def _catch_up(self) -> None:
        pass


class RealClock(VirtualClock):
    """Time passes as it does; while one instrument is waited for, others have their turn."""

    def __init__(self) -> None:
        super().__init__()
        self._started = time.monotonic()

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _reached(self, at: float) -> bool:
        left = at - self._elapsed()
        if left <= 0:
            return True
        self._turn.wait(left)
        return False

    def _may_change(self, limit: float) -> bool:
        if not self._due:
            self._turn.wait(min(max(0.0, limit - self._elapsed()), _LONGEST_WAIT))
            self._catch_up()
        return True

    def _catch_up(self) -> None:
        self._pass(self._elapsed())
