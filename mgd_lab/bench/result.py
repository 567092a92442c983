"""How a run ended, as Python objects and as the summary that is stored and printed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mgd_lab.records import Counters

RunStatus = Literal[
    "finished", "target_reached", "target_missed", "interrupted", "failed", "refused"
]

EXIT_CODES: dict[RunStatus, int] = {
    "finished": 0,
    "target_reached": 0,
    "failed": 3,
    "refused": 4,
    "target_missed": 5,
    "interrupted": 130,
}


@dataclass(frozen=True)
class RunResult:
    """The end of a run.

    Attributes:
        path: the run's folder; None where it ended before there was one.
        cost, accuracy: of the last evaluation; None where there is none.
        simulated: whether anything in the run was no hardware.
        message: what went wrong, empty where nothing did.
    """

    path: Path | None
    status: RunStatus
    counters: Counters
    cost: float | None
    accuracy: float | None
    wall_seconds: float
    seed: int
    simulated: bool
    message: str = ""

    @property
    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "run": None if self.path is None else str(self.path),
            "status": self.status,
            **asdict(self.counters),
            "cost": self.cost,
            "accuracy": self.accuracy,
            "wall_seconds": self.wall_seconds,
            "seed": self.seed,
            "simulated": self.simulated,
            **({"message": self.message} if self.message else {}),
        }
