"""When a run ends."""

from __future__ import annotations

from typing import Any, cast

from pydantic import Field, model_validator

from mgd_lab.experiment.chip_settings import Settings

DEFAULT_STEPS = 100_000


class Stop(Settings):
    """The first condition that is met ends the run; the last two are targets."""

    steps: int | None = Field(
        default=None,
        ge=1,
        description=f"steps; {DEFAULT_STEPS:,} where none of steps, probes, updates and seconds "
        "is given",
    )
    probes: int | None = Field(
        default=None, ge=1, description="training probes, baselines included"
    )
    updates: int | None = Field(default=None, ge=1, description="parameter updates")
    seconds: float | None = Field(default=None, gt=0, description="wall time, in seconds")
    cost_below: float | None = Field(
        default=None, gt=0, description="target: mean cost of an evaluation, in the cost's unit"
    )
    accuracy_at_least: float | None = Field(
        default=None, gt=0, le=1, description="target: accuracy of an evaluation, 0 to 1"
    )

    @model_validator(mode="before")
    @classmethod
    def _end_some_day(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = cast("dict[str, Any]", data)
        if any(given.get(limit) is not None for limit in ("steps", "probes", "updates", "seconds")):
            return given
        return {**given, "steps": DEFAULT_STEPS}
