"""Pages of perturbations: any row, in any order, from any thread."""

import numpy as np
import pytest

from mgd_lab.controller.perturbations import Perturbations

COUNT, PARAMETERS = 10, 12000


def _rows(first: int, stop: int) -> np.ndarray:
    return np.repeat(np.arange(float(first), stop)[:, None], PARAMETERS, axis=1)


@pytest.mark.parametrize("order", [range(COUNT), range(COUNT - 1, -1, -1), [0, 9, 0, 5, 4, 5]])
def test_pages(order):
    pages = Perturbations(COUNT, PARAMETERS, _rows)
    for row in order:
        first, end, page = pages.page(row)
        assert first <= row < end <= COUNT
        assert end - first == len(page) < COUNT
        np.testing.assert_array_equal(page[:, 0], np.arange(first, end))


def test_rows_across_pages():
    pages = Perturbations(COUNT, PARAMETERS, _rows)
    for first in range(COUNT):
        for stop in range(first + 1, COUNT + 1):
            np.testing.assert_array_equal(pages.rows(first, stop)[:, 0], np.arange(first, stop))


def test_another_thread_turns_the_page_meanwhile():
    """As if the thread that speaks to the chip came in while this one expands a page."""
    turned = []

    def expand(first: int, stop: int) -> np.ndarray:
        if not turned:
            turned.append(True)
            pages.page(COUNT - 1)
        return _rows(first, stop)

    pages = Perturbations(COUNT, PARAMETERS, expand)
    for row in (0, COUNT - 1, 0):
        first, _, page = pages.page(row)
        assert page[row - first, 0] == row
