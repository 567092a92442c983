"""How θ reaches the grid of a chip that has one, and what the host remembers of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, uniforms

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rounding:
    """Nearest, or stochastic where there is a seed; with or without a copy in float64.

    Stochastic rounding (Gupta et al., ICML 2015) goes up with a probability of the way that θ has
    gone from the grid's value below to the one above: on average it loses nothing. Which way is a
    pure function of seed, number of the update and parameter.

    Attributes:
        float_copy: whether the host keeps θ before rounding; otherwise only what was sent.
        seed: of stochastic rounding; None for the nearest value of the grid.
    """

    float_copy: bool = True
    seed: int | None = None

    def on_grid(
        self, theta: Float64, origin: Float64, resolution: Float64, update: int | None
    ) -> Float64:
        """θ (P,) on the grid origin + k · resolution, after so many updates.

        `resolution` is 0 where there is no grid; `update` None asks for the nearest value.
        """
        has_grid = resolution > 0
        step = np.where(has_grid, resolution, 1.0)
        places = (theta - origin) / step
        grid = origin + np.round(places) * step
        if self.seed is not None and update is not None:
            draws = uniforms(self.seed, Stream.ROUNDING, update, len(theta))
            drawn = origin + np.floor(places + draws) * step
            with np.errstate(over="ignore"):
                # What the grid holds already, as it is sent, stays: rounding it again is harmless.
                held = grid.astype(np.float32) == theta
            grid = np.where(held, grid, drawn)
        return np.where(has_grid, grid, theta)
