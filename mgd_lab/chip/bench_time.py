"""How time passes on a bench of instruments: on real ones by itself, on simulated ones as told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class BenchTime(Protocol):
    """What a bench knows of time. A simulated bench with virtual time gives its own."""

    def now(self) -> float:
        """Seconds since some moment; it never jumps back."""
        ...

    def wait(self, seconds: float) -> None:
        """Returns when so many seconds have passed; at once where there are none to wait."""
        ...

    def together(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Runs tasks that do not depend on one another, each taking time as if it were alone.

        All of them are run and have ended when it returns, or raises what one of them raised.
        """
        ...


@dataclass(frozen=True)
class TimedLibrary:
    """A VISA library whose instruments live in a time of their own.

    Attributes:
        library: what `pyvisa.ResourceManager` takes.
        time: of the instruments behind it.
    """

    library: Any
    time: BenchTime
