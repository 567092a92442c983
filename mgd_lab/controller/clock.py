"""Time as the controller sees it, so that tests can give it another."""

from __future__ import annotations

import time
from typing import Protocol

# Only Linux has a clock that goes on while the machine is suspended.
_BOOTTIME: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Seconds: `monotonic` never jumps, `utc` counts from 1970.

    `boottime` is like `monotonic`, and goes on while the machine is suspended.
    """

    def monotonic(self) -> float: ...

    def utc(self) -> float: ...

    def boottime(self) -> float: ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def utc(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def boottime(self) -> float:
        """Seconds since some moment, those included that the machine was suspended."""
        return time.clock_gettime(_BOOTTIME)
