"""What the proxy takes for a message: whatever was read at once, or what a protocol means by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mgd_lab.errors import LinkError
from mgd_lab.wire import message_end
from mgd_lab.wire.hislip import HEADER_BYTES, decode_header

_MOST_BYTES = 2**24


class Framing(Protocol):
    """Cuts a stream into messages; it neither adds nor loses a byte."""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole with these bytes."""
        ...

    def rest(self) -> bytes:
        """What has come of a message that is not whole; it is forgotten."""
        ...


MakeFraming = Callable[[], Framing]


def chunks() -> Framing:
    """Every read is a message."""
    return _Cut(len)


def messages_of_text() -> Framing:
    """Lines, with blocks of any bytes in them (IEEE 488.2)."""
    return _Cut(_end_of_line)


def framed() -> Framing:
    """Frames that end with 0x00."""
    return _Cut(lambda data: data.find(0) + 1)


def hislip_messages() -> Framing:
    """HiSLIP headers with their payloads, on either channel (IVI-6.1)."""
    return _Cut(_end_of_hislip)


class _Cut:
    """Where a message ends is told by `end`, 0 where it has not ended yet."""

    def __init__(self, end: Callable[[bytearray], int]) -> None:
        self._end = end
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        buffer = self._buffer
        buffer += data
        messages: list[bytes] = []
        while buffer and (end := self._end(buffer)):
            messages.append(bytes(buffer[:end]))
            del buffer[:end]
        if len(buffer) > _MOST_BYTES:
            messages.append(self.rest())
        return messages

    def rest(self) -> bytes:
        left = bytes(self._buffer)
        self._buffer.clear()
        return left


def _end_of_line(data: bytearray) -> int:
    try:
        return message_end(data) or 0
    except LinkError:
        return len(data)


def _end_of_hislip(data: bytearray) -> int:
    if len(data) < HEADER_BYTES:
        return 0
    try:
        end = HEADER_BYTES + decode_header(bytes(data[:HEADER_BYTES])).payload_bytes
    except LinkError:
        return len(data)
    return end if end <= len(data) else 0
