"""Chip files of the driver `scpi`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from drivers.link_settings import IdentitySettings, RetrySettings
from mgd_lab.experiment.chip_settings import ChipSettings, Settings
from mgd_lab.experiment.emulation import (
    DeviceChoice,
    EngineChoice,
    NetworkSettings,
    Precision,
)
from mgd_lab.experiment.imperfections import Imperfections

_EMULATION = (
    "network",
    "precision",
    "engine",
    "device",
    "probes_together",
    "imperfections",
    "seed",
    "latency_seconds",
    "record_extremes",
)
_SIMULATION_LIBRARY = "@sim"


class SimulatedSettings(Settings):
    """The simulated instrument that stands behind pyvisa-sim."""

    instrument: str = Field(description="entry point of the group mgd_lab.simulated_instruments")
    resource: str | None = Field(
        default=None, description="where it answers; the chip's resource unless given"
    )


class ScpiSettings(ChipSettings):
    """A chip that speaks SCPI over VISA."""

    resource: str = Field(min_length=1, description="VISA resource name")
    visa_library: str = Field(
        default="@py", description="VISA library: @py, @sim, @ivi, or the path of one"
    )
    timeout_seconds: float = Field(default=5.0, gt=0, le=86400, description="of one operation")
    identity: IdentitySettings = IdentitySettings()
    retries: RetrySettings = RetrySettings()
    watchdog_seconds: float | None = Field(
        default=None,
        ge=0.5,
        le=86400,
        description="silence of the host after which the chip makes itself safe; null for none",
    )
    simulated: SimulatedSettings | None = None
    network: NetworkSettings | None = Field(default=None, description="what is emulated")
    precision: Precision = Field(default="float64", description="of the emulated chip")
    engine: EngineChoice = Field(default="auto", description="what computes the emulated chip")
    device: DeviceChoice = Field(default="auto", description="of the engine torch")
    probes_together: int | None = Field(
        default=None, ge=1, description="of the engine torch: how many it computes together"
    )
    imperfections: Imperfections | None = Field(
        default=None, description="what is wrong with the emulated chip"
    )
    seed: int = Field(default=0, ge=0, lt=2**64, description="of the emulated chip's randomness")
    latency_seconds: float = Field(
        default=0.0, ge=0, description="added to every exchange by the emulated chip"
    )
    record_extremes: bool = Field(
        default=False, description="the emulated chip keeps the extremes of every parameter"
    )

    @model_validator(mode="after")
    def _simulation_is_whole(self) -> Self:
        if self.simulated is not None and self.visa_library != _SIMULATION_LIBRARY:
            raise ValueError(
                f'simulated goes with visa_library: "{_SIMULATION_LIBRARY}"; '
                f"found {self.visa_library!r}"
            )
        # A resolved file spells defaults out.
        stray = [
            key for key in _EMULATION if getattr(self, key) != type(self).model_fields[key].default
        ]
        if self.simulated is None and stray:
            raise ValueError(
                f"{', '.join(stray)} say what is emulated and need simulated: "
                "{instrument: scpi_chip}; a real chip tells its own"
            )
        return self
