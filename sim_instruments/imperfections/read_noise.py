"""White noise of many numbers at once, fresh at every presentation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, normal_rows
from sim_instruments.imperfections.pages import Pages

Float64 = NDArray[np.float64]

_PAGE_NUMBERS = 16384
# Words of the stream of chip noise, see docs/codes.md.
OUTPUTS_WORD, PARAMETERS_WORD = 2**30, 2**31


class ReadNoise:
    """σ n for each of `width` numbers of each presentation.

    Args:
        sigma: in the unit of what it is added to.
        seed: the chip's.
        width: how many numbers a presentation has.
        word: the first of the stream of chip noise that they take.
    """

    def __init__(self, sigma: float, seed: int, width: int, word: int) -> None:
        self._sigma, self._seed = sigma, seed
        self._width, self._word = width, word
        self._pages = Pages(max(1, _PAGE_NUMBERS // width), self._made)

    def of(self, first: int, count: int) -> Float64:
        """(count, width), for presentations from number `first` on."""
        return self._pages.rows(first, count)

    def _made(self, first: int, count: int) -> Float64:
        numbers = normal_rows(self._seed, Stream.CHIP_NOISE, first, count, self._width, self._word)
        return self._sigma * numbers
