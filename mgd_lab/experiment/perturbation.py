"""How parameters are perturbed, and how often things change."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from mgd_lab.experiment.chip_settings import Settings

_Amplitude = Annotated[float, Field(gt=0)]


def _form_of_amplitude(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return "list"
    if isinstance(value, dict):
        return "groups"
    return "number" if isinstance(value, int | float) else None


Amplitude = Annotated[
    Annotated[_Amplitude, Tag("number")]
    | Annotated[tuple[_Amplitude, ...], Field(min_length=1), Tag("list")]
    | Annotated[dict[str, _Amplitude], Field(min_length=1), Tag("groups")],
    Discriminator(
        _form_of_amplitude,
        custom_error_type="expected",
        custom_error_message="a number, a list of numbers, or a mapping {group: number}",
    ),
]


class Perturbation(Settings):
    """What is perturbed, by which code, and how far."""

    target: Literal["parameters", "nodes"] = Field(
        default="parameters",
        description="parameters: θ itself; nodes: the pre-activation of every node, on chips that "
        "can perturb nodes and report what enters each layer",
    )
    kind: Literal["sequential", "random", "walsh", "sinusoidal"] = Field(
        default="random", description="the code"
    )
    amplitude: Amplitude = Field(
        default=0.05,
        description="Δθ in the parameters' unit, above 0: one number, a list with one for each "
        "parameter, or a mapping from parameter group to number; with target nodes, in the "
        "pre-activations' unit: one number, or a list with one for each layer with parameters",
    )


class TimeConstants(Settings):
    """Times between changes, in steps."""

    tau_p: int = Field(default=1, ge=1, description="steps between new perturbations")
    tau_x: int = Field(
        default=1, ge=1, description="steps between new samples; analog needs at least 2"
    )
    tau_theta: int | float = Field(
        default=1,
        ge=0,
        description="discrete: steps between parameter updates, a whole number from 1; "
        "analog: time constant of the gradient's low-pass, in steps, from 0",
    )
    tau_hp: float | None = Field(
        default=None,
        gt=0,
        description="analog only: time constant of the cost's high-pass, in steps",
    )


class Samples(Settings):
    """How samples are drawn from the training split."""

    order: Literal["shuffled", "random", "cyclic"] = Field(
        default="shuffled",
        description="shuffled: every sample once an epoch; random: with replacement; "
        "cyclic: in a fixed order",
    )
