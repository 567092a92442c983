"""Uniform and normal numbers and permutations from Philox."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes.philox import words


def _integers(seed: int, stream: int, first: int, indices: int, count: int) -> NDArray[np.uint64]:
    """64-bit integers (indices, count): element j takes word j // 2, outputs 2 (j mod 2) and
    the next, the first of them the low half.
    """
    outputs = words(seed, stream, first, indices, (count + 1) // 2).astype(np.uint64)
    low, high = outputs[:, 0::2], outputs[:, 1::2]
    return (low | (high << np.uint64(32)))[:, :count]


def uniforms(seed: int, stream: int, index: int, count: int) -> NDArray[np.float64]:
    """Numbers in [0, 1), shape (count,): the upper 53 of 64 bits, times 2⁻⁵³."""
    integers = _integers(seed, stream, index, 1, count)[0]
    return (integers >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(seed: int, stream: int, index: int, count: int) -> NDArray[np.float64]:
    """Standard normal numbers, shape (count,), by Box and Muller from pairs of uniforms."""
    pairs = uniforms(seed, stream, index, 2 * ((count + 1) // 2)).reshape(-1, 2)
    radius = np.sqrt(-2.0 * np.log1p(-pairs[:, 0]))
    angle = 2.0 * np.pi * pairs[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:count]


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
