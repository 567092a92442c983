"""The output of a source-measure unit: what it sources into its load, until it is in compliance.

At the source's channel stands what is driven, a voltage or a current. What comes in besides, from
what the bench wires to the meter's channel, is a current (or voltage) of the chip's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sim_instruments.bench.plug import Plug

Quantity = Literal["VOLT", "CURR"]

OTHER: dict[Quantity, Quantity] = {"VOLT": "CURR", "CURR": "VOLT"}


@dataclass
class SmuOutput:
    """One channel.

    Attributes:
        plug: the bench.
        channel, meter: names of the source and of the meter.
        sources: what is sourced.
        levels: as programmed, in V and A.
        stepped: where a list has brought it instead; None where there is none.
        limits: of the voltage while a current is sourced, of the current while a voltage is.
        is_on: whether the output is.
    """

    plug: Plug
    channel: str
    meter: str
    sources: Quantity = "VOLT"
    levels: dict[Quantity, float] = field(default_factory=lambda: {"VOLT": 0.0, "CURR": 0.0})
    stepped: float | None = None
    limits: dict[Quantity, float] = field(default_factory=lambda: {"VOLT": 21.0, "CURR": 1.05e-4})
    is_on: bool = False

    def apply(self) -> None:
        """Drives the terminal as far as the limit allows; it is at high impedance while off."""
        self.plug.drive(self.channel, self._reached() if self.is_on else None)

    def program(self, quantity: Quantity, level: float) -> None:
        """A level, which ends where a list has brought it."""
        self.levels[quantity] = level
        self.step(None)

    def step(self, level: float | None) -> None:
        """The next level of a list; None: there is no list any more."""
        self.stepped = level
        self.apply()

    @property
    def level(self) -> float:
        """What is to be sourced now."""
        return self.levels[self.sources] if self.stepped is None else self.stepped

    @property
    def limit(self) -> float:
        """Of what is not sourced."""
        return self.limits[OTHER[self.sources]]

    @property
    def is_in_compliance(self) -> bool:
        """Whether the limit holds the source back now."""
        if not self.is_on:
            return False
        return abs(self._answer_of_load(self.level) + self._incoming()) > self.limit

    def sense(self) -> float:
        """What is not sourced, now."""
        if not self.is_on:
            return 0.0
        return self._answer_of_load(self.plug.sense(self.channel)) + self._incoming()

    def sourced(self) -> float:
        """What is sourced, as the limit leaves it."""
        return self._reached() if self.is_on else 0.0

    def _reached(self) -> float:
        answer = self._answer_of_load(self.level)
        if abs(answer) <= self.limit:
            return self.level
        return self.level * (self.limit / abs(answer))

    def _answer_of_load(self, level: float) -> float:
        """Current at a voltage; voltage at a current."""
        siemens = self.plug.load_current(self.channel, 1.0)
        return level * siemens if self.sources == "VOLT" else level / siemens

    def _incoming(self) -> float:
        return self.plug.sense(self.meter)
