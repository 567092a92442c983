"""Labels of a data set whose classes are known → one-hot rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import DataError


def one_hot(labels: NDArray[Any], classes: int, path: Path) -> NDArray[np.float32]:
    """Rows (n, classes) of labels (n,), 0 to classes − 1.

    Raises:
        DataError: a label beyond the classes; with the file and the sample.
    """
    beyond = (labels < 0) | (labels >= classes)
    if beyond.any():
        sample = int(beyond.argmax())
        raise DataError(
            f"{path}: sample {sample} (from 0) has label {int(labels[sample])}; labels are 0 to "
            f"{classes - 1}"
        )
    rows = np.zeros((len(labels), classes), np.float32)
    rows[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return rows
