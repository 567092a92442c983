"""Philox4x32-10, the counter-based generator behind everything random in a run.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC11 (2011). Being a pure function of a counter, it needs no state on host or chip.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import ConfigurationError

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = 0x9E3779B9
_W1 = 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)
_ROUNDS = 10


class Stream(IntEnum):
    """Fourth counter word: what the numbers are for, so that one seed serves all."""

    CODES = 0
    SAMPLE_ORDER = 1
    INITIAL_VALUES = 2
    SPLIT = 3
    CHIP_NOISE = 4
    UPDATE_NOISE = 5
    ROUNDING = 6
    DEVICE_VARIATION = 7


def philox4x32(seed: int, counter: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Ten rounds on counters of four 32-bit words, shape (4, …) → outputs, shape (4, …).

    The key is (seed mod 2³², seed div 2³²).
    """
    check_seed(seed)
    c0, c1, c2, c3 = (np.array(counter[word], np.uint64) for word in range(4))
    product0, product1 = np.empty_like(c0), np.empty_like(c0)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(_ROUNDS):
        # In place: the arrays are long, and fresh ones would leave the processor's cache.
        np.multiply(c0, _M0, out=product0)
        np.multiply(c2, _M1, out=product1)
        np.right_shift(product1, _HIGH, out=c0)
        c0 ^= c1
        c0 ^= np.uint64(k0)
        np.right_shift(product0, _HIGH, out=c2)
        c2 ^= c3
        c2 ^= np.uint64(k1)
        np.bitwise_and(product1, _LOW, out=c1)
        np.bitwise_and(product0, _LOW, out=c3)
        k0 = (k0 + _W0) & 0xFFFFFFFF
        k1 = (k1 + _W1) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3]).astype(np.uint32)


def words(seed: int, stream: int, first: int, count: int, per_index: int) -> NDArray[np.uint32]:
    """Outputs for `count` indices from `first`, `per_index` counters each → (count, 4·per_index).

    The counter is (index low, index high, word, stream); outputs stand in the order word, output.
    """
    check_indices(first, count)
    index = np.arange(count, dtype=np.uint64) + np.uint64(first)
    counter = np.empty((4, count, per_index), np.uint64)
    counter[0] = (index & _LOW)[:, None]
    counter[1] = (index >> _HIGH)[:, None]
    counter[2] = np.arange(per_index, dtype=np.uint64)
    counter[3] = np.uint64(stream)
    outputs = philox4x32(seed, counter)
    return np.ascontiguousarray(outputs.transpose(1, 2, 0)).reshape(count, 4 * per_index)


def check_seed(seed: int) -> None:
    """A seed is a whole number from 0 to 2⁶⁴ − 1."""
    if not 0 <= seed < 2**64:
        raise ConfigurationError(f"seed is {seed}; it must lie in 0 to 2**64 - 1")


def check_indices(first: int, count: int) -> None:
    """Indices are whole numbers from 0 to 2⁶⁴ − 1."""
    if first < 0 or count < 0 or first + count > 2**64:
        raise ConfigurationError(
            f"indices {first} to {first + count} asked for; they must lie in 0 to 2**64"
        )
