"""Sources that feed a chip beside its parameters: which channel, how much, how fast."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.bench_terminals import Driven, Knob, Name


class SupplyMap(Driven):
    """One supply of a chip; it stands at its value while outputs are on, and is off otherwise."""

    name: Name = Field(description="what messages call it")
    channel: Name = Field(description="of the instrument")
    value: float = Field(description="at which it feeds the chip, in the value's unit")
    slew_per_second: float | None = Field(
        default=None,
        gt=0,
        description="fastest permitted change, in units a second; null: as fast as the source",
    )

    def knob(self, number: int) -> Knob:
        """The supply as the driver of sources takes it."""
        return Knob(
            name=self.name,
            instrument=self.instrument,
            channel=self.channel,
            conversion=self.conversion,
            unit=self.unit,
            low=self.low,
            high=self.high,
            safe=self.safe,
            settle_seconds=self.settle_seconds,
            held=self.value,
            key=("supplies", number, "channel"),
        )

    @model_validator(mode="after")
    def _be_within(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise key_problem(
                f"the value {self.value:g} lies outside [{self.low:g}, {self.high:g}]; give one "
                "within it",
                "value",
            )
        return self
