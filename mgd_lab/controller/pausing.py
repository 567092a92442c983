"""A run may be asked to pause between two blocks, and to go on in place."""

from __future__ import annotations

import queue
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run pauses; `guard` is empty where a person asked for it."""

    reason: str
    guard: str = ""


class PauseControl:
    """Asks a training to pause, and to go on; from any thread, and from signal handlers."""

    def __init__(self) -> None:
        self._cause: Cause | None = None
        # Unlike an event, its put may interrupt a get of the same thread.
        self._changes: queue.SimpleQueue[None] = queue.SimpleQueue()

    @property
    def requested(self) -> bool:
        """Whether the training is to pause, or is paused."""
        return self._cause is not None

    @property
    def cause(self) -> Cause | None:
        """The first cause since the training last went on."""
        return self._cause

    def request(self, reason: str = "on request") -> None:
        """Pause after the block that is under way."""
        self.ask(Cause(reason))

    def ask(self, cause: Cause) -> None:
        """As `request`; an earlier cause stays."""
        if self._cause is None:
            self._cause = cause

    def resume(self) -> None:
        """Go on, whatever the cause was."""
        self._cause = None
        self._changes.put(None)

    def toggle(self) -> None:
        """Pause or go on, whichever it does not do now."""
        if self.requested:
            self.resume()
        else:
            self.request()

    def wait(self, seconds: float) -> None:
        """Returns when `resume` was called, or after `seconds`."""
        try:
            self._changes.get(timeout=seconds)
        except queue.Empty:
            return
