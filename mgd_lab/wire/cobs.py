"""Consistent overhead byte stuffing: bytes of any value → bytes without 0x00.

Every 0x00 becomes the distance to the next, so that a 0x00 on the line always ends a frame; the
cost is one byte, and one more for every 254 without a 0x00. (S. Cheshire and M. Baker,
IEEE/ACM Transactions on Networking 7, 159, 1999.)
"""

from __future__ import annotations

import numpy as np

from mgd_lab.errors import LinkError

_LONGEST_RUN = 254
_WORTH_AN_ARRAY = 96


def encoded_bytes(length: int) -> int:
    """The most that `length` bytes take when encoded."""
    return length + length // _LONGEST_RUN + 1


def encode(data: bytes) -> bytes:
    """The data without 0x00."""
    return _encode_short_runs(data) if len(data) >= _WORTH_AN_ARRAY else _encode_runs(data)


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
    encoded = bytearray()
    for number, run in enumerate(runs):
        at = 0
        while len(run) - at >= _LONGEST_RUN:
            encoded.append(_LONGEST_RUN + 1)
            encoded += run[at : at + _LONGEST_RUN]
            at += _LONGEST_RUN
        # A full run at the very end needs no code after it: no 0x00 follows.
        if number < last or at < len(run) or at == 0:
            encoded.append(len(run) - at + 1)
            encoded += run[at:]
    return bytes(encoded)


def _decode_runs(data: bytes) -> bytes:
    decoded = bytearray()
    at, end = 0, len(data)
    while at < end:
        code = data[at]
        if code == 0:
            raise LinkError(f"a frame holds 0x00 at byte {at}")
        decoded += data[at + 1 : at + code]
        at += code
        if code <= _LONGEST_RUN and at < end:
            decoded.append(0)
    if at != end:
        raise LinkError(f"a frame of {end} bytes is cut off")
    return bytes(decoded)
