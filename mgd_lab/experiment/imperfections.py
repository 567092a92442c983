"""Keys of a chip file that say what is wrong with an emulated chip.

Formulas and sources are in docs/imperfections.md; every key that is left out is perfect.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import Settings

Deviation = Annotated[float, Field(ge=0)]
Bits = Annotated[int, Field(ge=1, le=24)]


class Kind(Settings):
    """One kind of imperfection; keys that say nothing are not written."""

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_given(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class CostNoise(Kind):
    """Added to every cost, in the cost's unit."""

    white: Deviation = Field(default=0.0, description="standard deviation, fresh a presentation")
    pink: Deviation = Field(default=0.0, description="standard deviation of 1/f noise, in all")
    pink_octaves: int = Field(
        default=20, ge=1, le=40, description="the band goes down to 2^-octaves a presentation"
    )


class ReadNoise(Kind):
    """Fresh at every presentation."""

    outputs: Deviation = Field(default=0.0, description="standard deviation, in an output's unit")
    parameters: Deviation = Field(
        default=0.0, description="standard deviation, in the parameters' unit"
    )


class Range(Kind):
    """What a converter can take or give."""

    low: float | None = Field(default=None, description="what lies below becomes this")
    high: float | None = Field(default=None, description="what lies above becomes this")
    bits: Bits | None = Field(default=None, description="2^bits values from low to high")

    @model_validator(mode="after")
    def _be_whole(self) -> Self:
        _check_edges(self.low, self.high)
        if self.bits is not None and (self.low is None or self.high is None):
            raise key_problem("bits divide the range from low to high; give both", "bits")
        return self


class Resolution(Kind):
    """What the chip's memory of a parameter, and its perturbation, can be."""

    step: float | None = Field(default=None, gt=0, description="between two values of θ")
    bits: Bits | None = Field(default=None, description="2^bits values of θ from low to high")
    low: float | None = Field(default=None, description="lowest value that can be held")
    high: float | None = Field(default=None, description="highest value that can be held")
    rounding: Literal["nearest", "stochastic"] = "nearest"
    perturbation_step: float | None = Field(
        default=None, gt=0, description="between two values of θ̃; analog unless given"
    )

    @model_validator(mode="after")
    def _be_whole(self) -> Self:
        _check_edges(self.low, self.high)
        if self.step is not None and self.bits is not None:
            raise key_problem("give step or bits, not both", "bits")
        if self.bits is not None and (self.low is None or self.high is None):
            raise key_problem("bits divide the range from low to high; give both", "bits")
        if self.rounding == "stochastic" and self.step is None and self.bits is None:
            raise key_problem("θ is analog: nothing is rounded; give step or bits", "rounding")
        return self


class Asymmetry(Kind):
    """Steps upwards and downwards that differ."""

    ratio: float = Field(default=1.0, gt=0, description="of a step upwards to one downwards")
    spread: Deviation = Field(
        default=0.0, description="standard deviation of its logarithm over the devices"
    )


class Saturation(Kind):
    """Soft bounds: steps shrink towards them."""

    low: float
    high: float

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        _check_edges(self.low, self.high)
        return self


class Stuck(Kind):
    """Parameters that never move, neither written nor perturbed."""

    fraction: float = Field(ge=0, le=1, description="of all parameters")
    at: float | tuple[float, ...] = Field(
        default=0.0, description="their value, or [low, high]: each anywhere in between"
    )

    @model_validator(mode="after")
    def _be_ordered(self) -> Self:
        if isinstance(self.at, tuple):
            if len(self.at) != 2:
                raise key_problem(f"expected a value or [low, high], got {list(self.at)}", "at")
            if not self.at[0] < self.at[1]:
                raise key_problem(f"low ({self.at[0]:g}) must be below high ({self.at[1]:g})", "at")
        return self


class Endurance(Kind):
    """Parameters that stick after so many changes."""

    writes: int = Field(ge=1, description="changes of a parameter that the median device lives")
    spread: Deviation = Field(
        default=0.0, description="standard deviation of its logarithm over the devices"
    )


class Drift(Kind):
    """A held value fades by a power of the time since it was written."""

    exponent: float = Field(ge=0, description="ν of (1 + t/t₀)^−ν")
    spread: Deviation = Field(default=0.0, description="standard deviation of ν over the devices")
    reference_presentations: float = Field(default=1.0, gt=0, description="t₀")


class Relaxation(Kind):
    """A part of every step is lost again."""

    fraction: float = Field(ge=0, le=1, description="of a step that decays")
    time_constant_presentations: float = Field(gt=0, description="of the decay")


class Settling(Kind):
    """Outputs that are read before they have settled."""

    time_constant_seconds: float = Field(gt=0, description="of the outputs")
    wait_seconds: float = Field(ge=0, description="from presenting to reading")


class Imperfections(Kind):
    """All that is wrong with a chip; any of them together."""

    cost_noise: CostNoise | None = None
    read_noise: ReadNoise | None = None
    writing: Literal["absolute", "increments"] = Field(
        default="absolute",
        description="absolute: the chip is set to the θ that is sent; increments: it moves by as "
        "much as that has changed, and errors add up",
    )
    update_noise: Deviation = Field(
        default=0.0,
        description="standard deviation at every write that changes a parameter, in its unit",
    )
    resolution: Resolution | None = None
    asymmetry: Asymmetry | None = None
    saturation: Saturation | None = None
    stuck: Stuck | None = None
    endurance: Endurance | None = None
    drift: Drift | None = None
    relaxation: Relaxation | None = None
    follow_presentations: int = Field(
        default=1, ge=1, description="drift and relaxation are followed in steps of so many"
    )
    crosstalk: float = Field(
        default=0.0,
        gt=-1,
        lt=1,
        description="part of its neighbours' deviation from the safe value that a parameter gets",
    )
    activation_variation: Deviation = Field(
        default=0.0, description="standard deviation of L, k, x0 and y0 of every neuron"
    )
    input: Range | None = None
    output: Range | None = None
    settling: Settling | None = None

    @property
    def has_history(self) -> bool:
        """Whether what it gives depends on what was written and presented before."""
        s = self
        parts = (s.cost_noise, s.read_noise, s.asymmetry, s.saturation, s.endurance)
        parts = (*parts, s.drift, s.relaxation, s.settling)
        is_stochastic = s.resolution is not None and s.resolution.rounding == "stochastic"
        return (
            s.writing == "increments"
            or s.update_noise > 0
            or is_stochastic
            or any(part is not None for part in parts)
        )


def _check_edges(low: float | None, high: float | None) -> None:
    if low is not None and high is not None and not low < high:
        raise key_problem(f"low ({low:g}) must be below high ({high:g})", "high")
