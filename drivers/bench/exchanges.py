"""Everything that a bench does is done again after a fault of a link, and told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from drivers.bench.lanes import Lanes
from drivers.link_settings import RetrySettings
from drivers.recovery import REOPENED, Recoverer
from mgd_lab.chip import Recovery
from mgd_lab.errors import LinkError

T = TypeVar("T")


class Exchanges:
    """Operations that are safe to repeat, on some of the instruments together.

    Args:
        name: what messages call the bench.
        retries: how often an operation is repeated.
        lanes: tells which instruments failed.
        everybody: names of all instruments.
        reopen: opens those of the names given anew and verifies that they stand where they stood.
        wait: lets time pass.
    """

    def __init__(
        self,
        name: str,
        retries: RetrySettings,
        lanes: Lanes,
        everybody: Collection[str],
        reopen: Callable[[set[str]], None],
        wait: Callable[[float], None],
    ) -> None:
        self._name = name
        self._lanes = lanes
        self._everybody = set(everybody)
        self._reopen = reopen
        self._recoverer = Recoverer(self, retries, self._restore, wait)
        self._is_open = False
        self._involved = self._everybody
        self._doubtful: set[str] = set()

    @property
    def out_of_step(self) -> bool:
        """Whether an answer may still be on its way from an instrument that is involved now."""
        return bool(self._doubtful & self._involved)

    @property
    def doubtful(self) -> Collection[str]:
        """Instruments whose links failed, or were cut short, and that nobody has opened anew."""
        return self._doubtful

    def open(self, connect: Callable[[], None]) -> None:
        """Connects, repeatedly where a link fails."""
        self._recoverer.open(connect, f"{self._name}: opening")
        self._lanes.suspects.clear()
        self._doubtful.clear()
        self._is_open = True

    def close(self) -> None:
        """From now on nothing is done any more."""
        self._is_open = False

    def perform(
        self,
        operation: Callable[[], T],
        what: str,
        probes: int = 0,
        *,
        of: Collection[str] | None = None,
    ) -> T:
        """The operation's result; LinkError: it failed once more than it may be repeated.

        Args:
            operation: what is done.
            what: names it in messages.
            probes: how many it measures.
            of: instruments that it speaks to; all unless given. What has become of the others does
                not matter: sources go down where a meter is dead.
        """
        if not self._is_open:
            raise LinkError(f"{self._name} is not open")
        self._involved = self._everybody if of is None else set(of)
        return self._recoverer.run(
            lambda: self._stepwise(operation), f"{self._name}: {what}", probes
        )

    def take_recoveries(self) -> list[Recovery]:
        """Recoveries since the last call."""
        return self._recoverer.take_recoveries()

    def _stepwise(self, operation: Callable[[], T]) -> T:
        try:
            return operation()
        except LinkError:
            # What failed outside of the lanes has no name.
            self._doubtful |= self._lanes.suspects or self._involved
            raise
        except Exception:
            # Errors of other kinds are answers; a link may have failed at the same time.
            self._doubtful |= self._lanes.suspects
            raise
        except BaseException:
            # A second Ctrl-C, in the middle of whichever exchange.
            self._doubtful |= self._involved
            raise
        finally:
            self._lanes.suspects.clear()

    def _restore(self) -> str:
        names = self._doubtful & self._involved or self._involved
        try:
            self._reopen(set(names))
        finally:
            self._lanes.suspects.clear()
        self._doubtful -= names
        return REOPENED
