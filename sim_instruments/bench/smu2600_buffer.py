"""Dedicated reading buffers of a Keithley 2600 (smuX.nvbuffer1 and smuX.nvbuffer2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim_instruments.bench.tsp_language import Value
from sim_instruments.bench.tsp_machine import Attribute, TspMachine


@dataclass(frozen=True)
class Record:
    """One reading, its status bits, and what was sourced."""

    reading: float
    status: int
    source: float


class Buffer:
    """One buffer.

    Args:
        machine: gets the names.
        name: "smua.nvbuffer1", for example.
    """

    def __init__(self, machine: TspMachine, name: str) -> None:
        self.records: list[Record] = []
        self._machine = machine
        self._name = name
        machine.attribute(f"{name}.n", Attribute(lambda: float(len(self.records))))
        for attribute in ("appendmode", "collecttimestamps", "collectsourcevalues"):
            machine.number(f"{name}.{attribute}", 0, 0, 1)
        machine.function(f"{name}.clear", self._clear)
        machine.printable(f"{name}.readings", lambda a, b: [r.reading for r in self._from(a, b)])
        machine.printable(f"{name}.sourcevalues", lambda a, b: [r.source for r in self._from(a, b)])
        machine.printable(
            f"{name}.statuses", lambda a, b: [float(r.status) for r in self._from(a, b)]
        )

    def begin(self) -> None:
        """A measurement begins: it replaces what is kept unless it is to be appended."""
        if self._machine.get(f"{self._name}.appendmode") == 0:
            self.records.clear()

    def _clear(self, _: Sequence[Value]) -> Sequence[Value]:
        self.records.clear()
        return ()

    def _from(self, first: int, last: int) -> Sequence[Record]:
        return self.records[first - 1 : last]
