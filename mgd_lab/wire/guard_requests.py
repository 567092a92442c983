"""Requests that keep a chip safe and tell how it is: limits, output switch, watchdog, telemetry."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import LinkError
from mgd_lab.wire.bodiless import Bodiless
from mgd_lab.wire.envelope import HEADER, HEADER_BYTES, Header, Opcode, Widths, seal

Float64 = NDArray[np.float64]

_SWITCH = struct.Struct("<II")
_SECONDS = struct.Struct("<d")


@dataclass(frozen=True, slots=True, eq=False)
class SetLimits:
    """Lowest and highest θ + θ̃ that the chip lets pass, float64 (P,) each; infinite for none."""

    opcode: ClassVar[Opcode] = Opcode.SET_LIMITS
    low: Float64
    high: Float64

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        header = HEADER.pack(sequence, self.opcode, 0, 0, 0, len(self.low))
        return seal(header, self.low.tobytes(), self.high.tobytes())

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return 16 * header.count

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        low, high = np.frombuffer(data, np.float64, 2 * header.count, HEADER_BYTES).reshape(2, -1)
        # False for NaN, too.
        if not (low <= high).all():
            raise LinkError("the request SET_LIMITS has a lowest value above the highest")
        return cls(low, high)


@dataclass(frozen=True, slots=True)
class SwitchOutputs:
    """Outputs on or off."""

    opcode: ClassVar[Opcode] = Opcode.SWITCH_OUTPUTS
    on: bool

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        header = HEADER.pack(sequence, self.opcode, 0, 0, 0, 0)
        return seal(header, _SWITCH.pack(self.on, 0))

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return _SWITCH.size

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        on, reserved = _SWITCH.unpack_from(data, HEADER_BYTES)
        if on > 1 or reserved:
            raise LinkError(f"the request SWITCH_OUTPUTS says {on}, {reserved}; 1 is on, 0 is off")
        return cls(on == 1)


@dataclass(frozen=True, slots=True)
class WatchHost:
    """The device makes the chip safe after so many seconds without a byte from the host; 0: never.

    It may be repeated as a sign of life.
    """

    opcode: ClassVar[Opcode] = Opcode.WATCH_HOST
    seconds: float

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        header = HEADER.pack(sequence, self.opcode, 0, 0, 0, 0)
        return seal(header, _SECONDS.pack(self.seconds))

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return _SECONDS.size

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        (seconds,) = _SECONDS.unpack_from(data, HEADER_BYTES)
        if not (math.isfinite(seconds) and seconds >= 0):
            raise LinkError(f"the request WATCH_HOST says {seconds} seconds")
        return cls(seconds)


@dataclass(frozen=True, slots=True)
class ReadLimits(Bodiless):
    """The limits that the chip keeps → float64 (2 P,): all lowest values, then all highest."""

    opcode: ClassVar[Opcode] = Opcode.READ_LIMITS


@dataclass(frozen=True, slots=True)
class ReadOutputs(Bodiless):
    """Whether outputs are on → float64 (1,): 1 or 0."""

    opcode: ClassVar[Opcode] = Opcode.READ_OUTPUTS


@dataclass(frozen=True, slots=True)
class ReadTelemetry(Bodiless):
    """A reading of each channel of the description → float64 (T,)."""

    opcode: ClassVar[Opcode] = Opcode.READ_TELEMETRY
