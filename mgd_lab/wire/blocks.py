"""Arbitrary blocks (IEEE 488.2, 7.7.6, 8.7.9 and 8.7.10).

Definite: `#`, one digit d from 1 to 9, d decimal digits giving the length, and as many bytes of any
value. Indefinite: `#0` and bytes up to the line feed that comes with END; where a transport has no
END, up to the first line feed.
"""

from __future__ import annotations

from mgd_lab.errors import LinkError

LARGEST_BLOCK_BYTES = 2**26
"""Longest payload that is accepted; nothing is set aside for a longer one."""


def encode_block(payload: bytes) -> bytes:
    """The payload behind its block header."""
    return block_header(len(payload)) + payload


def encode_indefinite_block(payload: bytes) -> bytes:
    """The payload behind `#0`; the line feed with END, which ends it, is the message's own."""
    return b"#0" + payload


def block_header(length: int) -> bytes:
    """`#`, the number of digits, the digits; LinkError where the block would be too long."""
    if not 0 <= length <= LARGEST_BLOCK_BYTES:
        raise LinkError(
            f"a block of {length} bytes is longer than the largest, {LARGEST_BLOCK_BYTES} bytes; "
            "send fewer probes in one request"
        )
    digits = b"%d" % length
    return b"#%d%b" % (len(digits), digits)


def block_extent(
    data: bytes | bytearray, start: int, limit: int = LARGEST_BLOCK_BYTES
) -> tuple[int, int] | None:
    """Where the payload of the block that opens at `start` begins and ends.

    The end may lie beyond the data: the rest has not come yet. None where even the header is
    incomplete. LinkError where there is no definite-length block, or one longer than `limit`.
    """
    head = bytes(data[start : start + 2])
    if head[:1] != b"#":
        raise LinkError(f"a block begins with '#'; found {head[:1]!r}")
    if len(head) < 2:
        return None
    if head[1:] not in _DIGIT_COUNTS:
        raise LinkError(f"a block begins with '#' and a digit from 1 to 9; found {head!r}")
    first = start + 2 + head[1] - 0x30
    digits = bytes(data[start + 2 : first])
    if digits and not digits.isdigit():
        raise LinkError(f"the length of a block is written in decimal digits; found {digits!r}")
    if len(data) < first:
        return None
    length = int(digits)
    if length > limit:
        raise LinkError(f"a block announces {length} bytes; the most accepted is {limit}")
    return first, first + length


def decode_block(data: bytes, limit: int = LARGEST_BLOCK_BYTES) -> bytes:
    """The payload of data that are one block and nothing else; otherwise LinkError."""
    extent = block_extent(data, 0, limit)
    if extent is None:
        raise LinkError(f"the header of a block is cut off: {data!r}")
    first, last = extent
    if last != len(data):
        raise LinkError(f"a block announces {last - first} bytes and holds {len(data) - first}")
    return data[first:last]


_DIGIT_COUNTS = frozenset(b"%d" % count for count in range(1, 10))
