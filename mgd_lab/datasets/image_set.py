"""A data set of images: scaled, flattened, and laid so that its splits need no copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.data_set import DataSet, SplitName, TargetKind
from mgd_lab.datasets.splitting import Indices, split_indices
from mgd_lab.errors import DataError

Float32 = NDArray[np.float32]
_ROWS = 4096


def image_set(
    name: str,
    description: str,
    *,
    images: NDArray[Any],
    official_test: NDArray[Any] | None,
    targets: Float32,
    target_kind: TargetKind,
    seed: int,
    validation: float,
    test: float = 0.0,
) -> DataSet:
    """Images and targets, split by the seed; uint8 becomes float32 in [0, 1], by division by 255.

    The rows of the result are train, validation and test, one after another, each in the order of
    the files, so that a split is a part of the array and no copy of it. The images stay uint8
    until then: there is one copy in float32, and it is the result.

    Args:
        name: of the data set.
        description: one sentence on where it is from.
        images: (n, …), uint8 or float32; flattened in row-major order.
        official_test: (m, …), likewise; None where the test split is cut from `images`.
        targets: (n + m, O), those of the official test last.
        target_kind: of the targets.
        seed: of the splits.
        validation: fraction of `images`.
        test: likewise; must be 0 where there is an official test split.

    Raises:
        DataError: fractions that leave nothing to train on, or a second test split.
    """
    if official_test is not None and test:
        raise DataError(
            f"{name} has an official test split; task.split.test must be 0, it is {test:g}"
        )
    count = len(images)
    parts = split_indices(count, seed, validation, test)
    order = np.concatenate(parts)
    tests = images[:0] if official_test is None else official_test
    width = int(np.prod(images.shape[1:], dtype=np.int64))
    inputs = np.empty((count + len(tests), width), np.float32)
    _fill(inputs[:count], images.reshape(count, width), order)
    _fill(inputs[count:], tests.reshape(len(tests), width), np.arange(len(tests)))
    trained, chosen_from = len(parts[0]), len(parts[0]) + len(parts[1])
    splits: dict[SplitName, Indices] = {
        "train": np.arange(trained, dtype=np.uint32),
        "validation": np.arange(trained, chosen_from, dtype=np.uint32),
        "test": np.arange(chosen_from, len(inputs), dtype=np.uint32),
    }
    ordered = np.concatenate([targets[order], targets[count:]])
    return DataSet(name, inputs, ordered, target_kind, description, splits)


def _fill(into: Float32, images: NDArray[Any], order: NDArray[Any]) -> None:
    """Rows of `images` in the given order, scaled; some thousand at a time to save memory."""
    divisor = np.float32(255 if images.dtype == np.uint8 else 1)
    for first in range(0, len(order), _ROWS):
        rows = order[first : first + _ROWS]
        np.divide(images[rows], divisor, out=into[first : first + _ROWS], dtype=np.float32)
