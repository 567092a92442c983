"""Noise of the cost: white, and 1/f as a sum of sources that change half as often each.

R. F. Voss, J. Clarke, "1/f noise in music: music from 1/f noise", J. Acoust. Soc. Am. 63, 258
(1978), describe the sum; M. Gardner, Scientific American 238 (4), 16 (1978), gives it to Voss.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, normal_rows
from mgd_lab.experiment.imperfections import CostNoise
from sim_instruments.imperfections.pages import Pages

Float64 = NDArray[np.float64]

_PAGE = 1024
# Words of the stream of chip noise, see docs/codes.md.
WHITE_WORD, PINK_WORD = 0, 1


class NoisyCost:
    """What is added to the cost of each presentation, a pure function of its number."""

    def __init__(self, settings: CostNoise, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._pages = Pages(_PAGE, self._made)

    def of(self, first: int, count: int) -> Float64:
        """(count,), for presentations from number `first` on."""
        return self._pages.rows(first, count)

    def _made(self, first: int, count: int) -> Float64:
        s = self._settings
        noise = np.zeros(count)
        if s.white:
            noise += s.white * self._normals(first, count, WHITE_WORD)
        if s.pink:
            noise += s.pink * self._pink(first, count)
        return noise

    def _pink(self, first: int, count: int) -> Float64:
        """Variance 1: octave k has a new value every 2^k presentations."""
        octaves = self._settings.pink_octaves
        numbers = np.arange(first, first + count, dtype=np.int64)
        total = np.zeros(count)
        for k in range(octaves):
            places = numbers >> k
            begin = int(places[0])
            values = self._normals(begin, int(places[-1]) - begin + 1, PINK_WORD + k)
            total += values.take(places - begin)
        return total / math.sqrt(octaves)

    def _normals(self, first: int, count: int, word: int) -> Float64:
        return normal_rows(self._seed, Stream.CHIP_NOISE, first, count, 1, word)[:, 0]
