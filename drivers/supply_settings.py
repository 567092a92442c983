"""Keys of chip files for what feeds a chip behind a link, and what is watched beside its costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from drivers.bench.channel_checks import (
    Key,
    check_source,
    check_unit,
    find_channel,
    unconnected,
)
from drivers.bench.instrument_sections import InstrumentSection
from drivers.bench.resource_checks import check_resources
from drivers.bench.source_checks import check_sources, rests_of_supplies
from mgd_lab.experiment import Settings, key_problem
from mgd_lab.experiment.bench_terminals import TelemetryMap
from mgd_lab.experiment.nearest import did_you_mean
from mgd_lab.experiment.supplies import SupplyMap


class SupplySettings(Settings):
    """Instruments beside a chip that has a link of its own."""

    instruments: dict[str, InstrumentSection] = Field(
        default_factory=dict,
        description="name → driver (group mgd_lab.instruments) and its own keys; they are opened "
        "and switched on in this order",
    )
    supplies: tuple[SupplyMap, ...] = Field(
        default=(), description="channels that feed the chip while outputs are on"
    )
    telemetry: tuple[TelemetryMap, ...] = Field(
        default=(),
        description="meter channels that are watched beside the costs, after the chip's own "
        "telemetry",
    )
    trips_every_blocks: int = Field(
        default=1, ge=1, description="blocks between two looks for tripped supplies"
    )
    errors_every_blocks: int = Field(
        default=100,
        ge=1,
        description="blocks between two looks into the error queues of the instruments",
    )
    settle_seconds: float = Field(
        default=0.0, ge=0, le=3600, description="of every supply that gives none of its own"
    )

    @model_validator(mode="after")
    def _fit_the_instruments(self) -> Self:
        check_resources(self.instruments, self._own_resource)
        instruments = unconnected(self.instruments)
        for mapping, direction, key in self._mappings():
            if mapping.instrument not in instruments:
                raise key_problem(
                    f"no instrument {mapping.instrument!r}"
                    f"{did_you_mean(mapping.instrument, instruments)} (instruments: "
                    f"{', '.join(instruments) or 'none'})",
                    *(*key, "instrument"),
                )
            find_channel(
                instruments, mapping.instrument, mapping.channel, direction, (*key, "channel")
            )
            check_unit(instruments, mapping, mapping.channel, direction, key)
        knobs = [supply.knob(k) for k, supply in enumerate(self.supplies)]
        for knob in knobs:
            check_source(instruments, knob)
        check_sources(instruments, rests_of_supplies(knobs), "as a supply")
        return self

    @model_validator(mode="after")
    def _give_nothing_twice(self) -> Self:
        channels: dict[tuple[str, ...], Key] = {}
        names: dict[str, Key] = {}
        for mapping, direction, key in self._mappings():
            place = (direction, mapping.instrument, mapping.channel)
            if place in channels:
                raise key_problem(
                    f"channel {mapping.channel!r} of {mapping.instrument} is used twice: here and "
                    f"in {_path(channels[place])}",
                    *(*key, "channel"),
                )
            if mapping.name in names:
                raise key_problem(
                    f"the name {mapping.name!r} is given twice: here and in "
                    f"{_path(names[mapping.name])}",
                    *(*key, "name"),
                )
            channels[place] = names[mapping.name] = key
        return self

    @model_validator(mode="after")
    def _leave_no_instrument_without_use(self) -> Self:
        used = {each.instrument for each in (*self.supplies, *self.telemetry)}
        for name in self.instruments:
            if name not in used:
                raise key_problem(
                    "it is neither in supplies nor in telemetry, so that nothing would become of "
                    "it; map one of its channels, or remove it",
                    *("instruments", name),
                )
        return self

    @property
    def _own_resource(self) -> str:
        """Of the chip itself, as one of its instruments could be spelled."""
        port: str | None = getattr(self, "port", None)
        return getattr(self, "resource", "") if port is None else f"ASRL{port}::INSTR"

    def _mappings(self) -> Iterator[tuple[SupplyMap | TelemetryMap, str, Key]]:
        for k, supply in enumerate(self.supplies):
            yield supply, "source", ("supplies", k)
        for k, watched in enumerate(self.telemetry):
            yield watched, "meter", ("telemetry", k)


def _path(key: Key) -> str:
    return ".".join(str(part) for part in key)
