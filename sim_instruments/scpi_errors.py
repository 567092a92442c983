"""An instrument's error queue and standard event status register (SCPI-1999; IEEE 488.2, 11.5)."""

from __future__ import annotations

from collections import deque

from mgd_lab.wire import Status, status_text

_CAPACITY = 16
_POWER_ON = 1 << 7
_COMMAND_ERROR = 1 << 5
_EXECUTION_ERROR = 1 << 4
_DEVICE_ERROR = 1 << 3
_LONGEST_TEXT = 255


class ErrorQueue:
    """Errors in the order in which they came, 16 at most; the last becomes −350 when it is full."""

    def __init__(self) -> None:
        self._entries: deque[bytes] = deque()
        self._events = _POWER_ON

    def report(self, status: Status, text: str = "") -> None:
        """Queues an error, with a sentence of the device behind the standard's text."""
        self._events |= _event(status)
        if len(self._entries) == _CAPACITY:
            self._entries[-1] = _entry(Status.QUEUE_OVERFLOW, "")
            self._events |= _DEVICE_ERROR
            return
        self._entries.append(_entry(status, text))

    def next(self) -> bytes:
        """The oldest error, `0,"No error"` where there is none; it leaves the queue."""
        return self._entries.popleft() if self._entries else _entry(Status.NO_ERROR, "")

    def take_events(self) -> int:
        """The event status register, which reading clears."""
        events, self._events = self._events, 0
        return events

    def clear(self) -> None:
        """No errors, no events."""
        self._entries.clear()
        self._events = 0


def _entry(status: Status, text: str) -> bytes:
    words = f"{status_text(status)};{text}" if text else status_text(status)
    words = words.replace('"', "'").replace("\n", " ")
    return f'{int(status)},"{words[:_LONGEST_TEXT]}"'.encode("ascii", "replace")


def _event(status: Status) -> int:
    if -200 < status <= -100:
        return _COMMAND_ERROR
    return _EXECUTION_ERROR if -300 < status <= -200 else _DEVICE_ERROR
