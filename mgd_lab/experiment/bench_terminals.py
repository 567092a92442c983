"""What of a chip is wired to which channel of an instrument, and in which unit.

A level is what stands at the instrument's terminal, in the channel's unit; a value is what the chip
or the experiment calls it: value = ±gain · level + offset, minus where the polarity is inverted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import Settings

Name = Annotated[str, Field(min_length=1)]
Number = TypeVar("Number", float, NDArray[np.float64])


@dataclass(frozen=True)
class Conversion:
    """Level at a terminal ↔ value of the chip, floats or float64 arrays of them.

    Both ways are monotonic in floating point too: what lies between two values comes to lie between
    their levels.
    """

    slope: float = 1.0
    offset: float = 0.0

    def value(self, level: Number) -> Number:
        """In the mapping's unit."""
        return level * self.slope + self.offset

    def level(self, value: Number) -> Number:
        """In the channel's unit."""
        return (value - self.offset) / self.slope


class ChannelMap(Settings):
    """What every mapping says about its channels."""

    instrument: Name = Field(description="key in instruments")
    gain: float = Field(
        default=1.0, description="units of the value per unit of the channel's level; not 0"
    )
    offset: float = Field(default=0.0, description="value at level 0, in the value's unit")
    polarity: Literal["normal", "inverted"] = Field(
        default="normal", description="inverted: the value falls where the level rises"
    )
    unit: str = Field(
        default="V", description="of the value; gain converts where the channel's is another"
    )

    @property
    def conversion(self) -> Conversion:
        """Between levels at the terminal and values."""
        return Conversion(-self.gain if self.polarity == "inverted" else self.gain, self.offset)

    @model_validator(mode="after")
    def _have_a_gain(self) -> Self:
        if self.gain == 0:
            raise key_problem("a gain of 0 leaves nothing of the level; expected another", "gain")
        return self


class Driven(ChannelMap):
    """A mapping to sources: what they may be set to."""

    low: float = Field(description="lowest value, in the value's unit")
    high: float = Field(description="highest value, in the value's unit")
    safe: float = Field(default=0.0, description="value at which it is left, in the value's unit")
    settle_seconds: float | None = Field(
        default=None,
        ge=0,
        description="wait after its level changes, before anything is read; null: the bench's "
        "settle_seconds",
    )

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        if not self.low < self.high:
            raise key_problem(f"low ({self.low:g}) must be below high ({self.high:g})", "low")
        if not self.low <= self.safe <= self.high:
            raise key_problem(
                f"the safe value {self.safe:g} lies outside [{self.low:g}, {self.high:g}]; give "
                "one within it",
                "safe",
            )
        return self


@dataclass(frozen=True)
class Knob:
    """One channel of a source, as the chip is wired to it.

    Attributes:
        name: what messages call it.
        held: the value at which it stays while outputs are on; None where it is a trained
            parameter or an input.
        low, high, safe, unit: of the value.
        settle_seconds: None for the bench's.
        key: its place in the chip file.
    """

    name: str
    instrument: str
    channel: str
    conversion: Conversion
    unit: str
    low: float
    high: float
    safe: float
    settle_seconds: float | None
    held: float | None
    key: tuple[str | int, ...]


class ParameterMap(Driven):
    """A run of parameters that share everything but their names and channels."""

    names: tuple[Name, ...] = Field(min_length=1, description="of the parameters, one a channel")
    group: Name = Field(
        default="parameters", description="parameter group of the run, as limits.groups calls it"
    )
    channels: tuple[Name, ...] = Field(
        min_length=1, description="of the instrument, in the order of names"
    )
    resolution: float = Field(
        default=0.0, ge=0, description="step of θ, in the parameter's unit; 0 is analog"
    )
    perturbation_resolution: float = Field(
        default=0.0, ge=0, description="step of θ̃, in the parameter's unit; 0 is analog"
    )
    fixed: float | None = Field(
        default=None,
        description="value at which the whole run is held while outputs are on; it is not trained",
    )
    masked: tuple[Name, ...] = Field(
        default=(), description="names of the run that are held at safe and not trained"
    )

    def knobs(self, *key: str | int) -> Iterator[Knob]:
        """One a name; `key` is where the run stands in the chip file."""
        for k, (name, channel) in enumerate(zip(self.names, self.channels, strict=True)):
            held = self.safe if name in self.masked else self.fixed
            yield _knob(self, name, channel, held, (*key, "channels", k))

    @property
    def trained(self) -> int:
        """How many of the run belong to θ."""
        return 0 if self.fixed is not None else len(self.names) - len(self.masked)

    @model_validator(mode="after")
    def _be_whole(self) -> Self:
        names, channels = self.names, self.channels
        if len(names) > len(channels):
            left = ", ".join(names[len(channels) :])
            raise key_problem(
                f"{len(names)} names and {len(channels)} channels: no channel is mapped to {left}",
                "channels",
            )
        if len(channels) > len(names):
            left = ", ".join(channels[len(names) :])
            raise key_problem(
                f"{len(names)} names and {len(channels)} channels: channel {left} has no name",
                "names",
            )
        unknown = [name for name in self.masked if name not in names]
        if unknown:
            raise key_problem(
                f"{', '.join(unknown)} is none of the names of this run: {', '.join(names)}",
                "masked",
            )
        if self.fixed is not None and not self.low <= self.fixed <= self.high:
            raise key_problem(
                f"the fixed value {self.fixed:g} lies outside [{self.low:g}, {self.high:g}]",
                "fixed",
            )
        return self


class InputMap(Driven):
    """One input of the chip (or one target, where the chip computes its cost)."""

    name: str = Field(default="", description="what messages call it")
    channel: Name = Field(description="of the instrument")

    def knob(self, number: int, word: str, *key: str | int) -> Knob:
        """Input `number`, in words `word number` unless it has a name."""
        name = self.name or f"{word} {number}"
        return _knob(self, name, self.channel, None, (*key, "channel"))


class Metered(ChannelMap):
    """A mapping to one channel of a meter."""

    name: str = Field(default="", description="what messages call it")
    channel: Name = Field(description="of the instrument")


class OutputMap(Metered):
    """One output of the chip."""

    take: Literal["mean", "integral", "threshold"] = Field(
        default="mean",
        description="of the readings of a probe: their mean; their sum times the instrument's time "
        "of a reading (unit times seconds); 1 where the mean lies above the threshold, else 0",
    )
    threshold: float | None = Field(
        default=None, description="of take: threshold, in the value's unit"
    )

    @model_validator(mode="after")
    def _have_a_threshold_where_it_means_something(self) -> Self:
        if self.take == "threshold" and self.threshold is None:
            raise key_problem("take: threshold needs a threshold, in the output's unit", "take")
        if self.take != "threshold" and self.threshold is not None:
            raise key_problem(f"take: {self.take} has no threshold; remove it", "threshold")
        return self


class TelemetryMap(Metered):
    """A meter channel that is watched beside the costs, a supply's current for example."""

    name: Name = Field(description="of the telemetry channel")


def _knob(
    run: Driven, name: str, channel: str, held: float | None, key: tuple[str | int, ...]
) -> Knob:
    return Knob(
        name=name,
        instrument=run.instrument,
        channel=channel,
        conversion=run.conversion,
        unit=run.unit,
        low=run.low,
        high=run.high,
        safe=run.safe,
        settle_seconds=run.settle_seconds,
        held=held,
        key=key,
    )
