"""Random numbers of neighbouring presentations, made a page at a time.

A page holds the same presentations whoever asks for which of them, so that blocks may cut a run
anywhere, and the numbers of a short block cost no more than their share.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


class Pages:
    """Rows by number; `make(first, rows)` gives neighbouring ones, (rows, …)."""

    def __init__(self, rows_per_page: int, make: Callable[[int, int], Float64]) -> None:
        self._rows = rows_per_page
        self._make = make
        self._number = -1
        self._page: Float64 = np.empty(0)

    def rows(self, first: int, count: int) -> Float64:
        """Rows `first` … `first + count − 1`."""
        parts: list[Float64] = []
        while count > 0:
            number, within = divmod(first, self._rows)
            part = self._turned_to(number)[within : within + count]
            parts.append(part)
            first += len(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _turned_to(self, number: int) -> Float64:
        if number != self._number:
            self._page = self._make(number * self._rows, self._rows)
            self._number = number
        return self._page
