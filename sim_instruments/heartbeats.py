"""Tells the host of a board, from time to time, that it is still at work on a long request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SECONDS_BETWEEN_LOOKS = 0.25
_FIRST_SECONDS = 0.5
_DOUBLED = 3
_STEADY = 80


def seconds_before(number: int) -> float:
    """Before heartbeat `number`, counted from 0, of one request.

    A host waits through 100 of them. It need not be patient to see the first; after many minutes
    only one that is patient is left, and they are spread so that it never runs out of them.
    """
    steady = _FIRST_SECONDS * 2 ** min(number, _DOUBLED)
    return steady * 2.0 ** max(0, number - _STEADY)


class Heartbeats:
    """A thread that sends them while a request is carried out.

    Args:
        send: one heartbeat; it is called between `begin` and `end` only.
        clock: seconds, monotonic.
    """

    def __init__(
        self, send: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._due: float | None = None
        self._number = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="heartbeats", daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._ended.set()
        self._thread.join()

    def begin(self) -> None:
        """A request is carried out."""
        with self._lock:
            self._number = 0
            self._due = self._clock() + seconds_before(0)

    def end(self) -> None:
        """It is done: no heartbeat is under way, and none is sent any more."""
        with self._lock:
            self._due = None

    def look(self) -> None:
        """Sends one if it is due."""
        with self._lock:
            if self._due is not None and self._clock() >= self._due:
                self._send()
                self._number += 1
                self._due = self._clock() + seconds_before(self._number)

    def _look_after(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            self.look()
