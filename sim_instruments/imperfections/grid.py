"""Values that a number of limited resolution can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


class Divided(Protocol):
    """Settings of a range that may be divided."""

    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def bits(self) -> int | None: ...


@dataclass(frozen=True)
class Grid:
    """Multiples of `step` from `origin` on, between `low` and `high`; analog where step is 0."""

    step: float
    origin: float
    low: float
    high: float

    @classmethod
    def of(cls, settings: Divided, step: float | None = None) -> Grid:
        """A range of 2^bits values, one of a given step, or one that is not divided."""
        low = -np.inf if settings.low is None else settings.low
        high = np.inf if settings.high is None else settings.high
        if settings.bits is not None:
            return cls((high - low) / (2**settings.bits - 1), low, low, high)
        return cls(step or 0.0, 0.0, low, high)

    def nearest(self, values: Float64) -> Float64:
        """The nearest value of each, of two the one with an even number; NaN stays NaN."""
        inside = np.clip(values, self.low, self.high)
        if not self.step:
            return inside
        rounded = self.origin + self.step * np.rint((inside - self.origin) / self.step)
        return np.clip(rounded, self.low, self.high)

    def stochastic(self, values: Float64, uniforms: Float64) -> Float64:
        """One of the two neighbours, the nearer one more often: right on average.

        `uniforms` in [0, 1) decide: the upper neighbour where less than what is left over.
        """
        inside = np.clip(values, self.low, self.high)
        if not self.step:
            return inside
        places = (inside - self.origin) / self.step
        below = np.floor(places)
        below += uniforms < places - below
        return np.clip(self.origin + self.step * below, self.low, self.high)

    def outside(self, values: Float64) -> NDArray[np.bool_]:
        """Which values lie beyond the range."""
        return (values < self.low) | (values > self.high)
