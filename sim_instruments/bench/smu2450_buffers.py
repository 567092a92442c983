"""Reading buffers of a Keithley 2450 (Reference Manual, section 3 "Reading buffers", TRACe)."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.scpi_call import Call, short

DEFAULT = "defbuffer1"

_ELEMENTS = ("READing", "SOURce", "RELative", "STATus", "SOURSTATus")
_DEFAULT_SIZE = 100_000


@dataclass(frozen=True)
class Record:
    """What is kept of one reading; statuses are the manual's bit fields."""

    reading: float
    source: float
    seconds: float
    status: int
    source_status: int

    def element(self, name: str) -> float:
        """By its short name in TRACe:DATA?."""
        return {
            "READ": self.reading,
            "SOUR": self.source,
            "REL": self.seconds,
            "STAT": float(self.status),
            "SOURSTAT": float(self.source_status),
        }[name]


class Buffers:
    """The two that are always there."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[Record]] = {}
        self.reset()

    def reset(self) -> None:
        """Both are empty."""
        names = (DEFAULT, "defbuffer2")
        self._kept = {name: deque(maxlen=_DEFAULT_SIZE) for name in names}

    def named(self, call: Call, k: int) -> deque[Record]:
        """That which argument k names; defbuffer1 where there is no such argument."""
        name = call.string(k) if len(call) > k else DEFAULT
        if name not in self._kept:
            raise Refused(-224)
        return self._kept[name]

    def resize(self, call: Call) -> None:
        """TRACe:POINts, which clears it."""
        size = call.whole(0, 10, 6_000_000)
        name = call.string(1) if len(call) > 1 else DEFAULT
        self.named(call, 1)
        self._kept[name] = deque(maxlen=size)


def elements(call: Call, first: int) -> list[str]:
    """Short names of the elements that arguments from `first` on name; the reading if none do."""
    if len(call) <= first:
        return ["READ"]
    return [short(call.choice(k, _ELEMENTS)) for k in range(first, len(call))]


def spelled(records: Sequence[Record], names: Sequence[str], form: str, order: str) -> str | bytes:
    """As FORMat:DATA and FORMat:BORDer want it; binary has a header of indefinite length."""
    if not records:
        raise Refused(-230)
    numbers = [record.element(name) for record in records for name in names]
    if form == "ASC":
        whole = ("STAT", "SOURSTAT")
        return ",".join(
            f"{record.element(name):.0f}" if name in whole else f"{record.element(name):.6E}"
            for record in records
            for name in names
        )
    sign = "<" if order == "SWAP" else ">"
    return b"#0" + struct.pack(f"{sign}{len(numbers)}{'d' if form == 'REAL' else 'f'}", *numbers)
