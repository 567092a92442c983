"""Program messages in a stream of bytes that comes in any pieces.

A program message ends with a line feed outside blocks and quotes, or with END where the transport
has that (IEEE 488.2, 7.5). An indefinite block runs to END; where there is none, to the first line
feed. No byte is looked at twice, and nothing is kept beyond the limits.
"""

from __future__ import annotations

import re

from mgd_lab.errors import LinkError
from mgd_lab.wire.blocks import LARGEST_BLOCK_BYTES, block_extent
from mgd_lab.wire.scpi import DIGITS

LARGEST_TEXT_BYTES = 2**16
"""Most bytes of a message outside its blocks."""


class MessageScanner:
    """Finds the end of the first program message of a buffer that grows.

    Args:
        limit: most bytes that the blocks of a message may hold.
        has_end: the transport marks ends, so that a line feed does not end an indefinite block.
    """

    def __init__(self, limit: int, *, has_end: bool = False) -> None:
        self._limit = limit
        self._has_end = has_end
        self._at = 0
        self._in_blocks = 0
        self._indefinite = False
        self.announced_end = 0

    @property
    def most_bytes(self) -> int:
        """The longest that the message, as far as it is known, may become."""
        return LARGEST_TEXT_BYTES + (self._limit if self._indefinite else self._in_blocks)

    def find(self, data: bytes | bytearray) -> int | None:
        """Where the message ends, its line feed included; None where it has not ended yet.

        LinkError where its blocks announce more than is accepted; `announced_end` then says
        where the last of them would end.
        """
        while not self._indefinite:
            match = _INTERESTING.search(data, self._at)
            if match is None:
                self._at = max(self._at, len(data))
                return None
            found, at = match[0], match.start()
            if found == b"\n":
                return at + 1
            after = self._after_block(data, at) if found == b"#" else _after_quote(data, at, found)
            if after is None:
                self._at = at
                return None
            self._at = after
        return None if self._has_end else _after_line(data, self._at)

    def _after_block(self, data: bytes | bytearray, at: int) -> int | None:
        digit = bytes(data[at + 1 : at + 2])
        if not digit:
            return None
        if digit == b"0":
            self._indefinite = True
            return at + 2
        if digit not in DIGITS:
            return at + 1
        digits = bytes(data[at + 2 : at + 2 + int(digit)])
        if digits and not digits.isdigit():
            return at + 1
        extent = block_extent(data, at, _MOST_ANNOUNCED)
        if extent is None:
            return None
        self._in_blocks += extent[1] - extent[0]
        if self._in_blocks > self._limit:
            self.announced_end = extent[1]
            raise LinkError(
                f"the blocks of a message announce {self._in_blocks} bytes; the most accepted is "
                f"{self._limit}"
            )
        return extent[1]


class MessageStream:
    """The input buffer of a device: bytes in, program messages out.

    Args:
        limit: most bytes that the blocks of a message may hold.
        has_end: the transport marks ends, by `end`.
    """

    def __init__(self, limit: int = LARGEST_BLOCK_BYTES, *, has_end: bool = False) -> None:
        self._limit = limit
        self._has_end = has_end
        self.clear()

    @property
    def empty(self) -> bool:
        """Whether no message has begun."""
        return not self._buffer and not self._skipping

    def clear(self) -> None:
        """Forgets what has come."""
        self._buffer = bytearray()
        self._ended = self._skipping = False
        self._to_skip = 0
        self._scanner = MessageScanner(self._limit, has_end=self._has_end)

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        self._buffer += self._after_skipping(data) if self._skipping else data

    def end(self) -> None:
        """END came with the last byte."""
        if self._skipping:
            self.clear()
        self._ended = True

    def take(self) -> bytes | None:
        """The next whole message, line feed included where it had one; None where there is none.

        LinkError where a message is too long: it is passed over without being kept, and what
        follows it can be taken.
        """
        buffer = self._buffer
        if not buffer:
            self._ended = False
            return None
        end = self._find()
        if end is None and self._ended:
            end = len(buffer)
        if end is None:
            return None
        message = bytes(memoryview(buffer)[:end])
        del buffer[:end]
        self._scanner = MessageScanner(self._limit, has_end=self._has_end)
        return message

    def _find(self) -> int | None:
        try:
            end = self._scanner.find(self._buffer)
        except LinkError:
            self._skip(self._scanner.announced_end)
            raise
        most = self._scanner.most_bytes
        if len(self._buffer if end is None else range(end)) <= most:
            return end
        self._skip(0 if end is None else end - 1)
        raise LinkError(f"a message is longer than {most} bytes, or has as many outside its blocks")

    def _skip(self, count: int) -> None:
        """Passes over `count` bytes, and then to the message's end."""
        waiting, ended = bytes(self._buffer), self._ended
        self.clear()
        if ended:
            return
        self._skipping, self._to_skip = True, count
        self.feed(waiting)

    def _after_skipping(self, data: bytes) -> bytes:
        count = min(self._to_skip, len(data))
        self._to_skip -= count
        if self._to_skip or self._has_end:
            return b""
        after = data.find(b"\n", count) + 1
        self._skipping = after == 0
        return data[after:] if after else b""


def message_end(data: bytes | bytearray, limit: int = LARGEST_BLOCK_BYTES) -> int | None:
    """Where the first program message of a byte stream ends, its line feed included.

    None where it has not ended yet. LinkError where a block announces more than `limit` bytes.
    """
    return MessageScanner(limit).find(data)


def _after_quote(data: bytes | bytearray, at: int, quote: bytes) -> int | None:
    closing = data.find(quote, at + 1)
    line = data.find(b"\n", at + 1)
    if closing < 0 and line < 0:
        return None
    # A quote that its line does not close is an error for the parser to name.
    return at + 1 if closing < 0 or 0 <= line < closing else closing + 1


def _after_line(data: bytes | bytearray, at: int) -> int | None:
    line = data.find(b"\n", at)
    return None if line < 0 else line + 1


_MOST_ANNOUNCED = 10**9
_INTERESTING = re.compile(rb"""[\n#"']""")
