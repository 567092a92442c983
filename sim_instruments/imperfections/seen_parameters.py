"""From θ + θ̃ to what the network computes with: crosstalk, then read noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.experiment.imperfections import Imperfections
from sim_instruments.imperfections.crosstalk import Crosstalk
from sim_instruments.imperfections.grid import Grid
from sim_instruments.imperfections.read_noise import PARAMETERS_WORD, ReadNoise

Float64 = NDArray[np.float64]


class SeenParameters:
    """What changes θ + θ̃ otherwise than each number for itself, and for good."""

    def __init__(self, settings: Imperfections, seed: int, description: ChipDescription) -> None:
        self._crosstalk: Crosstalk | None = None
        if settings.crosstalk:
            groups = [group.count for group in description.groups]
            self._crosstalk = Crosstalk(settings.crosstalk, description.safe, groups)
        self._noise: ReadNoise | None = None
        sigma = 0.0 if settings.read_noise is None else settings.read_noise.parameters
        if sigma:
            self._noise = ReadNoise(sigma, seed, description.parameters, PARAMETERS_WORD)

    @property
    def is_any(self) -> bool:
        """Whether anything is seen otherwise than it is."""
        return self.is_fresh or self._crosstalk is not None

    @property
    def is_fresh(self) -> bool:
        """Whether each presentation differs from the one before it."""
        return self._noise is not None

    def of(self, values: Float64, first: int) -> Float64:
        """values (n, P) of presentations from number `first` on → those seen, (n, P)."""
        if self._crosstalk is not None:
            values = self._crosstalk.mixed(values)
        if self._noise is not None:
            values = values + self._noise.of(first, len(values))
        return values


def perturbation_grid(settings: Imperfections) -> Grid:
    """Values that θ̃ can have."""
    step = None if settings.resolution is None else settings.resolution.perturbation_step
    return Grid(step or 0.0, 0.0, -np.inf, np.inf)
