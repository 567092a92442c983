"""Goes on after faults of a link: restores it and does the whole operation again, boundedly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from drivers.link_settings import RetrySettings
from mgd_lab.chip import Recovery
from mgd_lab.errors import ChipBusyError, LinkError, LinkTimeoutError

T = TypeVar("T")

_LONGEST_WAIT_SECONDS = 60.0


class FallsOutOfStep(Protocol):
    """A link, or several that are used together."""

    @property
    def out_of_step(self) -> bool:
        """Whether it must be restored before it is of use."""
        ...


class Recoverer:
    """Repeats operations that are safe to repeat.

    Args:
        link: what may fail.
        retries: how often an operation is repeated, and after which wait.
        restore: brings the link back and, where the device was restarted, sets it up again; says
            which of the two it did.
        sleep: waits.
    """

    def __init__(
        self,
        link: FallsOutOfStep,
        retries: RetrySettings,
        restore: Callable[[], str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._link = link
        self._retries = retries
        self._restore = restore
        self._sleep = sleep
        self._recoveries: list[Recovery] = []

    def run(self, operation: Callable[[], T], what: str, probes: int = 0) -> T:
        """The operation's result; its faults are repaired and told.

        Args:
            operation: one or more exchanges, the same whenever it is called.
            what: names it in messages.
            probes: how many it measures.

        Raises:
            LinkError: it failed once more than it may be repeated.
        """
        fault: LinkError | None = None
        if not self._link.out_of_step:
            try:
                return operation()
            except LinkError as error:
                fault = error
        return self._repeat(operation, what, probes, fault)

    def open(self, connect: Callable[[], None], what: str) -> None:
        """Connects; faults of the link are told, and it is tried again.

        Raises:
            ChipBusyError: the device serves another client, and did so at once: later it may be an
                attempt of ours that the device holds for alive.
            LinkError: it failed once more than it may be repeated.
        """
        began = time.monotonic()
        repeats = 0
        while True:
            started = time.monotonic()
            try:
                connect()
            except (LinkError, ChipBusyError) as error:
                at_once = isinstance(error, ChipBusyError) and not repeats
                if at_once or repeats == self._retries.per_block:
                    _add_attempts(error, repeats, time.monotonic() - began)
                    raise
                self._sleep(self._wait(repeats))
                repeats += 1
                self._tell(_kind(error), f"{what}: {error}. It is tried again", 0, started)
            else:
                return

    def note(self, kind: str, message: str) -> None:
        """Tells of something that was put right at once."""
        self._tell(kind, message, 0, time.monotonic())

    def take_recoveries(self) -> list[Recovery]:
        """Recoveries since the last call."""
        taken, self._recoveries = self._recoveries, []
        return taken

    def _repeat(
        self, operation: Callable[[], T], what: str, probes: int, fault: LinkError | None
    ) -> T:
        began = time.monotonic()
        repeats = 0
        while fault is None or repeats < self._retries.per_block:
            # An operation that was cut short leaves the link out of step without a fault of it.
            if fault is not None:
                self._sleep(self._wait(repeats))
                repeats += 1
            try:
                self._restored(fault, what, probes)
                return operation()
            except LinkError as error:
                fault = error
        kind = LinkTimeoutError if isinstance(fault, LinkTimeoutError) else LinkError
        raise kind(
            f"{what} failed, and {repeats} repeats "
            f"in {time.monotonic() - began:.3g} s (retries.per_block): {fault}. Check cable, "
            "power and timeout_seconds, then start the run again"
        ) from fault

    def _restored(self, fault: LinkError | None, what: str, probes: int) -> None:
        began = time.monotonic()
        reason = f"{what}: {fault or 'an earlier exchange was cut short'}"
        try:
            how = self._restore()
        except (LinkError, ChipBusyError) as error:
            self._tell("not_restored", f"{reason}. Then: {error}", 0, began)
            if isinstance(error, ChipBusyError):
                # By a session of our own, perhaps, whose end the device has not noticed yet.
                raise LinkError(f"{error}") from error
            raise
        again = probes if fault else 0
        self._tell(
            "restarted" if how == RESTARTED else _kind(fault), f"{reason}. {how}", again, began
        )

    def _wait(self, repeats: int) -> float:
        return min(self._retries.backoff_seconds * 2**repeats, _LONGEST_WAIT_SECONDS)

    def _tell(self, kind: str, message: str, probes: int, began: float) -> None:
        elapsed = time.monotonic() - began
        self._recoveries.append(Recovery(kind, message, probes, elapsed, time.time()))


def _kind(fault: Exception | None) -> str:
    return "timeout" if isinstance(fault, LinkTimeoutError) else "link_fault"


def _add_attempts(error: Exception, repeats: int, elapsed: float) -> None:
    if repeats:
        error.add_note(
            f"opening was tried {repeats + 1} times in {elapsed:.3g} s (retries.per_block)"
        )


RESTARTED = "The device had been restarted: it was set up again"
REOPENED = "The link was opened again"
RESYNCHRONISED = "The link was brought into step again"
