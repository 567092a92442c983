"""How the learning rate η changes with steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LearningRate:
    """η as a function of the number of steps done when the update happens.

    `cosine` and `linear` go from `rate` to `rate · final_fraction` over `steps` steps and stay;
    `exponential` is rate · final_fraction^(s / steps), without end.
    """

    rate: float
    kind: Literal["constant", "cosine", "linear", "exponential"] = "constant"
    steps: int = 1
    final_fraction: float = 0.0

    def at(self, step: int) -> float:
        """η after `step` steps."""
        if self.kind == "constant":
            return self.rate
        if self.kind == "exponential":
            return self.rate * self.final_fraction ** (step / self.steps)
        progress = min(step / self.steps, 1.0)
        if self.kind == "cosine":
            progress = 0.5 * (1.0 - math.cos(math.pi * progress))
        return self.rate * (1.0 - progress + self.final_fraction * progress)
