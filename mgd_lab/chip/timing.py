"""A chip that tells how it is timed, for whoever checks an experiment before it runs."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class ReportsTiming(Protocol):
    """A chip whose probes may be timed in several ways."""

    @property
    def timing_report(self) -> str:
        """Which way, how many probes a second that promises, and why no better one."""
        ...
