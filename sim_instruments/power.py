"""What happens to a chip when the device that it is in restarts, or has lost its host."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mgd_lab.chip import Chip, HoldsParameters, SwitchesOutputs


@runtime_checkable
class Restarts(Protocol):
    """A chip that knows what it is like after a power failure."""

    def power_on(self) -> None:
        """Safe values, and nothing remembered."""
        ...


def restart(chip: Chip) -> None:
    """As after a power failure; a chip that does not know how gets its safe values."""
    if isinstance(chip, Restarts):
        chip.power_on()
    elif isinstance(chip, HoldsParameters):
        chip.write_parameters(chip.description.safe)


def abandon(chip: Chip) -> None:
    """The host is lost: safe values, outputs off where the chip has a switch."""
    restart(chip)
    if isinstance(chip, SwitchesOutputs):
        chip.switch_outputs(on=False)
