"""Requests that say all in their opcode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mgd_lab.wire.envelope import HEADER, Header, Opcode, Widths, seal


@dataclass(frozen=True, slots=True)
class Bodiless:
    """A header and a seal."""

    opcode: ClassVar[Opcode]

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        return seal(HEADER.pack(sequence, self.opcode, 0, 0, 0, 0))

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return 0

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        return cls()
