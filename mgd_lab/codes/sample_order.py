"""Which sample is drawn when: a pure function of seed and draw number."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes.draws import permutations
from mgd_lab.codes.philox import Stream, check_indices, words
from mgd_lab.errors import ConfigurationError

Order = Literal["shuffled", "random", "cyclic"]


def sample_order(
    order: Order, seed: int, samples: int, first: int, count: int
) -> NDArray[np.uint32]:
    """Samples of the draws `first` … `first + count − 1`, shape (count,).

    `shuffled`: draw d is element d mod n of permutation d // n of the stream of sample orders;
    `random`: with replacement, (output 0 of counter d) · n div 2³²; `cyclic`: d mod n.
    """
    if not 1 <= samples < 2**32:
        raise ConfigurationError(f"{samples} samples; a data set has 1 to 2**32 - 1")
    check_indices(first, count)
    if order == "cyclic":
        return (
            (np.arange(count, dtype=np.uint64) + np.uint64(first % samples)) % np.uint64(samples)
        ).astype(np.uint32)
    if order == "random":
        drawn = words(seed, Stream.SAMPLE_ORDER, first, count, 1)[:, 0].astype(np.uint64)
        return ((drawn * np.uint64(samples)) >> np.uint64(32)).astype(np.uint32)
    if order == "shuffled":
        if count == 0:
            return np.empty(0, np.uint32)
        epoch, offset = divmod(first, samples)
        epochs = (offset + count + samples - 1) // samples
        orders = permutations(seed, Stream.SAMPLE_ORDER, epoch, epochs, samples)
        return orders.ravel()[offset : offset + count].copy()
    raise ConfigurationError(f"unknown sample order {order!r}; known: shuffled, random, cyclic")
