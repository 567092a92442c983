"""Accuracy: the share of samples that are classified right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.data_set import TargetKind
from mgd_lab.errors import DataError


def accuracy(
    outputs: NDArray[np.float64],
    targets: NDArray[np.float32] | NDArray[np.float64],
    target_kind: TargetKind,
) -> float | None:
    """Accuracy of outputs (n, O) on targets (n, O), 0 to 1; None where targets are no classes.

    bit: output and target on the same side of 0.5 (an output of 0.5 itself counts as 1);
    one_hot: the largest output is the target's class (of equal ones the first counts).

    Raises:
        DataError: shapes that differ, no samples, or outputs that are no numbers.
    """
    if outputs.shape != targets.shape or outputs.ndim != 2 or not len(outputs):
        raise DataError(
            f"accuracy of outputs {outputs.shape} on targets {targets.shape}: expected the same "
            "shape (samples, outputs) with at least one sample"
        )
    if target_kind == "values":
        return None
    if np.isnan(outputs).any():
        sample = int(np.isnan(outputs).any(axis=1).argmax())
        raise DataError(f"accuracy: the output of sample {sample} is no number (NaN)")
    if target_kind == "bit":
        right = (outputs >= 0.5) == (targets >= 0.5)
        return float(right.all(axis=1).mean())
    return float((outputs.argmax(axis=1) == targets.argmax(axis=1)).mean())
