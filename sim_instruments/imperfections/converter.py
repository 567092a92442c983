"""A converter from digital to analog, or back: its range and its resolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.experiment.imperfections import Range
from sim_instruments.imperfections.grid import Grid

Float64 = NDArray[np.float64]


class Converter:
    """Numbers within a range, and where it has bits one of so many.

    What lies beyond the range becomes its edge, as it does in a converter, and is counted.

    Attributes:
        clipped: how many numbers that was so far.
    """

    def __init__(self, settings: Range) -> None:
        self._grid = Grid.of(settings)
        self.clipped = 0

    def converted(self, values: Float64) -> Float64:
        """values of any shape."""
        self.clipped += int(np.count_nonzero(self._grid.outside(values)))
        return self._grid.nearest(values)
