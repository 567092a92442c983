"""Values that change by themselves after they were written; time is counted in presentations.

Drift as of phase-change memory: G(t) = G(t₀) (t/t₀)^−ν; see Le Gallo and Sebastian, "An overview of
phase-change memory device physics", J. Phys. D 53, 213002 (2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.experiment.imperfections import Drift, Relaxation
from sim_instruments.imperfections.devices import Quantity, spread

Float64 = NDArray[np.float64]


class Fading:
    """What is left of values, each written at a time of its own.

    Value at time t: (kept + lost e^(−(t − t_w)/τ)) (1 + (t − t_w)/t₀)^−ν, with t_w when the
    parameter was last written. Where `lasting` (P,) says so, a value stays as it is.
    """

    def __init__(
        self,
        drift: Drift | None,
        relaxation: Relaxation | None,
        seed: int,
        values: Float64,
        lasting: NDArray[np.bool_],
    ) -> None:
        self._drift, self._relaxation = drift, relaxation
        self._lasting = lasting.copy() if lasting.any() else None
        self._kept: Float64 = values.copy()
        self._lost: Float64 = np.zeros_like(values)
        self._written = np.zeros(len(values), np.int64)
        self._exponents: float | Float64 = 0.0 if drift is None else drift.exponent
        if drift is not None and drift.spread:
            numbers = spread(seed, Quantity.DRIFT, len(values))
            self._exponents = np.maximum(drift.exponent + drift.spread * numbers, 0.0)

    @property
    def is_any(self) -> bool:
        """Whether time changes anything."""
        return self._drift is not None or self._relaxation is not None

    def values(self, now: int) -> Float64:
        """(P,) at presentation `now`."""
        if not self.is_any:
            return self._kept
        return (self._kept + self._lost * self._rest(now)) * self._factors(now)

    def write(self, values: Float64, moved: NDArray[np.bool_], now: int) -> None:
        """The parameters `moved` (P,) take their values of (P,)."""
        if not self.is_any:
            self._kept = np.where(moved, values, self._kept)
            return
        factors = self._factors(now)
        kept, lost = self._kept * factors, self._lost * self._rest(now) * factors
        part = 0.0 if self._relaxation is None else self._relaxation.fraction
        fresh = lost + part * (values - (kept + lost))
        self._kept = np.where(moved, values - fresh, self._kept)
        self._lost = np.where(moved, fresh, self._lost)
        self._written[moved] = now

    def _rest(self, now: int) -> float | Float64:
        """Of what is being lost."""
        if self._relaxation is None:
            return 1.0
        return np.exp(-self._ages(now) / self._relaxation.time_constant_presentations)

    def _factors(self, now: int) -> float | Float64:
        if self._drift is None:
            return 1.0
        ages = self._ages(now) / self._drift.reference_presentations
        if isinstance(self._exponents, float):
            # Few times differ: parameters are updated together.
            different, places = np.unique(ages, return_inverse=True)
            factors = ((1.0 + different) ** -self._exponents).take(places)
        else:
            factors = (1.0 + ages) ** -self._exponents
        return factors if self._lasting is None else np.where(self._lasting, 1.0, factors)

    def _ages(self, now: int) -> NDArray[np.int64]:
        """Presentations since each parameter was written, (P,)."""
        # Values are read in steps of time, and may be from before they were written.
        return np.maximum(now - self._written, 0)
