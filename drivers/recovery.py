"""Goes on after faults of a link: restores it and does the whole operation again, boundedly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from drivers.link import Link
from drivers.link_settings import RetrySettings
from mgd_lab.chip import Recovery
from mgd_lab.errors import LinkError, LinkTimeoutError

T = TypeVar("T")

_LONGEST_WAIT_SECONDS = 60.0


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
        link: Link,
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
                wait = self._retries.backoff_seconds * 2**repeats
                self._sleep(min(wait, _LONGEST_WAIT_SECONDS))
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
        except LinkError as error:
            self._tell("not_restored", f"{reason}. Then: {error}", 0, began)
            raise
        kind = "timeout" if isinstance(fault, LinkTimeoutError) else "link_fault"
        again = probes if fault else 0
        self._tell("restarted" if how == RESTARTED else kind, f"{reason}. {how}", again, began)

    def _tell(self, kind: str, message: str, probes: int, began: float) -> None:
        elapsed = time.monotonic() - began
        self._recoveries.append(Recovery(kind, message, probes, elapsed, time.time()))


RESTARTED = "The device had been restarted: it was set up again"
REOPENED = "The link was opened again"
RESYNCHRONISED = "The link was brought into step again"
