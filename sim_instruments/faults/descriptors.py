"""Reading and writing file descriptors, sockets and terminals alike, until told to stop."""

from __future__ import annotations

import os
import select
import threading
import time

READ_BYTES = 65536


class Stopped(Exception):  # noqa: N818 (it ends a thread, and is no error)
    """The proxy, or this connection of it, is to end."""


class StopSign:
    """Wakes all who wait, and for good; `raised_by` another sign too, if given."""

    def __init__(self, also: StopSign | None = None) -> None:
        self._reader, self._writer = os.pipe()
        self._lock = threading.Lock()
        self._raised = False
        self._also = also

    def put_up(self) -> None:
        """Everyone who waits now or later gets `Stopped`."""
        with self._lock:
            if not self._raised:
                self._raised = True
                os.write(self._writer, b"!")

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Readable once it is up."""
        more = () if self._also is None else self._also.descriptors
        return (self._reader, *more)

    def release(self) -> None:
        """Gives its descriptors back, once nobody waits any more."""
        os.close(self._reader)
        os.close(self._writer)


def wait(stop: StopSign, descriptor: int | None, events: int, seconds: float | None = None) -> bool:
    """Whether the descriptor became ready in time; `Stopped` where the sign went up."""
    poll = select.poll()
    for sign in stop.descriptors:
        poll.register(sign, select.POLLIN)
    if descriptor is not None:
        poll.register(descriptor, events)
    ready = poll.poll(None if seconds is None else 1000 * seconds)
    if any(found in stop.descriptors for found, _ in ready):
        raise Stopped
    return bool(ready)


def pause(stop: StopSign, seconds: float) -> None:
    """Lets time pass; `Stopped` where the sign goes up meanwhile."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        wait(stop, None, 0, left)


def read(stop: StopSign, descriptor: int) -> bytes:
    """What has come; b"" at the end. OSError where the line broke."""
    while True:
        wait(stop, descriptor, select.POLLIN)
        try:
            return os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            continue


def write(stop: StopSign, descriptor: int, data: bytes) -> None:
    """All of the bytes, as fast as they are taken. OSError where the line broke."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            wait(stop, descriptor, select.POLLOUT)
