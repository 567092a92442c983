"""What surrounds every training request: a header of 16 bytes before it, a CRC-32 after it.

========  ====  ===========================================================
offset    type  field
========  ====  ===========================================================
0         u32   sequence number
4         u8    opcode
5         u8    flags; bit 0: the body begins with θ
6         u16   0
8         u32   θ number; 0 where the request has none
12        u32   count: probes, samples or values, as the opcode says
16        …     body
end − 4   u32   CRC-32 (zlib, IEEE 802.3) of everything before it
========  ====  ===========================================================

All numbers are little-endian. The header's length keeps every array of the body aligned.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from mgd_lab.chip import ChipDescription
from mgd_lab.errors import LinkError

HEADER = struct.Struct("<IBBHII")
HEADER_BYTES = HEADER.size
CRC = struct.Struct("<I")
CRC_BYTES = CRC.size
THETA_FOLLOWS = 0x01


class Opcode(IntEnum):
    """What a request asks for."""

    OUTPUTS = 1
    COSTS = 2
    DENSE = 3
    SIGNS = 4
    GENERATED = 5
    AMPLITUDES = 16
    SAMPLES = 17
    COST_FUNCTION = 18
    WRITE_PARAMETERS = 19
    READ_PARAMETERS = 20
    CONFIGURE_PROBES = 21
    CONFIGURE_LEARNING = 22
    ADVANCE = 23
    SNAPSHOT = 24
    RESTORE = 25
    SAMPLES_HASH = 26
    SET_LIMITS = 27
    READ_LIMITS = 28
    SWITCH_OUTPUTS = 29
    READ_OUTPUTS = 30
    WATCH_HOST = 31
    READ_TELEMETRY = 32


@dataclass(frozen=True, slots=True)
class Widths:
    """What host and device both know from the chip's description.

    Attributes:
        parameters, inputs, outputs: P, I, O.
        largest_block: most probes in one request.
        sample_memory: most samples that the device holds.
        telemetry: T, the number of channels.
    """

    parameters: int
    inputs: int
    outputs: int
    largest_block: int
    sample_memory: int = 0
    telemetry: int = 0

    @classmethod
    def of(cls, description: ChipDescription) -> Self:
        """The widths that a description declares."""
        return cls(
            description.parameters,
            description.inputs,
            description.outputs,
            description.largest_block,
            description.sample_memory,
            len(description.telemetry),
        )

    @property
    def packed(self) -> int:
        """Bytes of one packed code, ⌈P/8⌉."""
        return (self.parameters + 7) // 8


@dataclass(frozen=True, slots=True)
class Header:
    """The fields before a body, as received."""

    sequence: int
    opcode: Opcode
    theta_follows: bool
    theta_number: int
    count: int


def seal(*parts: bytes) -> bytes:
    """The parts one after another, and the CRC-32 of them all."""
    sealed = b"".join(parts)
    return sealed + CRC.pack(zlib.crc32(sealed))


def check_seal(data: bytes, what: str) -> None:
    """LinkError where the last four bytes are not the CRC-32 of those before them."""
    body = len(data) - CRC_BYTES
    if body < 0:
        raise LinkError(f"the {what} is short: {len(data)} bytes")
    (expected,) = CRC.unpack_from(data, body)
    found = zlib.crc32(memoryview(data)[:body])
    if found != expected:
        raise LinkError(
            f"the {what} is damaged: its CRC-32 says {expected:08x}, its bytes give {found:08x}"
        )


def read_header(data: bytes) -> Header:
    """The header of a request whose seal has been checked; otherwise LinkError."""
    if len(data) < HEADER_BYTES + CRC_BYTES:
        raise LinkError(
            f"the request is short: {len(data)} bytes; header and CRC-32 take "
            f"{HEADER_BYTES + CRC_BYTES}"
        )
    sequence, opcode, flags, reserved, theta_number, count = HEADER.unpack_from(data)
    known = _OPCODES.get(opcode)
    if known is None:
        raise LinkError(f"the request has the unknown opcode {opcode}")
    if reserved or flags & ~THETA_FOLLOWS:
        raise LinkError(
            f"the request has unknown flags (0x{flags:02x}) or a reserved field that is not 0"
        )
    return Header(sequence, known, bool(flags), theta_number, count)


_OPCODES = {int(opcode): opcode for opcode in Opcode}
