"""How a chip is made of instruments: which channel carries what, and how it is timed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, SerializeAsAny, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem
from mgd_lab.experiment.bench_mapping_checks import check_bench
from mgd_lab.experiment.bench_simulation import SimulatedBench
from mgd_lab.experiment.bench_terminals import (
    Conversion,
    InputMap,
    Knob,
    Name,
    OutputMap,
    ParameterMap,
    TelemetryMap,
)
from mgd_lab.experiment.chip_settings import Settings
from mgd_lab.experiment.instrument_settings import InstrumentSettings

Key = tuple[str | int, ...]


class CostMap(Alternatives):
    """Where the cost of a probe comes from."""

    source: Literal["host", "instrument"] = Field(
        default="host",
        alias="from",
        description="host: computed from the outputs; instrument: the chip computes it and a meter "
        "reads it",
    )
    instrument: Name | None = Field(default=None, description="the meter: key in instruments")
    channel: Name | None = Field(default=None, description="of the meter")
    gain: float = Field(default=1.0, description="cost per unit of the channel's reading; not 0")
    offset: float = Field(default=0.0, description="cost at a reading of 0")
    computes: Literal["mse", "cross_entropy"] = Field(
        default="mse", description="the cost function that the chip computes; task.cost must be it"
    )
    targets: tuple[InputMap, ...] = Field(
        default=(), description="sources that present the targets to the chip, one an output"
    )

    @property
    def conversion(self) -> Conversion:
        """Between readings and costs."""
        return Conversion(self.gain, self.offset)

    def keys_without_meaning(self) -> Mapping[str, str]:
        """All others, where the host computes the cost."""
        if self.source == "instrument":
            return {}
        others = ("instrument", "channel", "gain", "offset", "computes", "targets")
        return dict.fromkeys(others, "this key belongs to from: instrument, not to from: host")

    @model_validator(mode="after")
    def _be_whole(self) -> Self:
        if self.source == "instrument":
            for key in ("instrument", "channel"):
                if getattr(self, key) is None:
                    raise key_problem("a required key is missing with from: instrument", key)
        if self.gain == 0:
            raise key_problem("a gain of 0 leaves nothing of the reading; expected another", "gain")
        return self


class Trigger(Settings):
    """A cable from a marker or trigger output to a trigger input."""

    sender: Name = Field(alias="from", description="instrument that gives a pulse at each step")
    receiver: Name = Field(alias="to", description="instrument that is triggered by it")
    output: str = Field(default="", description="line of the sender; its only one unless given")
    input: str = Field(default="", description="line of the receiver; its only one unless given")


class BenchMapping(Settings):
    """All that says how the instruments make a chip; drivers and simulations read the same."""

    instruments: dict[str, SerializeAsAny[InstrumentSettings]] = Field(
        min_length=1, description="name → section of the instrument's driver"
    )
    parameters: tuple[ParameterMap, ...] = Field(min_length=1, description="in the order of θ")
    inputs: tuple[InputMap, ...] = Field(min_length=1, description="in the order of a sample")
    outputs: tuple[OutputMap, ...] = Field(
        default=(), description="in the order of a target; none where only the cost is read"
    )
    telemetry: tuple[TelemetryMap, ...] = Field(
        default=(), description="meter channels that are watched beside the costs"
    )
    reads_per_probe: int = Field(
        default=1, ge=1, le=1_000_000, description="readings of every meter a probe"
    )
    cost: CostMap = Field(default_factory=CostMap, description="where the cost comes from")
    settle_seconds: float = Field(
        default=0.0, ge=0, le=3600, description="of every mapping that gives none of its own"
    )
    timing: Literal["auto", "software", "hardware"] = Field(
        default="auto",
        description="software: one exchange at a time; hardware: lists, triggers and buffers; auto:"
        " hardware where all instruments concerned can",
    )
    conductor: Name | None = Field(
        default=None,
        description="of hardware timing: the instrument whose list steps by its own timer and whose"
        " marker triggers the others",
    )
    uncounted: tuple[Name, ...] = Field(
        default=(),
        description="of hardware timing: sources that do not count the steps of their lists; that "
        "they get every trigger, and no other, is then the user's word",
    )
    triggers: tuple[Trigger, ...] = Field(
        default=(),
        description="trigger cables; where none are given, from the conductor to all the others",
    )
    simulated: SimulatedBench | None = Field(
        default=None, description='the chip and the time behind visa_library: "@sim"'
    )

    @cached_property
    def parameter_knobs(self) -> tuple[Knob, ...]:
        """Every parameter, fixed and masked ones too, in the order of the chip file."""
        return tuple(
            knob for k, run in enumerate(self.parameters) for knob in run.knobs("parameters", k)
        )

    @cached_property
    def input_knobs(self) -> tuple[Knob, ...]:
        """The inputs, in the order of a sample."""
        return tuple(m.knob(k, "input", "inputs", k) for k, m in enumerate(self.inputs))

    @cached_property
    def target_knobs(self) -> tuple[Knob, ...]:
        """Sources of the targets, where the chip computes its cost from them."""
        return tuple(
            m.knob(k, "target", "cost", "targets", k) for k, m in enumerate(self.cost.targets)
        )

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """All of them."""
        return self.parameter_knobs + self.input_knobs + self.target_knobs

    @property
    def cables(self) -> tuple[Trigger, ...]:
        """Trigger cables, as given or as taken for granted."""
        if self.triggers or self.conductor is None:
            return self.triggers
        others = (name for name in self.instruments if name != self.conductor)
        return tuple(Trigger(**{"from": self.conductor, "to": name}) for name in others)

    def meter_channels(self) -> Iterator[tuple[str, str, Key]]:
        """(instrument, channel, place in the chip file) of all that is read."""
        for k, output in enumerate(self.outputs):
            yield output.instrument, output.channel, ("outputs", k, "channel")
        for k, watched in enumerate(self.telemetry):
            yield watched.instrument, watched.channel, ("telemetry", k, "channel")
        if self.cost.instrument is not None and self.cost.channel is not None:
            yield self.cost.instrument, self.cost.channel, ("cost", "channel")

    @model_validator(mode="after")
    def _be_a_bench(self) -> Self:
        check_bench(self)
        return self
