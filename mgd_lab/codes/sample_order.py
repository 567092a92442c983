"""Which sample is drawn when: a pure function of seed and draw number."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes.draws import permutation, permutations
from mgd_lab.codes.pages import from_pages, sealed
from mgd_lab.codes.philox import Stream, check_indices, check_seed, words
from mgd_lab.errors import ConfigurationError

Order = Literal["shuffled", "random", "cyclic"]

_LARGE = 1024
_PAGE_DRAWS = 4096
_PAGES = 4


def sample_order(
    order: Order, seed: int, samples: int, first: int, count: int
) -> NDArray[np.uint32]:
    """Samples of the draws `first` … `first + count − 1`, shape (count,), read-only.

    `shuffled`: draw d is element d mod n of permutation d // n of the stream of sample orders;
    `random`: with replacement, (output 0 of counter d) · n div 2³²; `cyclic`: d mod n.
    """
    if not 1 <= samples < 2**32:
        raise ConfigurationError(f"{samples} samples; a data set has 1 to 2**32 - 1")
    check_indices(first, count)
    if order not in _DRAWS:
        raise ConfigurationError(f"unknown sample order {order!r}; known: {', '.join(_DRAWS)}")
    if count > _PAGES * _PAGE_DRAWS or first + count + _PAGE_DRAWS > 2**64:
        return _DRAWS[order](seed, samples, first, count)
    return from_pages(
        lambda page: _page(order, seed, samples, page * _PAGE_DRAWS), _PAGE_DRAWS, first, count
    )


@lru_cache(maxsize=2 * _PAGES)
def _page(order: Order, seed: int, samples: int, first: int) -> NDArray[np.uint32]:
    return sealed(_DRAWS[order](seed, samples, first, _PAGE_DRAWS))


def _cyclic(seed: int, samples: int, first: int, count: int) -> NDArray[np.uint32]:
    check_seed(seed)
    draws = np.arange(count, dtype=np.uint64) + np.uint64(first % samples)
    return (draws % np.uint64(samples)).astype(np.uint32)


def _random(seed: int, samples: int, first: int, count: int) -> NDArray[np.uint32]:
    drawn = words(seed, Stream.SAMPLE_ORDER, first, count, 1)[:, 0].astype(np.uint64)
    return ((drawn * np.uint64(samples)) >> np.uint64(32)).astype(np.uint32)


def _shuffled(seed: int, samples: int, first: int, count: int) -> NDArray[np.uint32]:
    check_seed(seed)
    if count == 0:
        return np.empty(0, np.uint32)
    epoch, offset = divmod(first, samples)
    epochs = (offset + count + samples - 1) // samples
    if samples < _LARGE:
        orders = permutations(seed, Stream.SAMPLE_ORDER, epoch, epochs, samples)
    else:
        # Sorting takes long, and one epoch is asked for piece by piece.
        orders = np.stack([_epoch(seed, epoch + k, samples) for k in range(epochs)])
    return orders.ravel()[offset : offset + count].copy()


@lru_cache(maxsize=2)
def _epoch(seed: int, epoch: int, samples: int) -> NDArray[np.uint32]:
    return permutation(seed, Stream.SAMPLE_ORDER, epoch, samples)


_DRAWS = {"shuffled": _shuffled, "random": _random, "cyclic": _cyclic}
