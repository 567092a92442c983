"""What a link had to do to go on after a fault, for the run's record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Recovery:
    """A fault of a link, and what was done about it.

    Attributes:
        kind: `timeout`; `link_fault`, no reply that could be used; `restarted`, the device, which
            was set up again; `not_restored`, the link could not be brought back, and may be tried
            once more; `doubted_error`, an error that the device reported once and not again;
            `samples_differ`, the device held other samples than were sent, which were sent again.
        message: what went wrong, where, and what followed.
        remeasured_probes: probes that are measured again because of it.
        elapsed_seconds: from the fault until the link was in step again, or given up.
        utc_seconds: when that was.
    """

    kind: str
    message: str
    remeasured_probes: int
    elapsed_seconds: float
    utc_seconds: float


@runtime_checkable
class ReportsRecoveries(Protocol):
    """A chip behind a link that recovers from faults, and tells of each."""

    def take_recoveries(self) -> Sequence[Recovery]:
        """Recoveries since the last call, in the order in which they happened."""
        ...
