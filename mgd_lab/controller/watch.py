"""What is watched beside the costs: telemetry, retries, disk, the host's sleep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from mgd_lab.chip.recovery import Recovery
from mgd_lab.controller.clock import Clock
from mgd_lab.controller.pausing import Cause, PauseControl
from mgd_lab.controller.state import TrainingState
from mgd_lab.controller.telemetry import TelemetryReader
from mgd_lab.errors import GuardError

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Finding:
    """Something out of bounds, and what is to happen."""

    message: str
    action: Literal["stop", "pause", "continue"]


class Guard(Protocol):
    """Looks at one thing, every so often.

    `clears` tells whether a pause ends by itself when a look finds nothing any more.
    """

    @property
    def name(self) -> str: ...

    @property
    def every_seconds(self) -> float: ...

    @property
    def clears(self) -> bool: ...

    def look(self, steps: int) -> Finding | None:
        """What is wrong now, after so many steps; None where nothing is."""
        ...

    def forget(self) -> None:
        """A pause is over: what led to it no longer counts."""
        ...


class Watch:
    """Has every guard look when it is due; called between two blocks, when none is under way.

    `telemetry` is read once more at the end of a training.
    """

    def __init__(
        self,
        guards: Sequence[Guard],
        pause: PauseControl,
        clock: Clock,
        interrupt: threading.Event,
        telemetry: TelemetryReader | None = None,
    ) -> None:
        self._guards = guards
        self._pause = pause
        self._clock = clock
        self._interrupt = interrupt
        self._telemetry = telemetry
        self._state: TrainingState | None = None
        self._due = [float("-inf")] * len(guards)
        self._next = float("-inf")
        self._told: list[tuple[str, Finding]] = []

    def begin(self, state: TrainingState) -> None:
        """The training that is watched; a first look around."""
        self._state = state
        self.look_around()

    def conclude(self) -> None:
        """A last reading of the telemetry, for the log."""
        if self._telemetry is not None:
            self._telemetry.read(self._steps)

    def held_up(self) -> bool:
        """Whether measuring is to be left off here; looks around first."""
        if self._interrupt.is_set():
            return True
        self.look_around()
        return self._pause.requested

    def look_around(self, *, paused: bool = False) -> None:
        """Every guard that is due looks; while the training is paused, nothing pauses it anew.

        Raises:
            GuardError: something is out of bounds, and its guard stops.
        """
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + _LOOK_SECONDS
        for k, guard in enumerate(self._guards):
            if now < self._due[k]:
                continue
            self._due[k] = now + guard.every_seconds
            finding = guard.look(self._steps)
            if finding is not None:
                self._act(guard, finding, paused=paused)
            elif guard.clears and self._is_cause(guard):
                self._pause.resume()

    def take_told(self) -> Sequence[tuple[str, Finding]]:
        """Findings since the last call that did not stop the run, each after its guard's name."""
        told, self._told = self._told, []
        return told

    def rest(self, resting: bool) -> None:
        """The chip is at its safe values: a channel without a reading is no fault of it."""
        if self._telemetry is not None:
            self._telemetry.chip_rests = resting

    def forget(self) -> None:
        """A pause is over."""
        for guard in self._guards:
            guard.forget()

    @property
    def _steps(self) -> int:
        return 0 if self._state is None else self._state.steps

    def _is_cause(self, guard: Guard) -> bool:
        cause = self._pause.cause
        return cause is not None and cause.guard == guard.name

    def _act(self, guard: Guard, finding: Finding, *, paused: bool) -> None:
        if finding.action == "stop":
            raise GuardError(
                f"{finding.message}. The run ended there (guards.{guard.name}); remove the cause "
                "and resume the run"
            )
        if finding.action == "continue":
            self._told.append((guard.name, finding))
        elif not (paused or self._pause.requested):
            self._told.append((guard.name, finding))
            self._pause.ask(Cause(finding.message, guard.name))


def watched(
    take: Callable[[], Sequence[Recovery]], note: Callable[[Sequence[Recovery]], None]
) -> Callable[[], Sequence[Recovery]]:
    """`take`, whose findings are told to a guard as well."""

    def both() -> Sequence[Recovery]:
        found = take()
        if found:
            note(found)
        return found

    return both
