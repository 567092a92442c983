"""Keys of chip files that say what is emulated behind the link, where nothing real is."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from drivers.bench.channel_checks import check_loads, unconnected
from mgd_lab.experiment.bench_simulation import LOADS, Loads
from mgd_lab.experiment.chip_settings import Settings
from mgd_lab.experiment.emulation import (
    DeviceChoice,
    EngineChoice,
    NetworkSettings,
    Precision,
)
from mgd_lab.experiment.imperfections import Imperfections

_SIMULATION_LIBRARY = "@sim"


class SimulatedSettings(Settings):
    """The simulation that answers in place of the chip, and of the instruments that feed it."""

    instrument: str = Field(
        description="entry point of the group mgd_lab.simulated_instruments, or of "
        "mgd_lab.simulated_boards where the chip is behind a serial port"
    )
    resource: str | None = Field(
        default=None, description="where it answers; the chip's resource unless given"
    )
    loads: Loads = LOADS
    noise: float = Field(
        default=1.0, ge=0, description="factor on the noise of instruments that feed the chip"
    )


class EmulationKeys(Settings):
    """What is emulated by a chip that is simulated, or served by `mgd-lab emulate`."""

    visa_library: str = Field(
        default="@py", description="VISA library: @py, @sim, @ivi, or the path of one"
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
        fields = EmulationKeys.model_fields
        stray = [
            key
            for key in fields
            if key not in ("visa_library", "simulated")
            and getattr(self, key) != fields[key].default
        ]
        if self.simulated is None and stray:
            raise ValueError(
                f"{', '.join(stray)} say what is emulated and need simulated: "
                "{instrument: scpi_chip} (frames_chip behind a serial port); a real chip tells its "
                "own"
            )
        return self

    @model_validator(mode="after")
    def _load_what_there_is(self) -> Self:
        if self.simulated is not None and self.simulated.loads:
            sections: Any = getattr(self, "instruments", {})
            check_loads(unconnected(sections), self.simulated.loads, "simulated", "loads")
        return self
