"""The rungs upwards: limits, registers, outputs, watchdog, ramp to the start; each is verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.ladder import output_switch
from mgd_lab.chip import Chip, ChipDescription, HoldsLimits, HoldsParameters, WatchesHost
from mgd_lab.controller.ramp import Ramp
from mgd_lab.errors import CapabilityError, ChipError

Float64 = NDArray[np.float64]


class Energiser:
    """Takes a chip from wherever it is found to where training goes on.

    Args:
        chip: the open chip, behind the gate.
        description: with the limits that hold.
        ramp: no faster than the parameters may move.
        go_on: called before every rung and every step of the ramp; raises where it should end.
    """

    def __init__(
        self, chip: Chip, description: ChipDescription, ramp: Ramp, go_on: Callable[[], None]
    ) -> None:
        self._chip = chip
        self._description = description
        self._ramp = ramp
        self._go_on = go_on

    def set_limits(self) -> dict[str, Any]:
        """The chip's own limits become those that hold; as read back, group by group."""
        chip, description = self._chip, self._description
        if "limits" not in description.features or not isinstance(chip, HoldsLimits):
            return {}
        self._go_on()
        chip.write_limits(description.low.copy(), description.high.copy())
        low, high = chip.read_limits()
        _compare(description, "low", description.low, low)
        _compare(description, "high", description.high, high)
        limits = {"low": _by_group(description, low), "high": _by_group(description, high)}
        return {"limits": limits}

    def switch_on(self) -> dict[str, Any]:
        """Outputs on, at the values that the registers hold; what was found there.

        Registers are written as they were read, so that nothing jumps when it reaches the chip.
        """
        chip, description = self._chip, self._description
        details: dict[str, Any] = {}
        if isinstance(chip, HoldsParameters):
            self._go_on()
            found = self._read(chip)
            # Values beyond the limits are not sent, not even back to where they were found.
            inside = np.clip(found, description.low, description.high)
            outside = np.flatnonzero(found != inside)
            details["parameters"] = found
            details["found_outside"] = [description.parameter_names[int(i)] for i in outside]
            chip.write_parameters(inside)
        switch = output_switch(chip, description)
        if switch is not None:
            self._go_on()
            details["outputs_found_on"] = switch.outputs_are_on()
            switch.switch_outputs(True)
            if not switch.outputs_are_on():
                raise ChipError(
                    f"chip {description.name!r}: its outputs were switched on and read back as "
                    "off. Check its interlock and its supply"
                )
        return details

    def watch(self, seconds: float) -> dict[str, Any]:
        """The chip's watchdog, on; CapabilityError where it has none."""
        self._go_on()
        watchdog(self._chip, self._description).watch_host(seconds)
        return {"watchdog_seconds": seconds}

    def ramp_to(self, theta: Float64) -> None:
        """From what the registers hold to θ (P,)."""
        chip = self._chip
        if isinstance(chip, HoldsParameters):
            self._go_on()
            self._ramp.to(_Attentive(chip, self._go_on), self._read(chip), theta)

    def _read(self, chip: HoldsParameters) -> Float64:
        description, found = self._description, chip.read_parameters()
        wrong = np.flatnonzero(~np.isfinite(found))
        if found.shape == (description.parameters,) and not len(wrong):
            return found
        what = (
            f"{description.parameter_names[int(wrong[0])]} reads {found[wrong[0]]}"
            if len(wrong)
            else f"{found.shape} values were read"
        )
        raise ChipError(
            f"chip {description.name!r}: its parameters cannot be read back ({what}); it was not "
            "energised. Check its supply and its readback"
        )


class _Attentive:
    """Registers that are written only while nobody asks to stop."""

    def __init__(self, registers: HoldsParameters, go_on: Callable[[], None]) -> None:
        self._registers = registers
        self._go_on = go_on

    def write_parameters(self, values: Float64) -> None:
        self._go_on()
        self._registers.write_parameters(values)

    def read_parameters(self) -> Float64:
        return self._registers.read_parameters()


def watchdog(chip: Chip, description: ChipDescription) -> WatchesHost:
    """The chip, where it has a watchdog and says so; otherwise CapabilityError."""
    if "watchdog" in description.features and isinstance(chip, WatchesHost):
        return chip
    raise CapabilityError(
        f"chip.watchdog_seconds: chip {description.name!r} has no watchdog. Remove the key: the "
        "chip would then keep its outputs on if this computer died"
    )


def _compare(description: ChipDescription, side: str, wanted: Float64, read: Float64) -> None:
    if read.shape != wanted.shape:
        raise ChipError(
            f"chip {description.name!r} reads back {side} limits of shape {read.shape}; it has "
            f"{description.parameters} parameters"
        )
    with np.errstate(invalid="ignore"):
        near = np.abs(read - wanted) <= description.resolution
    wrong = np.flatnonzero(~((read == wanted) | near))
    if len(wrong):
        i = int(wrong[0])
        more = f" ({len(wrong)} parameters differ)" if len(wrong) > 1 else ""
        raise ChipError(
            f"chip {description.name!r}, parameter {description.parameter_names[i]}: its {side} "
            f"limit was set to {float(wanted[i])!r} and reads back as {float(read[i])!r}{more}. "
            "Nothing was energised; give limits that the chip can hold"
        )


def _by_group(description: ChipDescription, values: Float64) -> dict[str, Any]:
    """Group → its value where all its parameters share one, or a list."""
    edges = np.cumsum([group.count for group in description.groups])[:-1]
    parts = zip(description.groups, np.split(values, edges), strict=True)
    return {
        group.name: part[0] if (part == part[0]).all() else part.tolist() for group, part in parts
    }
