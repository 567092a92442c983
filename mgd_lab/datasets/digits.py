"""scikit-learn's digits: 1,797 handwritten digits of 8x8 pixels, real data without a download.

The test part of "Optical Recognition of Handwritten Digits" (Alpaydin, Kaynak, 1998, UCI), which
scikit-learn carries; it has no official split of its own.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from mgd_lab.datasets.data_set import DataSet
from mgd_lab.datasets.splitting import split_by_name
from mgd_lab.errors import MissingExtraError

DIGITS_SAMPLES = 1797
_CLASSES = 10
_BRIGHTEST = 16


def digits(seed: int = 1, validation: float = 0.0, test: float = 0.2) -> DataSet:
    """64 inputs, levels 0 to 16 divided by 16, row by row; one-hot targets 0 to 9.

    Raises:
        MissingExtraError: scikit-learn is not installed.
        DataError: a split that leaves nothing to train on.
    """
    try:
        library: Any = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise MissingExtraError("data set digits", "scikit-learn", "data") from error
    pixels, labels = library.load_digits(return_X_y=True)
    return DataSet(
        name="digits",
        inputs=np.ascontiguousarray(pixels / _BRIGHTEST, np.float32),
        targets=np.eye(_CLASSES, dtype=np.float32)[labels],
        target_kind="one_hot",
        description="scikit-learn's digits: 1,797 handwritten digits of 8x8 pixels",
        splits=split_by_name(len(labels), seed, validation, test),
    )
