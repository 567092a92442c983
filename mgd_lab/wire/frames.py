"""Frames: COBS(sequence u32, opcode u8, payload, CRC-32) and 0x00; numbers are little-endian.

A training request (`envelope`) begins with its number and opcode and ends with its CRC-32: it is
the contents of a frame as it stands. The contents of its reply are those of `Reply` with the
opcode after the number. So nothing is numbered or summed twice.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from mgd_lab.errors import LinkError
from mgd_lab.wire import cobs
from mgd_lab.wire.envelope import CRC, CRC_BYTES, seal

LARGEST_FRAME_BYTES = 2**20
"""Most bytes of contents, number to CRC-32; nothing is set aside for more."""

_START = struct.Struct("<IB")
OPCODE_AT = 4
FRAME_OVERHEAD_BYTES = _START.size + CRC_BYTES


class FrameOpcode(IntEnum):
    """What a frame is, besides the training requests (1 to 63)."""

    HELLO = 0x40
    PING = 0x41
    REPLY = 0x80
    DEVICE = 0xC0
    PONG = 0xC1
    HEARTBEAT = 0xE0
    DAMAGED = 0xE1


@dataclass(frozen=True, slots=True)
class Frame:
    """Contents whose CRC-32 has been made or checked."""

    contents: bytes

    @property
    def sequence(self) -> int:
        """The number of the frame; that of the request in a reply."""
        return _START.unpack_from(self.contents)[0]

    @property
    def opcode(self) -> int:
        """A `FrameOpcode`, that of a training request, or one that is not known."""
        return self.contents[OPCODE_AT]

    @property
    def payload(self) -> bytes:
        """What stands between opcode and CRC-32."""
        return self.contents[_START.size : -CRC_BYTES]

    def encode(self) -> bytes:
        """What crosses the line."""
        return cobs.encode(self.contents) + b"\0"


@dataclass(frozen=True, slots=True)
class DamagedFrame:
    """Something came that is no frame, for this reason."""

    reason: str


def frame(sequence: int, opcode: int, *payload: bytes) -> Frame:
    """A frame of these parts; LinkError where it would be too long."""
    made = Frame(seal(_START.pack(sequence, opcode), *payload))
    if len(made.contents) > LARGEST_FRAME_BYTES:
        raise LinkError(
            f"a frame of {len(made.contents)} bytes is longer than the largest, "
            f"{LARGEST_FRAME_BYTES} bytes"
        )
    return made


class FrameDecoder:
    """Bytes in pieces of any size → frames. A damaged frame does no harm to the next.

    Args:
        limit: most bytes of contents; what is longer is skipped without being kept.
    """

    def __init__(self, limit: int = LARGEST_FRAME_BYTES) -> None:
        self._limit = limit
        self._most_encoded = cobs.encoded_bytes(limit)
        self._begun = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[Frame | DamagedFrame]:
        """What these bytes complete, in order. Empty frames (0x00 after 0x00) are nothing."""
        found: list[Frame | DamagedFrame] = []
        start = 0
        while (end := data.find(0, start)) >= 0:
            part = data[start:end]
            start = end + 1
            if not self._begun and not self._skipping and len(part) <= self._most_encoded:
                if part:
                    found.append(_decoded(part))
                continue
            self._keep(part)
            if self._skipping:
                self._skipping = False
                found.append(DamagedFrame(f"a frame is longer than {self._limit} bytes"))
            elif self._begun:
                found.append(_decoded(bytes(self._begun)))
                self._begun.clear()
        if start < len(data):
            self._keep(data[start:])
        return found

    def _keep(self, part: bytes) -> None:
        if self._skipping or not part:
            return
        if len(self._begun) + len(part) > self._most_encoded:
            self._skipping = True
            self._begun.clear()
            return
        self._begun += part


def _decoded(encoded: bytes) -> Frame | DamagedFrame:
    try:
        contents = cobs.decode(encoded)
    except LinkError as error:
        return DamagedFrame(str(error))
    body = len(contents) - CRC_BYTES
    if body < _START.size:
        return DamagedFrame(
            f"a frame of {len(contents)} bytes is short: the shortest has {FRAME_OVERHEAD_BYTES}"
        )
    if zlib.crc32(memoryview(contents)[:body]) != CRC.unpack_from(contents, body)[0]:
        return DamagedFrame(f"a frame of {len(contents)} bytes is damaged: its CRC-32 does not fit")
    return Frame(contents)
