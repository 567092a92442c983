"""Pure functions of an index, remembered a page at a time.

Making a few codes takes as long as making a thousand. Host and chips ask for small ranges again
and again, so whole pages are made, and the last ones kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def from_pages(
    page: Callable[[int], NDArray[Any]], rows: int, first: int, count: int
) -> NDArray[Any]:
    """Rows `first` … `first + count − 1`, read-only, of pages of `rows` rows each."""
    number, start = divmod(first, rows)
    if start + count <= rows:
        return page(number)[start : start + count]
    parts = [page(number)[start:]]
    left = count - (rows - start)
    while left > 0:
        number += 1
        parts.append(page(number)[:left])
        left -= rows
    joined = np.concatenate(parts)
    joined.flags.writeable = False
    return joined


def sealed(array: NDArray[Any]) -> NDArray[Any]:
    """The array, made read-only, because many will share it."""
    array.flags.writeable = False
    return array
