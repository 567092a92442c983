"""What becomes of log and chip while a training pauses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller.bookkeeping import Bookkeeper
from mgd_lab.controller.clock import Clock
from mgd_lab.controller.pausing import PauseControl
from mgd_lab.controller.state import TrainingState
from mgd_lab.controller.watch import Watch
from mgd_lab.errors import ConfigurationError, GuardError, StoppedError
from mgd_lab.experiment import PauseRule

Float32 = NDArray[np.float32]

_LOOK_SECONDS = 0.1


class Resting(Protocol):
    """Takes an armed chip to its safe values, and back."""

    def make_safe(self) -> None: ...

    def energise(self, theta: Float32) -> None:
        """Back to θ as sent, (P,)."""
        ...


class Intermission:
    """What the training does while it pauses: the log is closed, the chip held or made safe.

    `look` has the guards look around; `chip` is needed where the rule is `chip: safe`.
    """

    def __init__(
        self,
        control: PauseControl,
        rule: PauseRule,
        clock: Clock,
        interrupt: threading.Event,
        *,
        watch: Watch,
        chip: Resting | None,
    ) -> None:
        self._control = control
        self._rule = rule
        self._clock = clock
        self._interrupt = interrupt
        self._watch = watch
        self._chip = chip if rule.chip == "safe" else None
        if rule.chip == "safe" and chip is None:
            raise ConfigurationError(
                "guards.pause.chip: safe: nobody is here who could make the chip safe and energise "
                "it again; use hold"
            )

    @property
    def requested(self) -> bool:
        """Whether the training is to pause."""
        return self._control.requested

    @property
    def makes_safe(self) -> bool:
        """Whether the chip forgets its parameters meanwhile."""
        return self._chip is not None

    def pause(self, state: TrainingState, book: Bookkeeper, tell: Callable[[str], None]) -> bool:
        """Until it may go on; False where the run was interrupted meanwhile.

        `tell` is given the reason a few times a second.

        Raises:
            GuardError: it lasted too long, or a guard that stops tripped meanwhile.
            ChipError: the chip could not be made safe, or not be energised again.
        """
        cause = self._control.cause
        if cause is None:
            return True
        began = self._clock.monotonic()
        book.tell_recoveries(state)
        book.event(state, "paused", cause.reason, guard=cause.guard, chip=self._rule.chip)
        book.checkpoint(state, "")
        if self._chip is not None:
            self._chip.make_safe()
            self._watch.rest(True)
        if not self._wait(began, tell):
            return False
        if self._chip is not None:
            try:
                self._chip.energise(state.sent)
            except StoppedError:
                return False
            self._watch.rest(False)
        self._watch.forget()
        seconds = self._clock.monotonic() - began
        book.event(
            state,
            "continued",
            f"after a pause of {seconds:.1f} s",
            guard=cause.guard,
            seconds=seconds,
        )
        return True

    def _wait(self, began: float, tell: Callable[[str], None]) -> bool:
        while (cause := self._control.cause) is not None:
            if self._interrupt.is_set():
                return False
            longest = self._rule.longest_seconds
            if longest is not None and self._clock.monotonic() - began >= longest:
                raise GuardError(
                    f"the run was paused for {longest:g} s, the longest that "
                    f"guards.pause.longest_seconds permits, because: {cause.reason}. Remove the "
                    "cause and resume the run"
                )
            tell(cause.reason)
            self._watch.look_around(paused=True)
            if self._control.requested:
                self._control.wait(_LOOK_SECONDS)
        return True
