"""Consistent overhead byte stuffing: bytes of any value → bytes without 0x00.

Every 0x00 becomes the distance to the next, so that a 0x00 on the line always ends a frame; the
cost is one byte, and one more for every 254 without a 0x00. (S. Cheshire and M. Baker,
IEEE/ACM Transactions on Networking 7, 159, 1999.)
"""

from __future__ import annotations

import numpy as np

from mgd_lab.errors import LinkError

_LONGEST_RUN = 254
_WORTH_AN_ARRAY = 150
_FULL_RUN = b"\xff"
_CODES = tuple(bytes((length + 1,)) for length in range(_LONGEST_RUN))


def encoded_bytes(length: int) -> int:
    """The most that `length` bytes take when encoded."""
    return length + length // _LONGEST_RUN + 1


def encode(data: bytes) -> bytes:
    """The data without 0x00."""
    # A run costs Python about a microsecond, an array as much as some fifty of them.
    return _encode_short_runs(data) if data.count(0) > _WORTH_AN_ARRAY else _encode_runs(data)


def decode(data: bytes) -> bytes:
    """What was encoded; LinkError where the data are cut off or hold a 0x00."""
    decoded = bytearray(data)
    at, end = 0, len(decoded)
    while at < end:
        code = decoded[at]
        if code > _LONGEST_RUN:
            return _decode_runs(data)
        if code == 0:
            raise LinkError(f"a frame holds 0x00 at byte {at}")
        decoded[at] = 0
        at += code
    if at != end or not end:
        raise LinkError(f"a frame of {end} bytes is cut off")
    return bytes(memoryview(decoded)[1:])


def _encode_short_runs(data: bytes) -> bytes:
    encoded = np.empty(len(data) + 1, np.uint8)
    encoded[0] = 0
    encoded[1:] = np.frombuffer(data, np.uint8)
    zeros = np.flatnonzero(encoded == 0)
    distances = np.diff(zeros, append=len(encoded))
    if distances.max() > _LONGEST_RUN:
        return _encode_runs(data)
    encoded[zeros] = distances
    return encoded.tobytes()


def _encode_runs(data: bytes) -> bytes:
    runs = data.split(b"\0")
    last = len(runs) - 1
    parts: list[bytes] = []
    for number, run in enumerate(runs):
        if len(run) >= _LONGEST_RUN:
            full = len(run) // _LONGEST_RUN * _LONGEST_RUN
            for at in range(0, full, _LONGEST_RUN):
                parts += (_FULL_RUN, run[at : at + _LONGEST_RUN])
            # A full run at the very end needs no code after it: no 0x00 follows.
            if number == last and full == len(run):
                break
            run = run[full:]
        parts += (_CODES[len(run)], run)
    return b"".join(parts)


def _decode_runs(data: bytes) -> bytes:
    parts: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        code = data[at]
        if code == 0:
            raise LinkError(f"a frame holds 0x00 at byte {at}")
        parts.append(data[at + 1 : at + code])
        at += code
        if code <= _LONGEST_RUN and at < end:
            parts.append(b"\0")
    if at != end:
        raise LinkError(f"a frame of {end} bytes is cut off")
    return b"".join(parts)
