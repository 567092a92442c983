"""Makes a served device safe when its host has been silent for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable


class HostWatch:
    """How long the host of a device may be silent, and since when it is. It has no clock.

    While a request is carried out nothing counts; when it is done the silence begins anew.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seconds = 0.0
        self._heard = 0.0
        self._at_work = 0
        self._is_new = False

    def set(self, seconds: float) -> None:
        """How long it may be; 0 for ever."""
        self._is_new = self._is_new or seconds != self._seconds
        self._seconds = seconds

    def heard(self, now: float) -> None:
        """Something came from the host."""
        self._heard = now

    def begin(self) -> None:
        """A request is carried out."""
        with self._changed:
            self._at_work += 1

    def end(self, now: float) -> None:
        """It is done."""
        with self._changed:
            self._at_work -= 1
            self._heard = now
            # Waking whoever waits after every request would cost more than most requests.
            if self._is_new:
                self._is_new = False
                self._changed.notify_all()

    def left(self, now: float) -> float | None:
        """Seconds until the silence may have lasted too long; None where it may last for ever."""
        with self._changed:
            if not self._seconds:
                return None
            return self._seconds if self._at_work else self._heard + self._seconds - now

    def wait(self, seconds: float | None) -> None:
        """Until another time was set, or so many seconds have passed."""
        with self._changed:
            self._changed.wait(seconds)

    def wake(self) -> None:
        """Whoever waits looks again."""
        with self._changed:
            self._changed.notify_all()


@runtime_checkable
class WatchedDevice(Protocol):
    """A device that can be told to watch its host."""

    @property
    def watch(self) -> HostWatch:
        """Shared by all who serve the device."""
        ...

    def abandon(self, is_lost: Callable[[], bool]) -> None:
        """Makes the chip safe and powers on anew, if it is so when the request at work is done."""
        ...


class Watchdog:
    """Looks after a device in a thread of its own; one that cannot be watched is left alone.

    Args:
        device: what is served.
        clock: seconds, monotonic.
    """

    def __init__(self, device: object, clock: Callable[[], float] = time.monotonic) -> None:
        self._device = device if isinstance(device, WatchedDevice) else None
        self._watch = HostWatch() if self._device is None else self._device.watch
        self._clock = clock
        self._ended = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on."""
        if self._device is not None and self._thread is None:
            self._thread = threading.Thread(target=self._look_after, name="watchdog", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the thread; calling it again does nothing."""
        thread, self._thread = self._thread, None
        self._ended = True
        while thread is not None and thread.is_alive():
            self._watch.wake()
            thread.join(0.1)

    def heard(self) -> None:
        """Something came from the host."""
        self._watch.heard(self._clock())

    def begin(self) -> None:
        """A request is carried out: the device is busy for the host."""
        self._watch.begin()

    def end(self) -> None:
        """It is done."""
        self._watch.end(self._clock())

    def look(self) -> float | None:
        """Makes the device safe if its host is lost; seconds until it may be, None for never."""
        left = self._watch.left(self._clock())
        if self._device is None or left is None or left > 0:
            return left
        self._device.abandon(self._is_lost)
        return self._watch.left(self._clock())

    def _is_lost(self) -> bool:
        left = self._watch.left(self._clock())
        return left is not None and left <= 0

    def _look_after(self) -> None:
        while not self._ended:
            self._watch.wait(self.look())
