"""An instrument's error queue (SCPI-1999, volume 1, 8)."""

from __future__ import annotations

from collections import deque

from mgd_lab.wire import Status, status_text

_CAPACITY = 16
_LONGEST_TEXT = 255


class ErrorQueue:
    """Errors in the order in which they came, 16 at most; the last becomes −350 when it is full."""

    def __init__(self) -> None:
        self._entries: deque[bytes] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, status: Status, text: str = "") -> Status:
        """Queues an error, with a sentence of the device behind the standard's text.

        Returns what has entered the queue: the error, or `QUEUE_OVERFLOW`.
        """
        if len(self._entries) == _CAPACITY:
            self._entries[-1] = _entry(Status.QUEUE_OVERFLOW, "")
            return Status.QUEUE_OVERFLOW
        self._entries.append(_entry(status, text))
        return status

    def next(self) -> bytes:
        """The oldest error, `0,"No error"` where there is none; it leaves the queue."""
        return self._entries.popleft() if self._entries else _entry(Status.NO_ERROR, "")

    def clear(self) -> None:
        """No errors."""
        self._entries.clear()


def _entry(status: Status, text: str) -> bytes:
    words = f"{status_text(status)};{text}" if text else status_text(status)
    words = words.replace('"', "'").replace("\n", " ")
    return f'{int(status)},"{words[:_LONGEST_TEXT]}"'.encode("ascii", "replace")
