"""Whether two measurements of the same probes agree, given how much a chip repeats itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# Differences of two readings of Gaussian noise stay below so many standard deviations of one, for
# as many probes as a check ever compares.
_SIGMAS = 12.0


@dataclass(frozen=True)
class Noise:
    """How well a chip repeats itself.

    Attributes:
        sigma: standard deviation of one reading; 0 where all repetitions were the same bits.
        spread: largest range of the readings of one probe.
    """

    sigma: float = 0.0
    spread: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether every repetition gave the same bits."""
        return self.spread == 0.0

    def together(self, other: Noise) -> Noise:
        """Of readings from two sources."""
        return Noise(max(self.sigma, other.sigma), max(self.spread, other.spread))

    def text(self) -> str:
        """For a report."""
        return "bit for bit" if self.silent else f"within noise of {self.sigma:.2g} (one sigma)"


def noise_of(readings: Float64) -> Noise:
    """readings (repetitions, n) of the same n values."""
    spread = np.ptp(readings, axis=0)
    if not spread.any():
        return Noise()
    variance = np.var(readings, axis=0, ddof=1)
    return Noise(float(np.sqrt(variance.mean())), float(spread.max()))


@dataclass(frozen=True)
class Comparison:
    """Values against the expected ones.

    Attributes:
        differing: how many differ by more than is allowed.
        first: the first of them; −1 where there is none.
        largest: largest difference of all.
        allowed: largest difference that passes; 0 demands the same bits.
    """

    differing: int
    first: int
    largest: float
    allowed: float

    @property
    def same(self) -> bool:
        """Whether all agree."""
        return self.differing == 0

    def text(self, found: Float64, expected: Float64) -> str:
        """Where they differ first, for a report."""
        k = self.first
        return (
            f"{self.differing} of {found.size} differ, the first at {k}: {found.flat[k]:.9g} "
            f"instead of {expected.flat[k]:.9g}"
        )


def compare(found: Float64, expected: Float64, noise: Noise, tolerance: float) -> Comparison:
    """Found and expected values of one shape; `tolerance` is absolute, 0 for the same bits."""
    difference = np.abs(found - expected)
    allowed = max(tolerance, 0.0 if noise.silent else max(_SIGMAS * noise.sigma, 2 * noise.spread))
    # NaN compares false, so it counts as a difference.
    wrong = np.flatnonzero(~(difference <= allowed))
    return Comparison(
        differing=len(wrong),
        first=int(wrong[0]) if len(wrong) else -1,
        largest=float(difference.max()) if difference.size else 0.0,
        allowed=allowed,
    )
