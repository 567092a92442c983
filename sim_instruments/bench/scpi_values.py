"""Settings of a simulated instrument: a value, a header that sets it, and one that reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call, short

V = TypeVar("V")
Changed = Callable[[], None]


def real(value: float) -> str:
    """As Keithley's instruments print a number."""
    return f"{value:.6E}"


class ScpiValues:
    """Values by the short names that they are given.

    Args:
        box: the instrument that gets the headers.
        spell: how a number is printed.

    Attributes:
        numbers, switches, words: the values.
    """

    def __init__(self, box: ScpiBox, spell: Callable[[float], str] = real) -> None:
        self._box = box
        self._spell = spell
        self.numbers: dict[str, float] = {}
        self.switches: dict[str, bool] = {}
        self.words: dict[str, str] = {}
        self._resets: list[Callable[[], None]] = []

    def reset(self) -> None:
        """Every value as the manual's reset leaves it."""
        for reset in self._resets:
            reset()

    def number(
        self,
        name: str,
        header: str,
        default: float,
        low: float,
        high: float,
        assigned: Changed | None = None,
    ) -> None:
        """A number from `low` to `high`, −222 beyond; `assigned` is called whatever it was."""

        def read(call: Call) -> float:
            value = call.number(0, low, high, {"DEFault": default})
            if assigned is not None:
                assigned()
            return value

        self._add(self.numbers, name, header, default, read)
        self._box.on(f"{header}?", lambda _: self._spell(self.numbers[name]))

    def count(self, name: str, header: str, default: int, low: int, high: int) -> None:
        """A whole number."""
        self._add(
            self.numbers, name, header, float(default), lambda c: float(c.whole(0, low, high))
        )
        self._box.on(f"{header}?", lambda _: f"{self.numbers[name]:.0f}")

    def switch(self, name: str, header: str, default: bool, changed: Changed | None = None) -> None:
        """On or off; `changed` is called where it was the other before."""
        self._add(self.switches, name, header, default, lambda c: c.on(), changed)
        self._box.on(f"{header}?", lambda _: "1" if self.switches[name] else "0")

    def choice(
        self, name: str, header: str, names: Sequence[str], changed: Changed | None = None
    ) -> None:
        """One of names in mixed case, the first at reset; it is kept in its short form."""
        default = short(names[0])
        self._add(self.words, name, header, default, lambda c: short(c.choice(0, names)), changed)
        self._box.on(f"{header}?", lambda _: self.words[name])

    def _add(
        self,
        values: dict[str, V],
        name: str,
        header: str,
        default: V,
        read: Callable[[Call], V],
        changed: Changed | None = None,
    ) -> None:
        def reset() -> None:
            values[name] = default

        def assign(call: Call) -> None:
            value = read(call)
            is_new = value != values[name]
            values[name] = value
            if is_new and changed is not None:
                changed()

        reset()
        self._resets.append(reset)
        self._box.on(header, assign)
