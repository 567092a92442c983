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
_CACHED_COUNTERS = 8192


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
    state = [np.array(counter[word], np.uint64).reshape(-1) for word in range(4)]
    for first in range(0, len(state[0]), _CACHED_COUNTERS):
        _rounds(seed, *(word[first : first + _CACHED_COUNTERS] for word in state))
    return np.stack(state).astype(np.uint32).reshape(counter.shape)


def words(
    seed: int, stream: int, first: int, count: int, per_index: int, first_word: int = 0
) -> NDArray[np.uint32]:
    """Outputs for `count` indices from `first`, `per_index` counters each → (count, 4·per_index).

    The counter is (index low, index high, word, stream), the word from `first_word` on; outputs
    stand in the order word, output.
    """
    check_seed(seed)
    check_indices(first, count)
    outputs = np.empty((count, per_index, 4), np.uint32)
    at_once = max(1, _CACHED_COUNTERS // per_index)
    for start in range(0, count, at_once):
        part = outputs[start : start + at_once]
        index = np.arange(len(part), dtype=np.uint64) + np.uint64(first + start)
        low, high = np.repeat(index & _LOW, per_index), np.repeat(index >> _HIGH, per_index)
        word = np.arange(first_word, first_word + per_index, dtype=np.uint64)
        word = np.tile(word, len(part))
        state = [low, high, word, np.full(len(low), stream, np.uint64)]
        _rounds(seed, *state)
        for k, values in enumerate(state):
            part[:, :, k] = values.reshape(len(part), per_index)
    return outputs.reshape(count, 4 * per_index)


def _rounds(
    seed: int,
    c0: NDArray[np.uint64],
    c1: NDArray[np.uint64],
    c2: NDArray[np.uint64],
    c3: NDArray[np.uint64],
) -> None:
    """Ten rounds in place: the arrays are long, and fresh ones would leave the cache."""
    product0, product1 = np.empty_like(c0), np.empty_like(c0)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(_ROUNDS):
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
