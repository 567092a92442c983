"""n-bit parity."""

from __future__ import annotations

import numpy as np

from mgd_lab.datasets.data_set import DataSet
from mgd_lab.datasets.splitting import split_by_name
from mgd_lab.errors import DataError

MOST_BITS = 16


def parity(bits: int, seed: int = 1, validation: float = 0.0, test: float = 0.0) -> DataSet:
    """All 2^bits patterns of 0 and 1; the target is 1 where the number of ones is odd.

    Sample k is k in binary, most significant bit first: input 0 is bit `bits − 1` of k.

    Raises:
        DataError: bits outside 1 … 16, or a split that leaves nothing to train on.
    """
    if not 1 <= bits <= MOST_BITS:
        raise DataError(f"parity of {bits} bits; task.bits must lie between 1 and {MOST_BITS}")
    samples = np.arange(2**bits, dtype=np.uint32)
    places = np.arange(bits - 1, -1, -1, dtype=np.uint32)
    inputs = (samples[:, None] >> places) & 1
    targets = inputs.sum(axis=1, keepdims=True) % 2
    return DataSet(
        name="parity",
        inputs=inputs.astype(np.float32),
        targets=targets.astype(np.float32),
        target_kind="bit",
        description=f"{bits}-bit parity: all {2**bits} patterns",
        splits=split_by_name(2**bits, seed, validation, test),
    )
