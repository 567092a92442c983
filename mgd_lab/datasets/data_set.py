"""A data set as the bench receives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import DataError

SplitName = Literal["train", "validation", "test"]
TargetKind = Literal["bit", "one_hot", "values"]


@dataclass(frozen=True)
class DataSet:
    """Samples and their splits.

    Attributes:
        name: of the data set, for messages and the run's record.
        inputs: float32 (N, I).
        targets: float32 (N, O).
        target_kind: "bit" (one output, 0 or 1), "one_hot" (one class a row) or "values".
        description: one sentence on where it is from.
        splits: uint32 indices of the samples (rows of `inputs`) of train, validation and test.
    """

    name: str
    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    target_kind: TargetKind
    description: str
    splits: Mapping[SplitName, NDArray[np.uint32]]

    def split(self, name: SplitName) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Inputs (n, I) and targets (n, O) of one split, C-contiguous.

        Where the split's rows follow one another they are parts of `inputs` and `targets`, which
        costs no memory: neither may be written to.

        Raises:
            DataError: the split holds no sample.
        """
        indices = self.splits[name]
        if indices.size == 0:
            raise DataError(
                f"data set {self.name!r} has no {name} samples ({len(self.inputs)} samples in "
                f"all); set task.split.{name} so that this fraction of them is at least one sample"
            )
        first, last = int(indices[0]), int(indices[-1])
        follow = last - first == indices.size - 1 and bool((np.diff(indices) == 1).all())
        rows = slice(first, last + 1) if follow else indices
        return np.ascontiguousarray(self.inputs[rows]), np.ascontiguousarray(self.targets[rows])
