"""Keys of chip files that drivers of numbered requests share."""

from __future__ import annotations

from pydantic import Field

from mgd_lab.experiment.chip_settings import Settings


class IdentitySettings(Settings):
    """Fields of the instrument's identity that must be as given; others may be anything."""

    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None


class RetrySettings(Settings):
    """What is done about a link that fails."""

    per_block: int = Field(
        default=3,
        ge=0,
        le=100,
        description="most times that one block is measured, or the opening tried, again",
    )
    backoff_seconds: float = Field(
        default=0.1,
        ge=0,
        le=60,
        description="wait before the first of them; it doubles each time, up to a minute",
    )
