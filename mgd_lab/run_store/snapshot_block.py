"""Parameter snapshots gathered to one row of the log, so that small ones cost little."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgd_lab.errors import RunStoreError
from mgd_lab.records import ParameterSnapshot
from mgd_lab.run_store.array_bytes import FLOAT64, INT64, to_bytes
from mgd_lab.run_store.checksums import row_crc
from mgd_lab.run_store.schema import SNAPSHOT_BLOBS, SNAPSHOT_LAYOUT

LARGEST_ROW_BYTES = 1 << 20


class SnapshotBlock:
    """Snapshots in the order of their steps, up to about 1 MiB; a closing one has its own row.

    `parameters` and `last_step` are those of the log so far.
    """

    def __init__(self, parameters: int | None = None, last_step: int = -1) -> None:
        self._gathered: list[ParameterSnapshot] = []
        self._parameters = parameters
        self._last_step = last_step

    def takes(self, snapshot: ParameterSnapshot) -> bool:
        """Whether the snapshot still fits into this row."""
        if not self._gathered:
            return True
        if snapshot.closing or self._gathered[0].closing:
            return False
        return (len(self._gathered) + 1) * (snapshot.theta.nbytes + 16) <= LARGEST_ROW_BYTES

    def add(self, snapshot: ParameterSnapshot) -> None:
        size = len(snapshot.theta)
        if self._parameters is None:
            self._parameters = size
        if size != self._parameters:
            raise RunStoreError(
                f"a snapshot at step {snapshot.step} has {size} parameters, earlier ones "
                f"{self._parameters}"
            )
        if snapshot.step < self._last_step:
            raise RunStoreError(
                f"a snapshot of step {snapshot.step} comes after one of step {self._last_step}"
            )
        self._last_step = int(snapshot.step)
        self._gathered.append(snapshot)

    def take_row(self) -> dict[str, Any] | None:
        """Columns of `parameter_blocks` by name; None when empty."""
        gathered, self._gathered = self._gathered, []
        if not gathered:
            return None
        steps = np.array([snapshot.step for snapshot in gathered], dtype=INT64)
        updates = np.array([snapshot.update for snapshot in gathered], dtype=INT64)
        theta = np.stack([snapshot.theta for snapshot in gathered])
        layout = (int(steps[0]), int(steps[-1]), len(gathered), theta.shape[1])
        blobs = (steps.tobytes(), updates.tobytes(), to_bytes(theta, FLOAT64))
        return {
            **dict(zip(SNAPSHOT_LAYOUT, layout, strict=True)),
            "closing": int(gathered[0].closing),
            "crc": row_crc(layout, *blobs),
            **dict(zip(SNAPSHOT_BLOBS, blobs, strict=True)),
        }
