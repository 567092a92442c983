"""The way from any state of a chip to its safe one, rung by rung, and how far it was verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import Chip, ChipDescription, HoldsParameters, SwitchesOutputs, WatchesHost
from mgd_lab.controller.ramp import Ramp
from mgd_lab.errors import ChipError, LinkError, MgdLabError

Float64 = NDArray[np.float64]

_READ_BACK_TOLERANCE = 1e-6
"""Relative: a register that keeps float32 reads back within it."""

# The driver has repeated each exchange already: a link that failed so often is down.
_MOST_LINK_FAULTS = 2
# The driver repeats what the link spoiled; whatever else fails is tried once more here.
_ATTEMPTS = 2


@dataclass
class Descent:
    """What became of the rungs.

    Attributes:
        verified: what was read back and found to be as it should.
        unverified: each thing that is not known to be safe, and why.
        troubles: rungs that failed; they do not matter where the end was verified.
        cut_short: KeyboardInterrupt or the like that came in the middle; the rungs went on.
    """

    verified: dict[str, Any] = field(default_factory=dict[str, Any])
    unverified: list[str] = field(default_factory=list[str])
    troubles: list[str] = field(default_factory=list[str])
    cut_short: BaseException | None = None


class Ladder:
    """Ramps to the safe values, switches outputs off, reads both back, ends the watchdog.

    Each rung is tried, whatever became of those before it; but a link that is down is not waited
    for at every one of them. Where something could not be verified, the watchdog is left on: the
    chip goes safe by itself when it hears no more of its host.

    Args:
        chip: the open chip, behind the gate.
        description: with the limits and safe values that hold.
        ramp: no faster than the parameters may move.
        watched: whether the watchdog is to be ended.
    """

    def __init__(
        self, chip: Chip, description: ChipDescription, ramp: Ramp, *, watched: bool
    ) -> None:
        self._chip = chip
        self._description = description
        self._ramp = ramp
        self._watched = watched
        self._link_faults = 0
        self._found = Descent()

    def descend(self) -> Descent:
        """All rungs; what fails is told in what is returned."""
        chip, description, found = self._chip, self._description, self._found
        register = chip if isinstance(chip, HoldsParameters) else None
        switch = output_switch(chip, description)
        ramped = register is None or self._climbed(
            "ramping down", lambda: self._ramp_down(register)
        )
        if switch is not None:
            self._climbed("switching the outputs off", lambda: switch.switch_outputs(False))
        if register is not None:
            if not ramped:
                # A jump is better than a chip that is left where it is.
                self._climbed("writing safe values", lambda: register.write_parameters(self._safe))
            self._verify("parameters", lambda: self._parameters(register))
        if switch is not None:
            self._verify("outputs", lambda: _outputs(switch))
        if self._watched and isinstance(chip, WatchesHost) and not found.unverified:
            self._climbed("ending the watchdog", lambda: chip.watch_host(0.0))
        return found

    @property
    def _safe(self) -> Float64:
        return self._description.safe.copy()

    def _ramp_down(self, register: HoldsParameters) -> None:
        self._ramp.to(register, register.read_parameters(), self._safe)

    def _parameters(self, register: HoldsParameters) -> dict[str, Any]:
        description, safe = self._description, self._safe
        read = register.read_parameters()
        allowed = description.resolution + _READ_BACK_TOLERANCE * np.abs(safe)
        wrong = np.flatnonzero(~(np.abs(read - safe) <= allowed))
        if len(wrong):
            i = int(wrong[0])
            raise ChipError(
                f"{description.parameter_names[i]} reads {read[i]:g}; its safe value is "
                f"{safe[i]:g}" + (f" ({len(wrong)} parameters differ)" if len(wrong) > 1 else "")
            )
        return {"parameters": read}

    def _verify(self, what: str, read: Callable[[], dict[str, Any]]) -> None:
        found = self._found
        if not self._climbed(what, lambda: found.verified.update(read())):
            found.unverified.append(found.troubles.pop())

    def _climbed(self, what: str, rung: Callable[[], None]) -> bool:
        """Whether the rung was climbed; if not, the last of the troubles tells why."""
        trouble = "the link is down"
        for _ in range(_ATTEMPTS):
            if self._link_faults >= _MOST_LINK_FAULTS:
                break
            try:
                rung()
            except LinkError as error:
                self._link_faults += 1
                trouble = str(error)
                break
            # Whatever a driver raises, the next rung is tried.
            except Exception as error:  # noqa: BLE001
                trouble = told(error)
            except BaseException as error:  # noqa: BLE001 (raised again at the ladder's end)
                self._found.cut_short = error
                trouble = told(error)
            else:
                return True
        self._found.troubles.append(f"{what}: {trouble}")
        return False


def output_switch(chip: Chip, description: ChipDescription) -> SwitchesOutputs | None:
    """The chip, where it has an output switch and says so."""
    if "output_switch" in description.features and isinstance(chip, SwitchesOutputs):
        return chip
    return None


def told(error: BaseException) -> str:
    """An error in words; its kind too where it is none of ours."""
    if isinstance(error, MgdLabError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _outputs(switch: SwitchesOutputs) -> dict[str, Any]:
    if switch.outputs_are_on():
        # Whatever kept them on at the first attempt may have passed.
        switch.switch_outputs(False)
        if switch.outputs_are_on():
            raise ChipError("they are still on")
    return {"outputs_on": False}
