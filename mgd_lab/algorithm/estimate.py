"""The discrete gradient estimate: G = Σ C̃ θ̃ / ⟨θ̃²⟩ over a window.

McCaughan et al., APL Machine Learning 1, 026118 (2023), with the mean square taken for each
parameter and kind, so that E[G] = N ∂C/∂θ for a window of N steps, whatever the kind.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def correlate(
    total: Float64,
    modulations: Float64,
    perturbations: Float64,
    into: Float64 | None = None,
) -> Float64:
    """total + Σₙ C̃ₙ θ̃ₙ, added in the order of steps.

    total (P,), modulations C̃ (n,), perturbations θ̃ (n, P), float64 all, → (P,). Adding step
    after step, with the total carried in, makes the sum independent of how a window is cut. The
    products are written `into` an array of the perturbations' shape, where one is given.
    """
    terms = np.multiply(modulations[:, None], perturbations, out=into)
    terms[0] += total
    if len(terms) == 1:
        return terms[0]
    if terms.shape[1] == 1:
        # NumPy reduces a single contiguous column pairwise; accumulate never does.
        return np.add.accumulate(terms, axis=0)[-1]
    return np.add.reduce(terms, axis=0)


def mean_square_perturbation(code_mean_square: float, amplitudes: NDArray[np.float32]) -> Float64:
    """⟨θ̃²⟩ of each parameter, float64, from the float32 amplitudes that the chip uses; (P,)."""
    wide = amplitudes.astype(np.float64)
    return code_mean_square * (wide * wide)


def norm_ratio(parameters: int, perturbations: float) -> float:
    """√(1 + (P − 1)/T): how much longer than the gradient its estimate is, to expect.

    Of P parameters with T independent codes of ±1 and costs without noise: the mean of
    |(C̃/Δθ) code|² is P |∇C|², of which averaging over T codes keeps (1 + (P − 1)/T) |∇C|².
    T below 1 (a code that outlasts the window) counts as 1.
    """
    return math.sqrt(1.0 + (parameters - 1) / max(1.0, perturbations))
