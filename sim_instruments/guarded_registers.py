"""Registers of an emulated chip, and what keeps them safe and tells of them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription, Feature, TelemetryChannel
from mgd_lab.errors import ChipError
from sim_instruments.output_stage import OutputStage

Float64 = NDArray[np.float64]

FEATURES: tuple[Feature, ...] = ("limits", "output_switch", "watchdog", "samples_hash")


PRESENTATIONS = TelemetryChannel("presentations")
EXTREMES = (TelemetryChannel("parameter_lowest"), TelemetryChannel("parameter_highest"))


class GuardedRegisters:
    """θ in float64, limits, output switch, and the extremes that were ever held or presented.

    Args:
        description: the chip's; its telemetry says whether extremes are recorded.
        latency_seconds: how long an exchange takes.
    """

    def __init__(self, description: ChipDescription, latency_seconds: float) -> None:
        self._description = description
        self._latency = latency_seconds
        self._register = description.safe.copy()
        recorded = set(EXTREMES) <= set(description.telemetry)
        self._stage = OutputStage(description, record_extremes=recorded)

    def power_on(self) -> None:
        """As after a power failure: safe values, no limits; outputs off if ever switched."""
        self._stage.restart()
        self.write_parameters(self._description.safe)

    def write_parameters(self, values: Float64) -> None:
        """values (P,)."""
        self._wait()
        held = self._checked(values, self._register.shape, "parameters").astype(np.float64)
        self._stage.hold(held)
        self._keep(held)

    def read_parameters(self) -> Float64:
        """The register as last written, (P,)."""
        self._wait()
        return self._register.copy()

    def write_limits(self, low: Float64, high: Float64) -> None:
        """Lowest and highest θ + θ̃, (P,) each, that anything later may have."""
        for values in (low, high):
            self._checked(values, self._register.shape, "limits")
        self._stage.limit(low, high)

    def read_limits(self) -> tuple[Float64, Float64]:
        """What is kept, (P,) each."""
        return self._stage.limits

    def switch_outputs(self, on: bool) -> None:
        """While they are off registers can be written, and nothing can be measured."""
        self._stage.switch(on)

    def outputs_are_on(self) -> bool:
        """True before the switch is first used, too."""
        return self._stage.is_on

    def watch_host(self, seconds: float) -> None:
        """Nothing: a chip in the process ends with its host. A served one is watched over."""

    def read_telemetry(self) -> Float64:
        """Presentations since power-on; lowest and highest parameter since the chip was made."""
        readings = [float(self._stage.presentations)]
        if self._stage.extremes is not None:
            low, high = self.extremes()
            readings += [low.min(), high.max()]
        return np.array(readings)

    def extremes(self) -> tuple[Float64, Float64]:
        """Lowest and highest θ or θ + θ̃ that each parameter ever had, (P,) each.

        ChipError where they are not recorded.
        """
        if self._stage.extremes is None:
            raise ChipError(
                f"{self._description.name}: extremes are recorded where record_extremes says so"
            )
        return self._stage.extremes.read()

    def _make_safe(self) -> None:
        # Past the limits: none may stand in the way of the safe values.
        self._keep(self._description.safe.copy())
        if self._stage.extremes is not None:
            self._stage.extremes.add(self._register)
        if self._stage.was_switched:
            self._stage.switch(on=False)

    def _keep(self, values: Float64) -> None:
        """values (P,), which nobody changes any more, in the registers."""
        self._register = values

    def _checked(self, values: NDArray[Any], shape: tuple[int, ...], what: str) -> NDArray[Any]:
        if values.shape != shape:
            raise ChipError(
                f"{self._description.name}: {what} have shape {values.shape}, expected {shape}"
            )
        return values

    def _wait(self) -> None:
        if self._latency:
            time.sleep(self._latency)
