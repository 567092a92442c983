"""Node perturbation: what the nodes of a layer tell of the gradient of its weights.

Oripov et al., APL Machine Learning 3 (2025), doi 10.1063/5.0258271. Perturbing the pre-activation
a of every node by ã, Σ C̃ ã / ⟨ã²⟩ estimates ∂C/∂a; with x what enters the layer,
∂C/∂W[o, i] = ∂C/∂a[o] x[i] and ∂C/∂b[o] = ∂C/∂a[o]. A convolution's weight is shared by all places,
and so is its gradient: the sum over places of ∂C/∂a there times the patch that the place sees.

What one row gives does not depend on how many are computed together.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def dense_gradient(signals: Float64, inputs: Float64) -> Float64:
    """∂C/∂a (n, outputs) and x (n, inputs) → ∂C/∂W (n, outputs, inputs)."""
    return signals[:, :, None] * inputs[:, None, :]


def convolution_gradient(signals: Float64, planes: Float64, kernel: tuple[int, int]) -> Float64:
    """∂C/∂W (n, outputs, channels, high, wide) of a convolution without padding.

    ∂C/∂a (n, outputs, rows, columns), x (n, channels, rows + high − 1, columns + wide − 1).
    """
    patches = sliding_window_view(planes, kernel, axis=(2, 3))
    outputs, channels = signals.shape[1], planes.shape[1]
    found = np.empty((len(signals), outputs, channels * kernel[0] * kernel[1]))
    # Row after row, each in one order: with more at once NumPy may choose another.
    for n in range(len(signals)):
        seen = patches[n].transpose(0, 3, 4, 1, 2).reshape(found.shape[2], -1)
        np.einsum("op,ip->oi", signals[n].reshape(outputs, -1), seen, out=found[n])
    return found.reshape(len(signals), outputs, channels, *kernel)


def add_in_order(total: Float64, terms: Float64) -> Float64:
    """total (P,) + Σ terms (n, P), added one after another; `terms` are overwritten.

    P is 2 or more: the sum of a single column would be made in pairs.
    """
    terms[0] += total
    return terms[0] if len(terms) == 1 else np.add.reduce(terms, axis=0)
