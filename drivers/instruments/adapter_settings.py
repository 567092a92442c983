"""What a chip file says of an instrument that is driven through a library of others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, Self, TypeVar

from pydantic import Field, JsonValue, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import Settings
from mgd_lab.experiment.instrument_settings import InstrumentSettings

Scalar = bool | int | float | str
Assignments = dict[str, Scalar]

_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Use:
    """A name that the library's class must have.

    Attributes:
        key: in the instrument's section, with dots.
        path: the name, with dots where it belongs to a channel.
        does: what is done with it; "assign" sets a property or calls a method.
    """

    key: str
    path: str
    does: Literal["read", "set", "call", "assign"]


class AdaptedSource(Settings):
    """A knob; a subclass says what the library calls it."""

    unit: str = Field(description="of its level, V or A for example")
    low: float = Field(description="no level below is sent, in its unit")
    high: float = Field(description="no level above is sent")
    tolerance: float | None = Field(
        default=None,
        gt=0,
        description="a level that reads back further from what was set has been clipped, which is "
        "refused; null: 1e-5 of the range",
    )

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        if not self.low < self.high:
            raise key_problem(f"low ({self.low:g}) must be below high ({self.high:g})", "low")
        return self

    @property
    def allowed(self) -> float:
        """How far a level that is read back may lie from what was set."""
        if self.tolerance is not None:
            return self.tolerance
        return _TOLERANCE * max(abs(self.low), abs(self.high))

    @property
    def written(self) -> str:
        """Name of what is set."""
        raise NotImplementedError

    @property
    def read(self) -> str:
        """Name of what is read back."""
        raise NotImplementedError


class AdaptedMeter(Settings):
    """Something that is read; a subclass says what the library calls it."""

    unit: str = Field(description="of its readings")
    low: float | None = Field(
        default=None, description="a reading below is an overload, which ends the run; null: none"
    )
    high: float | None = Field(default=None, description="likewise, above")
    index: int | None = Field(
        default=None, ge=0, description="which number, where the library gives several, from 0"
    )

    @property
    def read(self) -> str:
        """Name of what is read."""
        raise NotImplementedError


class OutputSwitch(Settings):
    """How outputs are switched, and how they tell."""

    on: str | Assignments = Field(
        description="name of a method, or names and the values that they are set to"
    )
    off: str | Assignments = Field(description="likewise")
    state: str | tuple[str, ...] = Field(
        description="what tells whether the output is on (true, 1, on); of several, any"
    )

    @property
    def states(self) -> tuple[str, ...]:
        """The same as a tuple."""
        return (self.state,) if isinstance(self.state, str) else self.state

    def uses(self) -> Iterator[Use]:
        """Names that it takes."""
        for key, action in (("on", self.on), ("off", self.off)):
            if isinstance(action, str):
                yield Use(f"outputs.{key}", action, "call")
            else:
                for path in action:
                    yield Use(f"outputs.{key}.{path}", path, "set")
        for path in self.states:
            yield Use("outputs.state", path, "read")


SourceT = TypeVar("SourceT", bound=AdaptedSource)
MeterT = TypeVar("MeterT", bound=AdaptedMeter)


class AdapterSettings(InstrumentSettings, Generic[SourceT, MeterT]):
    """Keys that the adapters share; a name of a channel has dots: `ch_1.power`."""

    class_name: str = Field(
        alias="class", pattern=r"^\w+(\.\w+)+$", description="module and class of the library"
    )
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict, description="further ones of the class, by their names"
    )
    sources: dict[str, SourceT] = Field(default_factory=dict, description="channel → knob")
    meters: dict[str, MeterT] = Field(default_factory=dict, description="channel → what is read")
    setup: dict[str, Scalar | Assignments | tuple[Scalar, ...] | None] = Field(
        default_factory=dict,
        description="properties with their values, in the order in which they are set (limits "
        "first), each read back; of a method its arguments, null for none",
    )
    outputs: OutputSwitch | None = Field(
        default=None, description="null: there is no switch, and off is level 0"
    )
    errors: str | None = Field(
        default=None,
        description="what gives the errors that the instrument has kept: all, or one at a time",
    )
    trips: tuple[str, ...] = Field(
        default=(), description="what is true after compliance or protection has tripped"
    )
    exchange_seconds: float = Field(
        default=1e-3, ge=0, le=3600, description="of setting or reading one name, to foretell speed"
    )
    level_seconds: float = Field(
        default=0.0, ge=0, le=3600, description="after which a level that was set is reached"
    )
    reading_seconds: float = Field(
        default=0.0, ge=0, le=3600, description="integration time of a reading"
    )
    simulated: dict[str, JsonValue] | None = Field(
        default=None,
        description="driver, and keys of its own, whose simulation answers with visa_library: "
        '"@sim"; channels are then to be named as that driver names them',
    )

    @property
    def lock_name(self) -> str:
        """What two who use the same instrument have in common where there is no resource."""
        arguments = json.dumps(self.arguments, sort_keys=True)
        return f"{self.driver}:{self.class_name}:{arguments}"

    @model_validator(mode="after")
    def _have_channels_that_can_be_off(self) -> Self:
        if not self.sources and not self.meters:
            raise ValueError("there are neither sources nor meters; nothing could be used of it")
        for name, source in self.sources.items():
            if self.outputs is None and not source.low <= 0 <= source.high:
                raise key_problem(
                    "without the key outputs it is switched off by level 0, which lies outside "
                    f"{source.low:g} to {source.high:g} {source.unit}",
                    *("sources", name, "low"),
                )
        return self

    def uses(self) -> Iterator[Use]:
        """Every name of the library's class."""
        yield from self._uses_of_channels()
        for path in self.setup:
            yield Use(f"setup.{path}", path, "assign")
        if self.outputs is not None:
            yield from self.outputs.uses()
        if self.errors is not None:
            yield Use("errors", self.errors, "read")
        for k, path in enumerate(self.trips):
            yield Use(f"trips.{k}", path, "read")

    def _uses_of_channels(self) -> Iterator[Use]:
        knobs: Mapping[str, AdaptedSource] = self.sources
        for name, source in knobs.items():
            yield Use(f"sources.{name}", source.written, "set")
            yield Use(f"sources.{name}", source.read, "read")
        for name, meter in self.meters.items():
            yield Use(f"meters.{name}", meter.read, "read")
