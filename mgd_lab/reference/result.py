"""How a reference ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mgd_lab.bench import RunResult

BACKPROPAGATION = "backpropagation"


@dataclass(frozen=True)
class ReferenceResult(RunResult):
    """The end of a reference.

    Attributes:
        training_seconds: of the updates alone, without evaluations and log.
        seconds_per_epoch: the same for one pass over the training split; None before an update.
        epochs: passes done.
        device: what computed, in words.
    """

    training_seconds: float = 0.0
    seconds_per_epoch: float | None = None
    epochs: float = 0.0
    device: str = ""

    @property
    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            **super().summary,
            "reference": BACKPROPAGATION,
            "training_seconds": self.training_seconds,
            "seconds_per_epoch": self.seconds_per_epoch,
            "epochs": self.epochs,
            "device": self.device,
        }
