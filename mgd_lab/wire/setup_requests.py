"""Requests that set a chip up: amplitudes, sample memory, cost function, parameters.

They travel in the same envelope as measurements: numbered, sealed and acknowledged by a reply
without results (`ReadParameters`: with P of them; `SamplesHash`: with one).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mgd_lab.costs import CostFunction, CostKind
from mgd_lab.errors import CapabilityError, ConfigurationError, LinkError
from mgd_lab.wire.bodiless import Bodiless
from mgd_lab.wire.envelope import HEADER, HEADER_BYTES, Header, Opcode, Widths, seal

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_PLACE = struct.Struct("<II")
_COST = struct.Struct("<BBHId")
_COST_KINDS: tuple[CostKind, ...] = ("mse", "cross_entropy")


@dataclass(frozen=True, slots=True, eq=False)
class Amplitudes:
    """Δθ of each parameter, float32 (P,), for the requests `Signs` that follow."""

    opcode: ClassVar[Opcode] = Opcode.AMPLITUDES
    amplitudes: Float32

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        count = len(self.amplitudes)
        return seal(HEADER.pack(sequence, self.opcode, 0, 0, 0, count), self.amplitudes.tobytes())

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return 4 * header.count

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        return cls(np.frombuffer(data, np.float32, header.count, HEADER_BYTES))


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """n neighbouring samples of `total`, the first of which takes place `first` in the memory.

    inputs float32 (n, I), targets float32 (n, O). A load is complete, and may be measured, when
    the last of `total` has come; parts come in order, and a part may come twice.
    """

    opcode: ClassVar[Opcode] = Opcode.SAMPLES
    first: int
    total: int
    inputs: Float32
    targets: Float32

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        return seal(
            HEADER.pack(sequence, self.opcode, 0, 0, 0, len(self.inputs)),
            _PLACE.pack(self.first, self.total),
            self.inputs.tobytes(),
            self.targets.tobytes(),
        )

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:
        """Length that the header gives the body."""
        return _PLACE.size + 4 * header.count * (widths.inputs + widths.outputs)

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:
        """The request in sealed data whose length and seal have been checked."""
        first, total = _PLACE.unpack_from(data, HEADER_BYTES)
        n, at = header.count, HEADER_BYTES + _PLACE.size
        inputs = np.frombuffer(data, np.float32, n * widths.inputs, at)
        at += 4 * n * widths.inputs
        targets = np.frombuffer(data, np.float32, n * widths.outputs, at)
        return cls(
            first, total, inputs.reshape(n, widths.inputs), targets.reshape(n, widths.outputs)
        )


@dataclass(frozen=True, slots=True)
class SamplesHash(Bodiless):
    """Of the samples that the chip holds → `samples_hash` as one float64."""

    opcode: ClassVar[Opcode] = Opcode.SAMPLES_HASH


def samples_hash(inputs: Float32, targets: Float32) -> int:
    """CRC-32 (zlib) of inputs (N, I), then targets (N, O): float32, little-endian, row by row."""
    of_inputs = zlib.crc32(np.ascontiguousarray(inputs, "<f4").data)
    return zlib.crc32(np.ascontiguousarray(targets, "<f4").data, of_inputs)


@dataclass(frozen=True, slots=True)
class SetCost:
    """The cost function that the chip computes from now on.

    Body: kind u8 (0 mse, 1 cross_entropy), probabilities u8, 0 u16, 0 u32, label smoothing
    float64.
    """

    opcode: ClassVar[Opcode] = Opcode.COST_FUNCTION
    cost: CostFunction

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        cost = self.cost
        if cost.kind not in _COST_KINDS:
            raise CapabilityError(
                "a cost function of a user's own cannot be sent to a chip; use rung: forward"
            )
        kind = _COST_KINDS.index(cost.kind)
        body = _COST.pack(kind, cost.probabilities, 0, 0, cost.label_smoothing)
        return seal(HEADER.pack(sequence, self.opcode, 0, 0, 0, 0), body)

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return _COST.size

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        fields: tuple[int, int, int, int, float] = _COST.unpack_from(data, HEADER_BYTES)
        kind, probabilities, a, b, smoothing = fields
        if kind >= len(_COST_KINDS) or probabilities > 1 or a or b:
            raise LinkError(f"the request names an unknown cost function (kind {kind})")
        try:
            return cls(CostFunction(_COST_KINDS[kind], smoothing, bool(probabilities)))
        except ConfigurationError as error:
            raise LinkError(f"the request's cost function cannot be: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class WriteParameters:
    """Values for the registers, float64 (P,)."""

    opcode: ClassVar[Opcode] = Opcode.WRITE_PARAMETERS
    values: Float64

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        header = HEADER.pack(sequence, self.opcode, 0, 0, 0, len(self.values))
        return seal(header, self.values.tobytes())

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return 8 * header.count

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        return cls(np.frombuffer(data, np.float64, header.count, HEADER_BYTES))


@dataclass(frozen=True, slots=True)
class ReadParameters(Bodiless):
    """What the registers hold → float64 (P,)."""

    opcode: ClassVar[Opcode] = Opcode.READ_PARAMETERS
