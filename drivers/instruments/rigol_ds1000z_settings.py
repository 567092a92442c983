"""Section of a Rigol DS1000Z or MSO1000Z oscilloscope in a chip file."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import Settings
from mgd_lab.experiment.instrument_settings import InstrumentSettings

ChannelName = Literal["1", "2", "3", "4"]

HORIZONTAL_DIVISIONS = 12


class ScopeInput(Settings):
    """One input of the oscilloscope; coupling is DC."""

    channel: ChannelName = Field(description='"1" to "4"')
    volts_per_division: float = Field(
        gt=0, description="of the 8 divisions of the screen; 1, 2 or 5 times a power of ten, in V"
    )
    offset_volts: float = Field(default=0.0, description="added to the input before it is shown")
    probe: float = Field(default=1.0, gt=0, description="attenuation of the probe")
    bandwidth_limit: bool = Field(default=False, description="20 MHz")


class RigolDS1000ZSettings(InstrumentSettings):
    """The oscilloscope as a meter: each reading is one acquisition, seen through a window."""

    model: str = Field(
        default="DS1054Z",
        pattern=r"^(DS|MSO)1\d\d4Z(-S)?( Plus)?$",
        description="as *IDN? names it: DS1054Z, DS1074Z, DS1104Z, MSO1074Z, …",
    )
    inputs: tuple[ScopeInput, ...] = Field(
        min_length=1, max_length=4, description="those that are read; the others are switched off"
    )
    seconds_per_division: float = Field(
        ge=5e-9, le=50, description="of 12 divisions; 1, 2 or 5 times a power of ten"
    )
    window_seconds: tuple[float, float] | None = Field(
        default=None,
        description="from and to, with the trigger at 0 in the middle of the screen; null: all of "
        "the screen",
    )
    take: Literal["mean", "integral"] = Field(
        default="mean", description="over the window: mean in V, integral in V s"
    )
    points: Literal["screen", "memory"] = Field(
        default="screen",
        description="screen: 1200; memory: 12000, shared by the inputs (6000 each of two, 3000 of "
        "three or four), which average more",
    )
    trigger: Literal["force", "line", "1", "2", "3", "4"] = Field(
        default="force",
        description="force: by command, as soon as it is ready; otherwise an edge of an input, or "
        "of the mains",
    )
    trigger_level_volts: float = Field(default=0.0, description="of the edge of an input")
    trigger_slope: Literal["positive", "negative"] = Field(
        default="positive", description="of the edge"
    )

    @property
    def window(self) -> tuple[float, float]:
        """From and to, in seconds from the trigger."""
        half = self.seconds_per_division * HORIZONTAL_DIVISIONS / 2
        return self.window_seconds or (-half, half)

    @model_validator(mode="after")
    def _have_what_the_instrument_has(self) -> Self:
        channels = [each.channel for each in self.inputs]
        for k, channel in enumerate(channels):
            if channel in channels[:k]:
                raise key_problem(f"input {channel} is named twice", "inputs", k, "channel")
        if self.trigger not in ("force", "line", *channels):
            raise key_problem(f"input {self.trigger} is not among inputs", "trigger")
        half = self.seconds_per_division * HORIZONTAL_DIVISIONS / 2
        first, last = self.window
        if not -half <= first < last <= half:
            raise key_problem(
                f"{first:g} to {last:g} s is no part of the screen, which shows {-half:g} to "
                f"{half:g} s",
                "window_seconds",
            )
        return self
