"""The reply to a training request.

========  ====  ===========================================================
offset    type  field
========  ====  ===========================================================
0         u32   sequence number of the request
4         u32   session epoch: drawn when the device starts
8         i32   status: 0, or the code of the error that was queued
12        u32   count of results
16        f64   results
end − 4   u32   CRC-32 of everything before it
========  ====  ===========================================================

Where the status is not 0 the results mean nothing (a device fills them with NaN).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import LinkError
from mgd_lab.wire.envelope import CRC, CRC_BYTES, seal

_HEADER = struct.Struct("<IIiI")
REPLY_OVERHEAD_BYTES = _HEADER.size + CRC_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """What a device answers; results float64 (count,)."""

    sequence: int
    epoch: int
    status: int
    results: NDArray[np.float64]

    def encode(self) -> bytes:
        """The sealed reply."""
        header = _HEADER.pack(self.sequence, self.epoch, self.status, len(self.results))
        return seal(header, self.results.tobytes())


def decode_reply(data: bytes, sequence: int, epoch: int, count: int) -> Reply:
    """The reply to request `sequence`, which asked for `count` results in session `epoch`.

    Raises:
        LinkError: the reply is short, long, damaged, or of another request or session.
    """
    body = _HEADER.size + 8 * count
    if len(data) != body + CRC_BYTES:
        raise LinkError(
            f"the reply to request {sequence} has {len(data)} bytes, "
            f"{'fewer' if len(data) < body else 'more'} than the {body + CRC_BYTES} of "
            f"{count} results"
        )
    found_sequence, found_epoch, status, found_count = _HEADER.unpack_from(data)
    if zlib.crc32(memoryview(data)[:body]) != CRC.unpack_from(data, body)[0]:
        raise LinkError(f"the reply to request {sequence} is damaged: its CRC-32 does not fit")
    if found_sequence != sequence:
        raise LinkError(
            f"the reply is to request {found_sequence}, not to {sequence}: late or repeated"
        )
    if found_epoch != epoch:
        raise LinkError(
            f"the reply to request {sequence} is of session {found_epoch:#010x}, not of "
            f"{epoch:#010x}: the device was restarted and must be set up again"
        )
    if found_count != count:
        raise LinkError(
            f"the reply to request {sequence} counts {found_count} results, not {count}"
        )
    # A copy: aligned and writable, and the message may be forgotten.
    return Reply(
        sequence, epoch, status, np.frombuffer(data, np.float64, count, _HEADER.size).copy()
    )
