"""Chip files of the driver `serial`."""

from __future__ import annotations

from pydantic import Field

from drivers.emulation_keys import EmulationKeys
from drivers.link_settings import IdentitySettings, RetrySettings
from drivers.supply_settings import SupplySettings
from mgd_lab.experiment.chip_settings import ChipSettings


class SerialSettings(ChipSettings, SupplySettings, EmulationKeys):
    """A chip on a board that speaks frames over a serial line."""

    port: str = Field(min_length=1, description="serial port, for example /dev/serial/by-id/usb-…")
    baud_rate: int = Field(default=115200, ge=50, le=100_000_000, description="bits a second")
    visa_library: str = Field(
        default="@py",
        description="VISA library of the instruments beside the board: @py, @ivi, or the path of "
        "one; @sim: they and the board are simulated",
    )
    timeout_seconds: float = Field(
        default=5.0,
        gt=0,
        le=86400,
        description="longest silence of the board, and longest wait of a write",
    )
    identity: IdentitySettings = IdentitySettings()
    retries: RetrySettings = RetrySettings()
    watchdog_seconds: float | None = Field(
        default=None,
        ge=0.5,
        le=86400,
        description="silence of the host after which the chip makes itself safe; null for none",
    )
