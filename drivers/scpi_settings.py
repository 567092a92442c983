"""Chip files of the driver `scpi`."""

from __future__ import annotations

from pydantic import Field

from drivers.emulation_keys import EmulationKeys
from drivers.link_settings import IdentitySettings, RetrySettings
from drivers.supply_settings import SupplySettings
from mgd_lab.experiment.chip_settings import ChipSettings


class ScpiSettings(ChipSettings, SupplySettings, EmulationKeys):
    """A chip that speaks SCPI over VISA."""

    resource: str = Field(min_length=1, description="VISA resource name")
    timeout_seconds: float = Field(default=5.0, gt=0, le=86400, description="of one operation")
    identity: IdentitySettings = IdentitySettings()
    retries: RetrySettings = RetrySettings()
    watchdog_seconds: float | None = Field(
        default=None,
        ge=0.5,
        le=86400,
        description="silence of the host after which the chip makes itself safe; null for none",
    )
