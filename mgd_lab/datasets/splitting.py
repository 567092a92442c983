"""Seeded splits into train, validation and test."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, permutation
from mgd_lab.datasets.data_set import SplitName
from mgd_lab.errors import DataError

Indices = NDArray[np.uint32]

# Within the split's stream: the draw of train, validation and test.
_INDEX = 0


def split_indices(
    count: int, seed: int, validation: float, test: float
) -> tuple[Indices, Indices, Indices]:
    """Indices of train, validation and test: a partition of 0 … count − 1.

    A permutation of stream `Stream.SPLIT`; its first elements are the test split, the next the
    validation split, the rest is train, each in ascending order. Fractions of `count` are rounded
    to the nearest whole number, halves upwards.

    Raises:
        DataError: a fraction outside [0, 1), or nothing left to train on.
    """
    for name, fraction in (("validation", validation), ("test", test)):
        if not 0 <= fraction < 1:
            raise DataError(f"task.split.{name} is {fraction}; it must lie in [0, 1)")
    tests = math.floor(count * test + 0.5)
    validations = math.floor(count * validation + 0.5)
    if tests + validations >= count:
        raise DataError(
            f"task.split leaves nothing to train on: of {count} samples, {validations} are for "
            f"validation and {tests} for test; lower the fractions"
        )
    if tests + validations == 0:
        return np.arange(count, dtype=np.uint32), _no_samples(), _no_samples()
    order = permutation(seed, Stream.SPLIT, _INDEX, count)
    return (
        np.sort(order[tests + validations :]),
        np.sort(order[tests : tests + validations]),
        np.sort(order[:tests]),
    )


def split_by_name(
    count: int, seed: int, validation: float, test: float
) -> dict[SplitName, Indices]:
    """`split_indices` under the names of the splits."""
    train, validations, tests = split_indices(count, seed, validation, test)
    return {"train": train, "validation": validations, "test": tests}


def _no_samples() -> Indices:
    return np.empty(0, np.uint32)
