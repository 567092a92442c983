"""Raw arrays → finite float32 inputs, and targets with their kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.data_set import TargetKind
from mgd_lab.errors import DataError

Float32 = NDArray[np.float32]

# Labels are positions of outputs; a number beyond this is no class but a mistake.
MOST_CLASSES = 65_536


def input_array(values: NDArray[Any], place: str) -> Float32:
    """Inputs, float32 (N, I).

    Args:
        values: as read.
        place: file and array, for messages.

    Raises:
        DataError: not two-dimensional, empty, not real numbers, not finite, beyond float32.
    """
    return _matrix(values, place)


def target_array(values: NDArray[Any], place: str) -> tuple[Float32, TargetKind]:
    """Targets, float32 (N, O), and their kind.

    Integers (N,) are labels 0 … K − 1 and become one-hot rows of K = largest + 1 classes. Other
    (N,) count as one column. One column of 0 and 1 is "bit"; rows with a single 1 among 0s are
    "one_hot"; anything else is "values".

    Raises:
        DataError: as `input_array`; a negative label, or labels of one class alone.
    """
    if values.ndim == 1 and values.dtype.kind in "iu":
        return _one_hot(values, place), "one_hot"
    if values.ndim == 1:
        values = values[:, None]
    targets = _matrix(values, place)
    binary = bool(np.isin(targets, (0.0, 1.0)).all())
    if binary and targets.shape[1] == 1:
        return targets, "bit"
    if binary and bool((targets.sum(axis=1) == 1).all()):
        return targets, "one_hot"
    return targets, "values"


def _one_hot(labels: NDArray[Any], place: str) -> Float32:
    if labels.size == 0:
        raise DataError(f"{place}: no samples")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0:
        raise DataError(
            f"{place}: sample {int(labels.argmin())} has label {lowest}; labels run from 0"
        )
    if highest == 0:
        raise DataError(f"{place}: every label is 0; a classification needs at least two classes")
    if highest >= MOST_CLASSES:
        raise DataError(
            f"{place}: sample {int(labels.argmax())} has label {highest}; labels are taken as "
            f"classes, of which there may be {MOST_CLASSES}. Save values as floating-point numbers"
        )
    one_hot = np.zeros((len(labels), highest + 1), np.float32)
    one_hot[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return one_hot


def _matrix(values: NDArray[Any], place: str) -> Float32:
    if values.dtype.kind not in "fiub":
        raise DataError(f"{place}: expected real numbers, got an array of type {values.dtype}")
    if values.ndim != 2 or 0 in values.shape:
        raise DataError(
            f"{place}: shape {values.shape}; expected (samples, columns), each at least 1"
        )
    with np.errstate(over="ignore"):
        # A long double beyond float64 becomes infinite here and is refused below.
        wide = values.astype(np.float64)
    _refuse_where(~np.isfinite(wide), wide, place, "is not finite")
    limit = float(np.finfo(np.float32).max)
    _refuse_where(np.abs(wide) > limit, wide, place, f"is beyond ±{limit:.3g}, float32's range")
    return np.ascontiguousarray(wide, np.float32)


def _refuse_where(
    wrong: NDArray[np.bool_], values: NDArray[np.float64], place: str, why: str
) -> None:
    if not wrong.any():
        return
    row, column = (int(k) for k in np.argwhere(wrong)[0])
    raise DataError(f"{place}: sample {row}, column {column} (from 0): {values[row, column]} {why}")
