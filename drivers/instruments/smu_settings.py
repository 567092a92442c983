"""What source-measure units have in common in a chip file: one quantity sourced, the other limited.

The limit, compliance, has no default: what a chip bears is known to nobody but its owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from mgd_lab.chip.instruments import InstrumentChannel
from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import Settings

Quantity = Literal["voltage", "current"]

UNITS: dict[Quantity, str] = {"voltage": "V", "current": "A"}
OTHER: dict[Quantity, Quantity] = {"voltage": "current", "current": "voltage"}


class SmuFunction(Settings):
    """What one channel of a source-measure unit sources and measures."""

    source: Quantity = Field(
        default="voltage", description="what is sourced; the other quantity is limited and measured"
    )
    source_range: float = Field(gt=0, description="range of the source, in V or A")
    compliance: float = Field(
        gt=0,
        description="limit of the current in A where a voltage is sourced, of the voltage in V "
        "where a current is; set before everything else, and read back",
    )
    nplc: float = Field(
        default=1.0, gt=0, description="integration time of a reading in power line cycles"
    )
    four_wire: bool = Field(
        default=False, description="sense the voltage at the chip, with leads of its own"
    )
    source_delay_seconds: float = Field(
        default=0.0,
        ge=0,
        le=999,
        description="from a level, a trigger or a query to its reading; as long as settling, it "
        "spares a list the steps that are for settling alone",
    )


@dataclass(frozen=True)
class SmuRanges:
    """What a model has.

    Attributes:
        voltage, current: its ranges in V and A, the smallest first.
        overrange: factor on a range that can still be sourced and measured.
        fastest_nplc, slowest_nplc: shortest and longest integration.
    """

    voltage: tuple[float, ...]
    current: tuple[float, ...]
    overrange: float
    fastest_nplc: float
    slowest_nplc: float

    def of(self, quantity: Quantity) -> tuple[float, ...]:
        """In V or A."""
        return self.voltage if quantity == "voltage" else self.current

    def holding(self, quantity: Quantity, value: float) -> float:
        """The smallest range that holds a value; the largest of all where none does."""
        steps = self.of(quantity)
        return next((step for step in steps if value <= self.overrange * step), steps[-1])

    def meter_range(self, function: SmuFunction) -> float:
        """The smallest that holds the compliance; a smaller one would limit the source itself."""
        measured = OTHER[function.source]
        return self.holding(measured, function.compliance)

    def check(self, function: SmuFunction, model: str, *place: str) -> None:
        """Raises what a validator raises where the model does not have what is asked for.

        `place` is where the function stands below what is validated.
        """
        source, measured = function.source, OTHER[function.source]
        steps, asked = self.of(source), function.source_range
        if asked not in steps:
            known = ", ".join(f"{step:g}" for step in steps)
            raise key_problem(
                f"the {model} has no {source} range of {asked:g} {UNITS[source]}; it has {known}",
                *place,
                "source_range",
            )
        most = self.overrange * self.of(measured)[-1]
        if function.compliance > most:
            raise key_problem(
                f"the {model} limits up to {most:g} {UNITS[measured]}, not to "
                f"{function.compliance:g} {UNITS[measured]}",
                *place,
                "compliance",
            )
        if not self.fastest_nplc <= function.nplc <= self.slowest_nplc:
            raise key_problem(
                f"the {model} integrates over {self.fastest_nplc:g} to {self.slowest_nplc:g} PLC",
                *place,
                "nplc",
            )

    def channels(
        self, function: SmuFunction, source: str, meter: str
    ) -> tuple[InstrumentChannel, InstrumentChannel]:
        """Its source and its meter, by their names."""
        level = self.overrange * function.source_range
        reading = self.overrange * self.meter_range(function)
        sourced, measured = UNITS[function.source], UNITS[OTHER[function.source]]
        return (
            InstrumentChannel(source, "source", sourced, -level, level),
            InstrumentChannel(meter, "meter", measured, -reading, reading),
        )
