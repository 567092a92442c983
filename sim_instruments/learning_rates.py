"""The learning rate of a chip that learns, by docs/algorithm.md."""

from __future__ import annotations

import math

from mgd_lab.chip import LearningProgram


def learning_rate(program: LearningProgram, steps: int) -> float:
    """Of the update after so many steps."""
    p = program
    if p.rate_kind == "constant":
        return p.rate
    if p.rate_kind == "exponential":
        return p.rate * p.final_fraction ** (steps / p.rate_steps)
    progress = min(steps / p.rate_steps, 1.0)
    if p.rate_kind == "cosine":
        progress = 0.5 * (1.0 - math.cos(math.pi * progress))
    return p.rate * (1.0 - progress + p.final_fraction * progress)
