"""What the proxies tell of themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sim_instruments.faults.descriptors import Stopped, StopSign
from sim_instruments.faults.framing import MakeFraming
from sim_instruments.faults.injector import Injection, Injector
from sim_instruments.faults.schedule import Direction, FaultSchedule


class FaultProxy(ABC):
    """A proxy that forwards while its `with` is open.

    Args:
        schedule: what happens to which messages.
        framing: what a message is.
        restart: restarts the device, for `FaultKind.RESTART`.
    """

    def __init__(
        self, schedule: FaultSchedule, framing: MakeFraming, restart: Callable[[], None]
    ) -> None:
        self._injector = Injector(schedule)
        self._framing = framing
        self._restart = restart
        self._failures: list[BaseException] = []

    @property
    def injections(self) -> tuple[Injection, ...]:
        """What has been done so far, in the order in which it happened."""
        return self._injector.injections

    @property
    def pending(self) -> int:
        """Faults whose messages have not come yet."""
        return self._injector.pending

    @property
    def counts(self) -> dict[Direction, int]:
        """Messages seen so far."""
        return self._injector.counts

    def __enter__(self) -> Self:
        self._stop = StopSign()
        try:
            self._open()
        except BaseException:
            self._stop.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.put_up()
        self._close()
        self._stop.release()
        if self._failures and error is None:
            raise self._failures[0]

    @property
    @abstractmethod
    def address(self) -> str:
        """Where the host connects: a VISA resource name or a path."""

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...

    def _guarded(self, work: Callable[[], None]) -> None:
        """Work of a thread: what fails in it is raised when the proxy is left."""
        try:
            work()
        except Stopped:
            pass
        except BaseException as failure:  # noqa: BLE001 (kept, not swallowed)
            self._failures.append(failure)
