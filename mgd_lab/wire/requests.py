"""Requests that measure: what every dialect for chips of our kind carries.

P, I, O and n are the numbers of parameters, inputs, outputs and probes. Arrays are stored row
after row. A request with a θ number and no θ means the θ that came last under that number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import LinkError
from mgd_lab.wire.envelope import HEADER, HEADER_BYTES, THETA_FOLLOWS, Header, Opcode, Widths, seal

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """parameters float64 (P,), inputs float32 (n, I) → outputs float64 (n, O)."""

    opcode: ClassVar[Opcode] = Opcode.OUTPUTS
    parameters: Float64
    inputs: Float32

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        return seal(
            HEADER.pack(sequence, 1, 0, 0, 0, len(self.inputs)),
            self.parameters.tobytes(),
            self.inputs.tobytes(),
        )

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:
        """Length that the header gives the body."""
        return 8 * widths.parameters + 4 * header.count * widths.inputs

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:
        """The request in sealed data whose length and seal have been checked."""
        P, n, I = widths.parameters, header.count, widths.inputs  # noqa: E741
        parameters = np.frombuffer(data, np.float64, P, HEADER_BYTES)
        inputs = np.frombuffer(data, np.float32, n * I, HEADER_BYTES + 8 * P)
        return cls(parameters, inputs.reshape(n, I))


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """parameters float64 (P,), inputs float32 (n, I), targets float32 (n, O) → costs (n,)."""

    opcode: ClassVar[Opcode] = Opcode.COSTS
    parameters: Float64
    inputs: Float32
    targets: Float32

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        return seal(
            HEADER.pack(sequence, 2, 0, 0, 0, len(self.inputs)),
            self.parameters.tobytes(),
            self.inputs.tobytes(),
            self.targets.tobytes(),
        )

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:
        """Length that the header gives the body."""
        return 8 * widths.parameters + 4 * header.count * (widths.inputs + widths.outputs)

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:
        """The request in sealed data whose length and seal have been checked."""
        P, n = widths.parameters, header.count
        at = HEADER_BYTES + 8 * P
        inputs = np.frombuffer(data, np.float32, n * widths.inputs, at)
        targets = np.frombuffer(data, np.float32, n * widths.outputs, at + 4 * n * widths.inputs)
        return cls(
            np.frombuffer(data, np.float64, P, HEADER_BYTES),
            inputs.reshape(n, widths.inputs),
            targets.reshape(n, widths.outputs),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """θ float32 (P,) or None, samples u32 (n,), θ̃ float32 (n, P) → costs (n,)."""

    opcode: ClassVar[Opcode] = Opcode.DENSE
    theta_number: int
    theta: Float32 | None
    samples: NDArray[np.uint32]
    perturbations: Float32

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        theta, n = self.theta, len(self.samples)
        if theta is None:
            return seal(
                HEADER.pack(sequence, 3, 0, 0, self.theta_number, n),
                self.samples.tobytes(),
                self.perturbations.tobytes(),
            )
        return seal(
            HEADER.pack(sequence, 3, THETA_FOLLOWS, 0, self.theta_number, n),
            theta.tobytes(),
            self.samples.tobytes(),
            self.perturbations.tobytes(),
        )

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:
        """Length that the header gives the body."""
        theta = widths.parameters if header.theta_follows else 0
        return 4 * (theta + header.count + header.count * widths.parameters)

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:
        """The request in sealed data whose length and seal have been checked."""
        P, n = widths.parameters, header.count
        theta, at = _theta(data, header, P)
        samples = np.frombuffer(data, np.uint32, n, at)
        perturbations = np.frombuffer(data, np.float32, n * P, at + 4 * n)
        return cls(header.theta_number, theta, samples, perturbations.reshape(n, P))


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """θ float32 (P,) or None, samples u32 (n,), signs i8 (n,), codes u8 (n, ⌈P/8⌉) → costs (n,).

    Signs are 0, +1 and −1. Bit i, from the least significant, of byte j of a code belongs to
    parameter 8 j + i.
    """

    opcode: ClassVar[Opcode] = Opcode.SIGNS
    theta_number: int
    theta: Float32 | None
    samples: NDArray[np.uint32]
    signs: NDArray[np.int8]
    packed_codes: NDArray[np.uint8]

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        theta, n = self.theta, len(self.samples)
        flags = 0 if theta is None else THETA_FOLLOWS
        return seal(
            HEADER.pack(sequence, 4, flags, 0, self.theta_number, n),
            b"" if theta is None else theta.tobytes(),
            self.samples.tobytes(),
            self.signs.tobytes(),
            self.packed_codes.tobytes(),
        )

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:
        """Length that the header gives the body."""
        theta = widths.parameters if header.theta_follows else 0
        return 4 * (theta + header.count) + header.count * (1 + widths.packed)

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:
        """The request in sealed data whose length and seal have been checked."""
        n, packed = header.count, widths.packed
        theta, at = _theta(data, header, widths.parameters)
        samples = np.frombuffer(data, np.uint32, n, at)
        signs = data[at + 4 * n : at + 5 * n]
        if signs.translate(None, b"\x00\x01\xff"):
            raise LinkError("the request has a sign that is not 0, +1 or -1")
        codes = np.frombuffer(data, np.uint8, n * packed, at + 5 * n)
        return cls(
            header.theta_number,
            theta,
            samples,
            np.frombuffer(signs, np.int8),
            codes.reshape(n, packed),
        )


def _theta(data: bytes, header: Header, parameters: int) -> tuple[Float32 | None, int]:
    if not header.theta_follows:
        return None, HEADER_BYTES
    return np.frombuffer(data, np.float32, parameters, HEADER_BYTES), HEADER_BYTES + 4 * parameters
