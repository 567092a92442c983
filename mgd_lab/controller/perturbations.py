"""θ̃ of neighbouring codes, expanded a page at a time.

Codes of ±1 are kept as bits; a page is as many rows as the processor's cache holds. Codes being
pure functions of their index, nothing is lost when a page is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_CACHED_NUMBERS = 32768


class Perturbations:
    """θ̃ of `count` codes, sign +1: float64 rows (P,) that hold float32 values.

    `expand(first, stop)` computes rows, (stop − first, P).
    """

    def __init__(self, count: int, parameters: int, expand: Callable[[int, int], Float64]) -> None:
        self._count = count
        self.per_page = max(1, _CACHED_NUMBERS // parameters)
        self._expand = expand
        # First row and rows of the page held: one tuple, for the thread that speaks to the chip
        # and the one that correlates turn pages independently of each other.
        self._held = (0, np.empty((0, parameters)))

    def page(self, row: int) -> tuple[int, int, Float64]:
        """First row, end and rows of the page that holds `row`."""
        first, page = self._held
        if not first <= row < first + len(page):
            first = row // self.per_page * self.per_page
            page = self._expand(first, min(first + self.per_page, self._count))
            self._held = (first, page)
        return first, first + len(page), page

    def fresh(self, first: int, stop: int) -> Float64:
        """θ̃ of neighbouring codes, (stop − first, P), that the caller may overwrite."""
        return self._expand(first, stop)

    def rows(self, first: int, stop: int) -> Float64:
        """θ̃ of neighbouring codes, (stop − first, P)."""
        start, end, page = self.page(first)
        if stop <= end:
            return page[first - start : stop - start]
        parts = [page[first - start :]]
        while end < stop:
            start, end, page = self.page(end)
            parts.append(page[: stop - start])
        return np.concatenate(parts)
