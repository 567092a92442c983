"""Energises a chip in a fixed order, and makes it safe whatever happens afterwards."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.energising import Energiser, watchdog
from mgd_lab.bench.interruption import Interrupt
from mgd_lab.bench.ladder import Descent, Ladder, told
from mgd_lab.controller.gate_chip import GatedChip
from mgd_lab.controller.ramp import Ramp
from mgd_lab.errors import (
    NOT_VERIFIED,
    MgdLabError,
    RunStoreError,
    StoppedError,
    UnverifiedError,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

Tell = Callable[[str, str, Mapping[str, Any]], None]
"""Keeps an event: its kind, what happened, details."""


@dataclass(frozen=True)
class Arming:
    """How a chip is armed and made safe again.

    Attributes:
        interrupt: what stops it between two rungs, and waits while the chip is made safe.
        tell: keeps what happened.
        start: θ (P,) to which the parameters go from where they are; None leaves them there.
        watchdog_seconds: silence of the host after which the chip goes safe; None for no watchdog.
        ramp: no faster than the parameters may move; by the description's slew where None.
    """

    interrupt: Interrupt
    tell: Tell
    start: Float64 | None = None
    watchdog_seconds: float | None = None
    ramp: Ramp | None = None


class ArmedChip:
    """A chip that is energised; it may be made safe for a while, and energised again."""

    def __init__(self, chip: GatedChip, arming: Arming) -> None:
        self._chip = chip
        self._arming = arming
        self._description = chip.envelope.description
        self._ramp = arming.ramp or Ramp(self._description.slew_per_second)
        self._energiser = Energiser(chip, self._description, self._ramp, self._go_on)

    @property
    def chip(self) -> GatedChip:
        """The chip, behind its gate."""
        return self._chip

    def make_safe(self) -> None:
        """Safe values, outputs off, read back; the watchdog stays. UnverifiedError: perhaps not."""
        with self._arming.interrupt.shield():
            self._leave(self._descend(watched=False), None)

    def energise(self, theta: Float32) -> None:
        """Outputs on, and parameters from where they are to θ as sent (P,)."""
        with self._arming.interrupt.shield():
            details = self._energiser.switch_on()
            self._energiser.ramp_to(theta.astype(np.float64))
            self._arming.tell("energised", "outputs on, parameters where they were", details)

    def arm(self) -> None:
        """All rungs upwards."""
        arming, energiser = self._arming, self._energiser
        details = {"identity": dict(self._chip.identity), **energiser.set_limits()}
        details |= energiser.switch_on()
        if arming.watchdog_seconds is not None:
            details |= energiser.watch(arming.watchdog_seconds)
        if arming.start is not None:
            energiser.ramp_to(arming.start)
        self._go_on()
        arming.tell("armed", _found(details), details)

    def disarm(self, error: BaseException | None) -> None:
        """All rungs downwards, after `error`; raises where the chip's state matters more."""
        self._leave(self._descend(watched=self._arming.watchdog_seconds is not None), error)

    def _descend(self, *, watched: bool) -> Descent:
        ladder = Ladder(self._chip, self._description, self._ramp, watched=watched)
        # Neither a spent budget nor a chip that cannot be read keeps it from its safe values.
        with self._chip.making_safe():
            return ladder.descend()

    def _go_on(self) -> None:
        if self._arming.interrupt.event.is_set():
            raise StoppedError(
                f"stopped on request while chip {self._description.name!r} was energised"
            )

    def _leave(self, descent: Descent, error: BaseException | None) -> None:
        """Tells what became of the chip."""
        if descent.unverified:
            failure = UnverifiedError(self._unverified(descent))
            self._tell("not_made_safe", str(failure), descent, error)
            if isinstance(error, MgdLabError) and error.exit_code == failure.exit_code:
                error.add_note(str(failure))
                return
            if error is not None:
                failure.add_note(f"It came to that after: {told(error)}")
            raise failure from error or descent.cut_short
        self._tell("made_safe", _verified(descent), descent, error)
        if descent.cut_short is not None and error is None:
            raise descent.cut_short

    def _tell(self, kind: str, message: str, descent: Descent, error: BaseException | None) -> None:
        details = {
            **descent.verified,
            "unverified": descent.unverified,
            "troubles": descent.troubles,
            "reason": "" if error is None else told(error),
        }
        try:
            self._arming.tell(kind, message, details)
        except RunStoreError as failure:
            if error is None and not descent.unverified:
                raise
            if error is not None and failure is not error:
                error.add_note(f"The run's log could not be told either: {failure}")

    def _unverified(self, descent: Descent) -> str:
        reasons = "; ".join([*descent.unverified, *descent.troubles])
        text = (
            f"chip {self._description.name!r} {NOT_VERIFIED}: {reasons}. Check the chip by "
            "hand before leaving it alone"
        )
        seconds = self._arming.watchdog_seconds
        if seconds is None:
            return text
        return f"{text}; its watchdog, left on, should make it safe after {seconds:g} s of silence"


@contextmanager
def armed(chip: GatedChip, arming: Arming) -> Generator[ArmedChip]:
    """The open chip energised while the block runs, and safe afterwards.

    Order: limits set and read back; parameters read, and written as they are, so that nothing
    jumps when the outputs are switched on; outputs; watchdog; ramp to `start`. On the way out,
    whatever the cause, the `Ladder`. Signals are shielded off all the while; what a second Ctrl-C
    may end stands inside in `arming.interrupt.at_once`.

    Raises:
        CapabilityError: a watchdog is asked for and the chip has none; nothing was sent.
        ChipError: it could not be armed.
        UnverifiedError: it could not be verified to be safe afterwards. Errors of chip and disk
            that end the block are raised instead, with a note that says so.
        StoppedError: it was interrupted while it was armed.
    """
    if arming.watchdog_seconds is not None:
        watchdog(chip, chip.envelope.description)
    error: BaseException | None = None
    with arming.interrupt.shield():
        safety = ArmedChip(chip, arming)
        try:
            safety.arm()
            yield safety
        except BaseException as raised:
            error = raised
            raise
        finally:
            safety.disarm(error)


def _found(details: Mapping[str, Any]) -> str:
    """What arming found, in a line."""
    facts = ["limits set and read back"] if "limits" in details else []
    if details.get("found_outside"):
        facts.append(f"{len(details['found_outside'])} parameters were found beyond their limits")
    if "outputs_found_on" in details:
        found = "and had been before" if details["outputs_found_on"] else "and read back"
        facts.append(f"outputs switched on, {found}")
    if "watchdog_seconds" in details:
        facts.append(f"watchdog of {details['watchdog_seconds']:g} s")
    return "; ".join(facts) or "the chip has no limits, output switch or watchdog of its own"


def _verified(descent: Descent) -> str:
    words = {"parameters": "parameters at their safe values", "outputs_on": "outputs off"}
    found = [text for key, text in words.items() if key in descent.verified]
    return f"{', '.join(found)}, as read back" if found else "left to its driver, unread"
