"""How parameters move: update rule, learning rate and its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem

_KEYS_OF_RULES: Mapping[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("momentum",),
    "adam": ("beta1", "beta2", "epsilon"),
}


class LearningRateSchedule(Alternatives):
    """The factor on the learning rate, as a function of the step."""

    kind: Literal["constant", "cosine", "linear", "exponential"] = Field(
        default="constant", description="shape of the decay"
    )
    steps: int | None = Field(
        default=None, ge=1, description="steps until the final factor is reached"
    )
    final_fraction: float = Field(
        default=0.0,
        ge=0,
        description="factor on the learning rate after `steps`; exponential needs one above 0",
    )

    def keys_without_meaning(self) -> Mapping[str, str]:
        """A constant learning rate has neither length nor end."""
        if self.kind != "constant":
            return {}
        return {
            key: f"{key} has no meaning for kind constant" for key in ("steps", "final_fraction")
        }

    @model_validator(mode="after")
    def _have_a_length_and_an_end(self) -> Self:
        if self.kind != "constant" and self.steps is None:
            raise key_problem(f"kind {self.kind} needs the number of steps it lasts", "steps")
        if self.kind == "exponential" and self.final_fraction == 0:
            raise key_problem(
                "kind exponential needs a factor above 0, reached after `steps`", "final_fraction"
            )
        return self


class Update(Alternatives):
    """The update rule and its numbers."""

    rule: Literal["sgd", "momentum", "adam"] = Field(default="sgd", description="update rule")
    learning_rate: float = Field(
        default=0.1,
        gt=0,
        description="η; its unit is (parameter unit)² / cost for sgd and momentum",
    )
    scale: Literal["integral", "mean"] = Field(
        default="integral",
        description="gradient handed to the rule: G (sum over the window) or G / N (its mean)",
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of rule momentum")
    beta1: float = Field(
        default=0.9, ge=0, lt=1, description="of rule adam: decay of the mean gradient"
    )
    beta2: float = Field(
        default=0.999, ge=0, lt=1, description="of rule adam: decay of the mean square"
    )
    epsilon: float = Field(
        default=1e-8, gt=0, description="of rule adam: added to the root mean square"
    )
    compensate: bool = Field(
        default=False,
        description="discrete, random codes: the gradient is divided by √(1 + (P − 1)/T), for P "
        "parameters and T = tau_theta / tau_p codes a window",
    )
    clamp: float | None = Field(
        default=None,
        gt=1,
        description="discrete: C̃ is limited to ± so many times the running mean of |C̃|; none "
        "where not given",
    )
    float_copy: bool = Field(
        default=True,
        description="the host keeps θ in float64 and rounds what it sends; false: it keeps what "
        "was sent",
    )
    rounding: Literal["nearest", "stochastic"] = Field(
        default="nearest", description="of θ to the chip's resolution"
    )
    schedule: LearningRateSchedule = Field(
        default_factory=LearningRateSchedule, description="how the learning rate falls"
    )

    def keys_without_meaning(self) -> Mapping[str, str]:
        """Keys of the other rules."""
        return {
            key: f"{key} belongs to rule {rule}, not to {self.rule}"
            for rule, keys in _KEYS_OF_RULES.items()
            if rule != self.rule
            for key in keys
        }

    @model_validator(mode="after")
    def _have_a_length_to_compensate(self) -> Self:
        if self.compensate and self.rule == "adam":
            raise key_problem(
                "compensate has no meaning for rule adam, which divides the gradient by its own "
                "root mean square; remove it",
                "compensate",
            )
        return self

    @property
    def host_only(self) -> tuple[str, ...]:
        """Keys that are in use, and that a chip which learns by itself does not know."""
        used = {
            "compensate": self.compensate,
            "clamp": self.clamp is not None,
            "float_copy": not self.float_copy,
            "rounding": self.rounding != "nearest",
        }
        return tuple(key for key, is_used in used.items() if is_used)
