"""What every chip file may say; a driver's settings are a subclass with its own keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mgd_lab.chip import Chip, Rung


class Settings(BaseModel):
    """Frozen, and strict about keys: one that is not known is an error.

    Files are validated strictly (no number from quoted text, no 1 from true), through JSON. A
    model with nested models should check itself by `mode="after"` validators: a "before" one
    would hand its values on as Python objects, for which strict means something else.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True, strict=False
    )


def _check_order(low: float | None, high: float | None) -> None:
    if low is not None and high is not None and not low < high:
        raise ValueError(f"low ({low:g}) must be below high ({high:g})")


class ParameterLimits(Settings):
    """Limits of parameters, in the parameters' own unit; they narrow what the chip declares."""

    low: float | None = Field(default=None, description="lowest permitted θ + θ̃")
    high: float | None = Field(default=None, description="highest permitted θ + θ̃")
    safe: float | None = Field(default=None, description="value at which a parameter is left")
    resolution: float | None = Field(default=None, ge=0, description="step of θ; 0 is analog")
    perturbation_resolution: float | None = Field(
        default=None, ge=0, description="step of θ̃; 0 is analog"
    )
    slew_per_second: float | None = Field(
        default=None, gt=0, description="fastest permitted change, in units a second"
    )
    writes_budget: int | None = Field(
        default=None, ge=1, description="how often a parameter may be written in a run"
    )

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        _check_order(self.low, self.high)
        for edge, beyond in (("low", -1.0), ("high", 1.0)):
            limit = getattr(self, edge)
            if self.safe is not None and limit is not None and beyond * (self.safe - limit) > 0:
                raise ValueError(f"the safe value {self.safe:g} lies beyond {edge} ({limit:g})")
        return self


class InputLimits(Settings):
    """Range of every input, in the input's unit."""

    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        _check_order(self.low, self.high)
        return self


class Limits(Settings):
    """The envelope that nothing may leave."""

    parameters: ParameterLimits = ParameterLimits()
    groups: dict[str, ParameterLimits] = Field(
        default_factory=dict, description="limits of one parameter group; they win"
    )
    inputs: InputLimits = InputLimits()
    on_update: Literal["refuse", "project"] = Field(
        default="refuse", description="what happens to an update that would leave the limits"
    )


class ChipSettings(Settings):
    """The keys that every driver shares."""

    driver: str = Field(description="entry point of the group mgd_lab.chips")
    name: str = Field(default="", description="what messages call the chip")
    rung: Rung | Literal["auto"] = Field(
        default="auto", description="what crosses the wire a probe"
    )
    max_block_probes: int | None = Field(
        default=None, ge=1, description="most probes in one request"
    )
    limits: Limits = Limits()
    watchdog_seconds: float | None = Field(
        default=None,
        ge=0.5,
        le=86400,
        description="silence of the host after which the chip goes to its safe values by itself",
    )


SettingsT = TypeVar("SettingsT", bound=ChipSettings)


@dataclass(frozen=True)
class ChipDriver(Generic[SettingsT]):
    """What an entry point of the group `mgd_lab.chips` names.

    Attributes:
        settings: the model of the driver's chip files.
        build: settings and VISA library → chip, without I/O. The library is what
            `pyvisa.ResourceManager` takes: a name such as "@py", or a library object; drivers
            that need no VISA ignore it.
    """

    settings: type[SettingsT]
    build: Callable[[SettingsT, Any], Chip]
