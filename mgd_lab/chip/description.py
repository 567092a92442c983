"""What a chip says of itself: parameters, inputs, outputs, memory and timing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import ConfigurationError

OutputKind = Literal["values", "probabilities"]
Rung = Literal["forward", "cost", "dense", "signs", "generated", "learns"]
Feature = Literal["limits", "output_switch", "watchdog", "samples_hash"]
ALL_FEATURES: tuple[Feature, ...] = ("limits", "output_switch", "watchdog", "samples_hash")
ALL_RUNGS: tuple[Rung, ...] = ("forward", "cost", "dense", "signs", "generated", "learns")


@dataclass(frozen=True)
class TelemetryChannel:
    """A quantity that the chip reports beside the costs, in `unit`."""

    name: str
    unit: str = ""


@dataclass(frozen=True)
class ParameterGroup:
    """Neighbouring parameters that share unit, limits and resolutions.

    Values are in the parameters' own `unit`. `resolution` is the step of θ, and
    `perturbation_resolution` that of θ̃; 0 means analog. The grid of θ starts at `low`
    where that is finite, otherwise at 0. `slew_per_second` is the fastest permitted change, in
    units a second (0: any); `writes_budget` is how often a parameter may be written in a run
    (0: any number).
    """

    name: str
    count: int
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    safe: float = 0.0
    resolution: float = 0.0
    perturbation_resolution: float = 0.0
    slew_per_second: float = 0.0
    writes_budget: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigurationError(
                f"parameter group {self.name!r} has count {self.count}; it needs at least 1"
            )
        if not self.low < self.high:
            raise ConfigurationError(
                f"parameter group {self.name!r}: low {self.low} must be below high {self.high}"
            )
        if not self.low <= self.safe <= self.high:
            raise ConfigurationError(
                f"parameter group {self.name!r}: the safe value {self.safe} {self.unit} lies "
                f"outside [{self.low}, {self.high}]"
            )
        for quantity in (
            "resolution",
            "perturbation_resolution",
            "slew_per_second",
            "writes_budget",
        ):
            value = getattr(self, quantity)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigurationError(
                    f"parameter group {self.name!r}: {quantity} is {value}; "
                    "it must be finite and 0 or more"
                )


@dataclass(frozen=True)
class ChipDescription:
    """A chip as the controller sees it.

    Attributes:
        name: what messages call the chip.
        groups: the parameters, group after group, in the order of θ.
        inputs, outputs: widths of one presentation.
        input_low, input_high: range of every input, in `input_unit`.
        output_kind: "probabilities" where outputs are non-negative and sum to 1 (softmax).
        sample_memory: samples that the chip can hold; 0 where inputs come with every probe.
        largest_block: most probes in one request.
        probe_seconds: time of one probe on the chip; 0 where unknown or negligible.
        exchange_seconds: time of one exchange on the link, likewise.
        rungs: what the hardware behind a driver can do; the driver may be able to ask for more.
        features: likewise, of what is not a rung (see `mgd_lab.chip.capabilities`).
        telemetry: channels that it reports.
        simulated: true where no hardware is behind it.
    """

    name: str
    groups: tuple[ParameterGroup, ...]
    inputs: int
    outputs: int
    input_low: float = -math.inf
    input_high: float = math.inf
    input_unit: str = ""
    output_kind: OutputKind = "values"
    sample_memory: int = 0
    largest_block: int = 1
    probe_seconds: float = 0.0
    exchange_seconds: float = 0.0
    rungs: tuple[Rung, ...] = ALL_RUNGS
    features: tuple[Feature, ...] = ()
    telemetry: tuple[TelemetryChannel, ...] = ()
    simulated: bool = False

    def __post_init__(self) -> None:
        names = [group.name for group in self.groups]
        if len(set(names)) != len(names):
            raise ConfigurationError(f"chip {self.name!r}: two parameter groups share a name")
        if not names:
            raise ConfigurationError(f"chip {self.name!r} has no parameters")
        unknown = [rung for rung in self.rungs if rung not in ALL_RUNGS]
        if unknown or not self.rungs:
            raise ConfigurationError(
                f"chip {self.name!r}: rungs {self.rungs} must be some of {', '.join(ALL_RUNGS)}"
            )
        strange = [feature for feature in self.features if feature not in ALL_FEATURES]
        if strange:
            raise ConfigurationError(
                f"chip {self.name!r}: features {self.features} must be some of "
                f"{', '.join(ALL_FEATURES)}"
            )
        channels = [channel.name for channel in self.telemetry]
        if len(set(channels)) != len(channels):
            raise ConfigurationError(f"chip {self.name!r}: two telemetry channels share a name")
        if self.inputs < 1 or self.outputs < 1 or self.largest_block < 1:
            raise ConfigurationError(
                f"chip {self.name!r}: inputs ({self.inputs}), outputs ({self.outputs}) and "
                f"largest_block ({self.largest_block}) must each be at least 1"
            )

    @cached_property
    def parameters(self) -> int:
        """P, the number of parameters."""
        return sum(group.count for group in self.groups)

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters in the order of θ: `group[k]`."""
        return tuple(f"{group.name}[{k}]" for group in self.groups for k in range(group.count))

    @cached_property
    def low(self) -> NDArray[np.float64]:
        """Lowest permitted θ + θ̃, shape (P,)."""
        return self._column("low")

    @cached_property
    def high(self) -> NDArray[np.float64]:
        """Highest permitted θ + θ̃, shape (P,)."""
        return self._column("high")

    @cached_property
    def safe(self) -> NDArray[np.float64]:
        """θ at which the chip may be left alone, shape (P,)."""
        return self._column("safe")

    @cached_property
    def resolution(self) -> NDArray[np.float64]:
        """Step of θ, shape (P,); 0 is analog."""
        return self._column("resolution")

    @cached_property
    def perturbation_resolution(self) -> NDArray[np.float64]:
        """Step of θ̃, shape (P,); 0 is analog."""
        return self._column("perturbation_resolution")

    @cached_property
    def slew_per_second(self) -> NDArray[np.float64]:
        """Fastest permitted change, units a second, shape (P,); 0 is any."""
        return self._column("slew_per_second")

    @cached_property
    def writes_budget(self) -> NDArray[np.float64]:
        """Most writes of each parameter in a run, shape (P,); 0 is any number."""
        return self._column("writes_budget")

    def _column(self, quantity: str) -> NDArray[np.float64]:
        column = np.concatenate(
            [np.full(group.count, getattr(group, quantity), np.float64) for group in self.groups]
        )
        column.flags.writeable = False
        return column

    def as_mapping(self) -> dict[str, Any]:
        """A mapping that JSON can hold; infinities are None."""
        mapping = dataclasses.asdict(self)
        mapping["groups"] = [_finite(group) for group in mapping["groups"]]
        return _finite(mapping)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> ChipDescription:
        """The inverse of `as_mapping`; a wrong mapping raises ConfigurationError."""
        try:
            values = _infinite(mapping)
            values["groups"] = tuple(
                ParameterGroup(**_infinite(group)) for group in mapping["groups"]
            )
            if "rungs" in mapping:
                values["rungs"] = tuple(mapping["rungs"])
            if "features" in mapping:
                values["features"] = tuple(mapping["features"])
            if "telemetry" in mapping:
                values["telemetry"] = tuple(
                    TelemetryChannel(**channel) for channel in mapping["telemetry"]
                )
            return cls(**values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(f"not a chip description: {error}") from error


_UNBOUNDED = {"low": -math.inf, "high": math.inf, "input_low": -math.inf, "input_high": math.inf}


def _finite(mapping: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if key in _UNBOUNDED and math.isinf(value) else value
        for key, value in mapping.items()
    }


def _infinite(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _UNBOUNDED[key] if key in _UNBOUNDED and value is None else value
        for key, value in mapping.items()
    }
