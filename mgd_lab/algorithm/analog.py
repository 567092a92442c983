"""The analog algorithm: continuous time, filters in place of baseline and window.

McCaughan et al. (2023), Algorithm 2, with a time step of 1. The cost passes a first-order
high-pass (τ_hp), is multiplied with the perturbation, and the product passes a first-order
low-pass (τ_θ); θ moves at every step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(slots=True)
class AnalogState:
    """What the filters hold: last cost, high-passed cost C̃, low-passed gradient G (P,)."""

    last_cost: float
    modulation: float
    gradient: Float64


@dataclass(frozen=True, slots=True)
class AnalogFilter:
    """Coefficients τ/(τ+1) of the two filters; `mean_square` is ⟨θ̃²⟩ of each parameter, (P,)."""

    tau_hp: float
    tau_theta: float
    mean_square: Float64

    def init(self) -> AnalogState:
        """Filters at rest."""
        return AnalogState(0.0, 0.0, np.zeros_like(self.mean_square))

    def update(
        self, state: AnalogState, cost: float, perturbation: Float64, *, new_sample: bool
    ) -> AnalogState:
        """One step: C of this step and θ̃ (P,) → the filters after it.

        C̃ ← τ_hp/(τ_hp+1) · (C̃ + C − C_last); G ← τ_θ/(τ_θ+1) · G + 1/(τ_θ+1) · C̃ θ̃/⟨θ̃²⟩. A new
        sample shifts the cost for another reason than the perturbation: it resets the high-pass.
        """
        if new_sample:
            modulation = 0.0
        else:
            change = state.modulation + cost - state.last_cost
            modulation = self.tau_hp / (self.tau_hp + 1.0) * change
        keep = self.tau_theta / (self.tau_theta + 1.0)
        admit = 1.0 / (self.tau_theta + 1.0)
        product = modulation * perturbation
        product /= self.mean_square
        product *= admit
        gradient = keep * state.gradient
        gradient += product
        return AnalogState(cost, modulation, gradient)
