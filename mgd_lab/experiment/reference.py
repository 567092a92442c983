"""The reference section of an experiment file: backpropagation on the same network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from mgd_lab.experiment.alternatives import Alternatives

_KEYS_OF_RULES: Mapping[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("momentum",),
    "adam": ("beta1", "beta2", "epsilon"),
}


class Reference(Alternatives):
    """How `mgd-lab reference` trains; a step of it is one update by the mean over a batch."""

    epochs: float | None = Field(
        default=None,
        gt=0,
        description="passes over the training split; null, where steps is null too, takes 20, and "
        "so many that there are 2,000 updates where the split is small",
    )
    steps: int | None = Field(
        default=None, ge=1, description="updates; the first of epochs and steps ends the training"
    )
    batch_size: int | None = Field(
        default=None,
        ge=1,
        description="samples an update; null takes 64, or all where the split has fewer",
    )
    rule: Literal["sgd", "momentum", "adam"] = Field(default="adam", description="update rule")
    learning_rate: float = Field(
        default=1e-3, gt=0, description="η of the mean gradient over a batch"
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
    evaluate_every_steps: int | None = Field(
        default=None,
        ge=1,
        description="updates between evaluations; null takes an epoch, or a 200th of the training "
        "where that is more",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto takes a GPU where PyTorch finds one"
    )
    precision: Literal["float32", "float64"] = Field(
        default="float32", description="of parameters and arithmetic"
    )
    threads: int | None = Field(
        default=None, ge=1, description="of the processor; null leaves it to PyTorch"
    )

    def keys_without_meaning(self) -> Mapping[str, str]:
        """Keys of the other rules."""
        return {
            key: f"{key} belongs to rule {rule}, not to {self.rule}"
            for rule, keys in _KEYS_OF_RULES.items()
            if rule != self.rule
            for key in keys
        }
