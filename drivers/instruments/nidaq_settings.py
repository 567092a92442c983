"""Section of an NI multifunction device in a chip file."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import Settings
from mgd_lab.experiment.instrument_settings import InstrumentSettings


class AnalogOutput(Settings):
    """One analog output."""

    channel: str = Field(pattern=r"^ao\d+$", description="ao0, ao1, …")
    low: float = Field(default=-10.0, ge=-10, le=10, description="lowest level, in V")
    high: float = Field(default=10.0, ge=-10, le=10, description="highest level, in V")


class AnalogInput(Settings):
    """One analog input."""

    channel: str = Field(pattern=r"^ai\d+$", description="ai0, ai1, …")
    low: float = Field(
        default=-10.0, ge=-10, le=10, description="the device takes the range that holds low and "
        "high; a reading beyond them, in V, ends the run",
    )  # fmt: skip
    high: float = Field(default=10.0, ge=-10, le=10, description="see low")
    terminals: Literal["default", "rse", "nrse", "differential", "pseudodifferential"] = Field(
        default="default", description="how the input is referred to ground"
    )


class NidaqSettings(InstrumentSettings):
    """`resource` is the device's name in NI MAX, such as Dev1."""

    resource: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", description="name of the device in NI-DAQmx: Dev1"
    )
    outputs: tuple[AnalogOutput, ...] = Field(default=(), description="those of the chip")
    inputs: tuple[AnalogInput, ...] = Field(default=(), description="those of the chip")
    sample_rate_hertz: float = Field(
        default=10_000.0, gt=0, description="of each input, where the device samples by itself"
    )
    samples_per_reading: int = Field(
        default=10, ge=2, le=1_000_000,
        description="averaged in a reading of software timing; a trigger takes one sample",
    )  # fmt: skip
    shortest_step_seconds: float = Field(
        default=1e-4, gt=0, le=3600, description="of a list: no less than the device's rates allow"
    )
    trigger_terminal: str = Field(
        default="PFI0", pattern=r"^\w+$",
        description="where triggers come in that step lists and take readings",
    )  # fmt: skip
    marker_terminal: str | None = Field(
        default=None, pattern=r"^\w+$", description="where a list gives a pulse at each step"
    )
    readback: Literal["internal", "none"] = Field(
        default="internal",
        description="internal: outputs are read through the device's own inputs (_ao0_vs_aognd); "
        "none: what was written last is believed, and nothing verifies it",
    )
    readback_tolerance_volts: float = Field(
        default=0.01, gt=0, le=1, description="an output that reads so near its level is at it"
    )

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        if not self.outputs and not self.inputs:
            raise key_problem("neither outputs nor inputs are named", "outputs")
        for key in ("outputs", "inputs"):
            found: list[AnalogOutput | AnalogInput] = list(getattr(self, key))
            names = [each.channel for each in found]
            for k, each in enumerate(found):
                if each.channel in names[:k]:
                    raise key_problem(f"{each.channel} is named twice", key, k, "channel")
                if not each.low < each.high:
                    problem = f"low ({each.low:g}) must be below high ({each.high:g})"
                    raise key_problem(problem, key, k, "low")
        for k, each in enumerate(self.outputs):
            if not each.low <= 0 <= each.high:
                raise key_problem("0 V, which is off, must lie between low and high", "outputs", k)
        return self
