"""Uniform and normal numbers and permutations from Philox."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes.philox import words


def _integers(
    seed: int, stream: int, first: int, indices: int, count: int, first_word: int = 0
) -> NDArray[np.uint64]:
    """64-bit integers (indices, count): element j takes word j // 2, outputs 2 (j mod 2) and
    the next, the first of them the low half.
    """
    per_index = (count + 1) // 2
    outputs = words(seed, stream, first, indices, per_index, first_word).astype(np.uint64)
    low, high = outputs[:, 0::2], outputs[:, 1::2]
    return (low | (high << np.uint64(32)))[:, :count]


def uniforms(seed: int, stream: int, index: int, count: int) -> NDArray[np.float64]:
    """Numbers in [0, 1), shape (count,): the upper 53 of 64 bits, times 2⁻⁵³."""
    integers = _integers(seed, stream, index, 1, count)[0]
    return (integers >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(seed: int, stream: int, index: int, count: int) -> NDArray[np.float64]:
    """Standard normal numbers, shape (count,), by Box and Muller from pairs of uniforms."""
    return normal_rows(seed, stream, index, 1, count)[0]


def normal_rows(
    seed: int, stream: int, first: int, indices: int, count: int, first_word: int = 0
) -> NDArray[np.float64]:
    """`count` standard normal numbers for each of neighbouring indices, (indices, count).

    Numbers 2k and 2k + 1 come from word `first_word` + k.
    """
    integers = _integers(seed, stream, first, indices, 2 * ((count + 1) // 2), first_word)
    pairs = (integers >> np.uint64(11)).astype(np.float64) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log1p(-pairs[:, 0::2]))
    angle = 2.0 * np.pi * pairs[:, 1::2]
    rows = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2)
    return rows.reshape(indices, -1)[:, :count]


def permutations(
    seed: int, stream: int, first: int, indices: int, count: int
) -> NDArray[np.uint32]:
    """One permutation of 0 … count − 1 an index, shape (indices, count).

    The permutation sorts `count` 64-bit integers; equal ones keep their order.
    """
    keys = _integers(seed, stream, first, indices, count)
    return np.argsort(keys, axis=1, kind="stable").astype(np.uint32)


def permutation(seed: int, stream: int, index: int, count: int) -> NDArray[np.uint32]:
    """A permutation of 0 … count − 1."""
    return permutations(seed, stream, index, 1, count)[0]
