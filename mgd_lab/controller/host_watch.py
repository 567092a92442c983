"""Notices that the host was suspended, or this process stopped."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from mgd_lab.controller.clock import Clock

_TICK_SECONDS = 1.0


class HostWatch:
    """A thread that wakes every second, and sees from the clock how long it did not.

    A thread of its own, for the training may rightly wait for a block for longer than any absence
    that matters.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = clock.boottime()
        self._longest = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mgd-lab-host", daemon=True)

    def __enter__(self) -> Self:
        self._last = self._clock.boottime()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def take(self) -> float:
        """The longest absence in seconds since the last call; 0 where there was none."""
        self.tick()
        with self._lock:
            longest, self._longest = self._longest, 0.0
        return longest

    def tick(self) -> None:
        """A sign of life."""
        with self._lock:
            now = self._clock.boottime()
            self._longest = max(self._longest, now - self._last - _TICK_SECONDS)
            self._last = now

    def _run(self) -> None:
        while not self._end.wait(_TICK_SECONDS):
            self.tick()
