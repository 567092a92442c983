"""What is measured and kept beside the training itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mgd_lab.experiment.chip_settings import Settings


class Evaluate(Settings):
    """Evaluations: costs without a perturbation, which disturb nothing."""

    every_steps: int | None = Field(
        default=None,
        ge=1,
        description="at the first update at or after so many steps; null chooses an interval that "
        "keeps evaluation probes below a tenth of training",
    )
    split: Literal["train", "validation", "test"] = Field(
        default="train", description="samples used"
    )
    samples: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        default="all", description="how many samples of the split, or all"
    )


class Logging(Settings):
    """What the run's log keeps."""

    costs: Literal["all", "window_mean", "none"] = Field(
        default="all", description="every cost, their mean a window, or none"
    )
    parameters_every_updates: int | None = Field(
        default=None, ge=1, description="updates between parameter snapshots; null chooses"
    )
    checkpoint_every_seconds: float = Field(
        default=1.0, gt=0, description="seconds between checkpoints: what a crash can cost"
    )
    telemetry_every_seconds: float = Field(
        default=10.0, gt=0, description="seconds between telemetry records"
    )
