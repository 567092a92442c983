"""How far a device moves when it is told to move by a step.

Gokmen and Vlasov, "Acceleration of deep neural network training with resistive cross-point
devices", Front. Neurosci. 10, 333 (2016), study both: up and down that differ, and bounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.experiment.imperfections import Asymmetry, Saturation
from sim_instruments.imperfections.devices import Quantity, spread

Float64 = NDArray[np.float64]


class UnevenSteps:
    """Upwards √r of what was asked, downwards 1/√r; log r ~ N(log ratio, spread) a device."""

    def __init__(self, settings: Asymmetry, seed: int, devices: int) -> None:
        ratios = np.full(devices, settings.ratio)
        if settings.spread:
            ratios *= np.exp(settings.spread * spread(seed, Quantity.ASYMMETRY, devices))
        self._up = np.sqrt(ratios)

    def taken(self, steps: Float64) -> Float64:
        """steps (P,) → those taken, (P,)."""
        return np.where(steps > 0, steps * self._up, steps / self._up)


class SoftBounds:
    """Speed 1 in the middle of the range, 0 at the bound that is moved to, linear in between.

    A step is the end of many small ones: Δ and then Δ′ lead to where Δ + Δ′ does.
    """

    def __init__(self, settings: Saturation) -> None:
        self.low, self.high = settings.low, settings.high
        self._half = (settings.high - settings.low) / 2

    def moved(self, values: Float64, steps: Float64) -> Float64:
        """Values within the bounds (P,), moved by steps (P,), are still within them."""
        rest = np.exp(-np.abs(steps) / self._half)
        up = self.high - (self.high - values) * rest
        down = self.low + (values - self.low) * rest
        return np.clip(np.where(steps > 0, up, down), self.low, self.high)
