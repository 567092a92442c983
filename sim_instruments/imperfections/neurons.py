"""Activations that differ from one neuron to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, normals
from sim_instruments.imperfections.devices import Quantity

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NeuronVariation:
    """f becomes L f(k (a − x0)) + y0 (McCaughan et al. 2023, with f the sigmoid).

    Attributes:
        factors: float64 (4, neurons), rows L, k, x0, y0; neurons in the order in which a sample
            passes them, and of a layer in the order of its outputs.
    """

    factors: Float64

    def activate(
        self, function: Callable[[Float64], Float64], sums: Float64, first: int
    ) -> Float64:
        """sums (n, width of the layer), overwritten; `first` is the layer's first neuron."""
        mine = self.factors[:, first : first + sums.shape[1]].astype(sums.dtype, copy=False)
        scale, slope, shift, offset = mine
        sums -= shift
        sums *= slope
        signal = function(sums)
        signal *= scale
        signal += offset
        return signal


def drawn(sigma: float, seed: int, neurons: int) -> NeuronVariation:
    """L, k ~ N(1, σ) and x0, y0 ~ N(0, σ) of each neuron."""
    numbers = normals(seed, Stream.DEVICE_VARIATION, Quantity.NEURON, 4 * neurons)
    factors = sigma * numbers.reshape(neurons, 4).T
    factors[:2] += 1.0
    return NeuronVariation(np.ascontiguousarray(factors))
