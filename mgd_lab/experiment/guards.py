"""What is watched while a run goes on, and what happens when something leaves its bounds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import Settings

Action = Literal["stop", "pause"]


def _check_order(low: float | None, high: float | None) -> None:
    if low is not None and high is not None and not low < high:
        raise key_problem(f"expected a value above low ({low:g}), got {high:g}", "high")


class CostBounds(Settings):
    """Costs that are no measurement; NaN, infinities and overflow values never are one."""

    low: float | None = Field(default=None, description="lowest cost that is possible")
    high: float | None = Field(default=None, description="highest cost that is possible")
    rails: tuple[float, ...] = Field(
        default=(), description="costs that mean that an instrument is at its rail"
    )
    stuck_probes: Annotated[int, Field(ge=2)] | None = Field(
        default=10_000,
        description="so many neighbouring probes with the very same cost are too many; "
        "null for any number",
    )
    action: Action = Field(default="stop", description="end the run, resumable, or pause it")

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        _check_order(self.low, self.high)
        return self


class TelemetryWindow(Settings):
    """The window of one telemetry channel, in the channel's unit."""

    low: float | None = Field(default=None, description="lowest permitted reading")
    high: float | None = Field(default=None, description="highest permitted reading")
    action: Action = Field(default="stop", description="end the run, resumable, or pause it")

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        if self.low is None and self.high is None:
            raise key_problem("expected low, high or both; a window without edges guards nothing")
        _check_order(self.low, self.high)
        return self


class RetriesBound(Settings):
    """Recoveries of the link from faults."""

    most: int | None = Field(
        default=None, ge=1, description="most recoveries in the time; null for any number"
    )
    within_seconds: float = Field(default=600.0, gt=0, description="the time, in seconds")
    action: Action = Field(default="stop", description="end the run, resumable, or pause it")


class DiskBound(Settings):
    """Space on the file system of the run's folder."""

    free_bytes: int = Field(
        default=1_000_000, ge=0, description="least free space, in bytes; 0 for none"
    )
    action: Action = Field(default="stop", description="end the run, resumable, or pause it")


class HostSleptBound(Settings):
    """The host was suspended, or this process stopped, and the chip left alone."""

    seconds: float | None = Field(
        default=30.0, gt=0, description="longest absence, in seconds; null for any"
    )
    action: Literal["stop", "pause", "continue"] = Field(
        default="stop", description="end the run, resumable, or pause it, or only log it"
    )


class PauseRule(Settings):
    """What a pause does."""

    chip: Literal["hold", "safe"] = Field(
        default="hold", description="keep the parameters, or go to the safe values, outputs off"
    )
    longest_seconds: float | None = Field(
        default=None, gt=0, description="the run ends, resumable, after so long; null waits on"
    )


class Guards(Settings):
    """Each guard stops the run, so that it can be resumed, or pauses it in place."""

    cost: CostBounds = Field(
        default_factory=CostBounds, description="costs as the chip returns them"
    )
    telemetry: dict[str, TelemetryWindow] = Field(
        default_factory=dict, description="windows of telemetry channels, by channel"
    )
    retries: RetriesBound = Field(default_factory=RetriesBound, description="faults of the link")
    disk: DiskBound = Field(default_factory=DiskBound, description="space for the run's log")
    host_slept: HostSleptBound = Field(
        default_factory=HostSleptBound, description="the host was suspended or stopped"
    )
    pause: PauseRule = Field(default_factory=PauseRule, description="what a pause does")
