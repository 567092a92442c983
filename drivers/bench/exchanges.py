"""Everything that a bench does is done again after a fault of a link, and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from drivers.bench.lanes import Lanes
from drivers.link_settings import RetrySettings
from drivers.recovery import REOPENED, Recoverer
from mgd_lab.chip import Recovery
from mgd_lab.errors import LinkError

T = TypeVar("T")


class Exchanges:
    """Operations that are safe to repeat, on all instruments together.

    Args:
        name: what messages call the bench.
        retries: how often an operation is repeated.
        lanes: tells which instruments failed.
        reopen: opens those of the names given anew and verifies that they stand where they stood;
            all of them where none is known to have failed.
        wait: lets time pass.
    """

    def __init__(
        self,
        name: str,
        retries: RetrySettings,
        lanes: Lanes,
        reopen: Callable[[set[str]], None],
        wait: Callable[[float], None],
    ) -> None:
        self._name = name
        self._lanes = lanes
        self._reopen = reopen
        self._recoverer = Recoverer(self, retries, self._restore, wait)
        self._is_open = False
        self._is_under_way = False

    @property
    def out_of_step(self) -> bool:
        """Whether an operation was cut short, so that an answer may still be on its way."""
        return self._is_under_way

    def open(self, connect: Callable[[], None]) -> None:
        """Connects, repeatedly where a link fails."""
        self._recoverer.open(connect, f"{self._name}: opening")
        self._lanes.suspects.clear()
        self._is_under_way = False
        self._is_open = True

    def close(self) -> None:
        """From now on nothing is done any more."""
        self._is_open = False

    def perform(self, operation: Callable[[], T], what: str, probes: int = 0) -> T:
        """The operation's result; LinkError: it failed once more than it may be repeated."""
        if not self._is_open:
            raise LinkError(f"{self._name} is not open")
        return self._recoverer.run(
            lambda: self._stepwise(operation), f"{self._name}: {what}", probes
        )

    def take_recoveries(self) -> list[Recovery]:
        """Recoveries since the last call."""
        return self._recoverer.take_recoveries()

    def _stepwise(self, operation: Callable[[], T]) -> T:
        self._is_under_way = True
        try:
            result = operation()
        except Exception:
            # A fault of a link has suspects; after any other answer all are in step.
            self._is_under_way = bool(self._lanes.suspects)
            raise
        # What is no Exception, a second Ctrl-C, leaves it under way.
        self._is_under_way = False
        return result

    def _restore(self) -> str:
        self._reopen(set(self._lanes.suspects))
        self._lanes.suspects.clear()
        self._is_under_way = False
        return REOPENED
