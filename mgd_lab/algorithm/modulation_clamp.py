"""A limit on C̃ that follows its own size, against single steps that outweigh a whole window.

C̃ is limited to ± k q/w, k times the running mean of |C̃| that entered the estimate. q and w are
moved once a window, by the window's mean of |C̃| as it was limited: an outlier can raise the limit
by little, and since k > 1 a limit that has become too small still grows. A mean of |C̃|, and not of
C̃², forgives outliers among the first `FIRST_STEPS` steps, whose windows are not limited.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

FIRST_STEPS = 100
MEMORY_STEPS = 1000
"""Time constant of the running mean, in steps."""


@dataclass(frozen=True, slots=True)
class ClampState:
    """What the limit follows from.

    Attributes:
        total: Σ |C̃| of the window in progress, as limited.
        mean, weight: q and w, running means of |C̃| and of 1, both from 0.
        steps: done in windows that are closed.
        limited: steps whose C̃ was limited, in all.
    """

    total: float = 0.0
    mean: float = 0.0
    weight: float = 0.0
    steps: int = 0
    limited: int = 0


@dataclass(frozen=True)
class ModulationClamp:
    """`factor` is k, above 1; `window` the steps between two updates."""

    factor: float
    window: int

    def limit_of(self, state: ClampState) -> float:
        """The largest |C̃| of the window in progress; infinite for none."""
        # Where C̃ has always been 0, a limit of 0 would keep it there.
        if state.steps < FIRST_STEPS or state.mean == 0.0:
            return math.inf
        return self.factor * (state.mean / state.weight)

    def limit(self, state: ClampState, modulations: Float64) -> tuple[Float64, ClampState]:
        """C̃ (n,) of steps of one window → C̃ (n,) as limited, and the state after them."""
        limit = self.limit_of(state)
        limited = np.clip(modulations, -limit, limit)
        # Accumulating adds step after step, so that blocks may cut a window anywhere.
        totals = np.add.accumulate(np.concatenate([[state.total], np.abs(limited)]))
        beyond = int(np.count_nonzero(np.abs(modulations) > limit))
        after = replace(state, total=float(totals[-1]), limited=state.limited + beyond)
        return limited, after

    def close(self, state: ClampState) -> ClampState:
        """The state after a whole window."""
        keep = MEMORY_STEPS / (MEMORY_STEPS + self.window)
        admit = self.window / (MEMORY_STEPS + self.window)
        return ClampState(
            total=0.0,
            mean=keep * state.mean + admit * (state.total / self.window),
            weight=keep * state.weight + admit,
            steps=state.steps + self.window,
            limited=state.limited,
        )
