"""What a training tells those who watch it, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mgd_lab.records import Counters

Status = Literal["finished", "target_reached", "target_missed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a training.

    `fraction` is what is done of the nearest limit in `stop`, 0 to 1; `cost` and `accuracy` are
    those of the last evaluation; `paused` is why training pauses, empty where it does not.
    """

    counters: Counters
    seconds: float
    fraction: float
    cost: float | None
    accuracy: float | None
    paused: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended, with the last evaluation."""

    status: Status
    counters: Counters
    seconds: float
    cost: float | None
    accuracy: float | None
