"""Time as the controller sees it, so that tests can give it another."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds: `monotonic` never jumps, `utc` counts from 1970."""

    def monotonic(self) -> float: ...

    def utc(self) -> float: ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def utc(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()
