"""Parameter snapshots gathered to one row of the log, so that small ones cost little."""

from __future__ import annotations

import numpy as np

from mgd_lab.errors import RunStoreError
from mgd_lab.records import ParameterSnapshot
from mgd_lab.run_store.array_bytes import FLOAT64, INT64, to_bytes

LARGEST_ROW_BYTES = 1 << 20

Row = tuple[int, int, int, int, bytes, bytes, bytes]


class SnapshotBlock:
    """Snapshots in the order of their steps, up to about 1 MiB."""

    def __init__(self) -> None:
        self._gathered: list[ParameterSnapshot] = []
        self._parameters: int | None = None
        self._last_step = -1

    def takes(self, snapshot: ParameterSnapshot) -> bool:
        """Whether the snapshot still fits into this row."""
        each = snapshot.theta.nbytes + 16
        return not self._gathered or (len(self._gathered) + 1) * each <= LARGEST_ROW_BYTES

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

    def take_row(self) -> Row | None:
        """first_step, last_step, count, parameters, steps, updates, theta; None when empty."""
        gathered, self._gathered = self._gathered, []
        if not gathered:
            return None
        steps = np.array([snapshot.step for snapshot in gathered], dtype=INT64)
        updates = np.array([snapshot.update for snapshot in gathered], dtype=INT64)
        theta = np.stack([snapshot.theta for snapshot in gathered])
        return (
            int(steps[0]),
            int(steps[-1]),
            len(gathered),
            theta.shape[1],
            steps.tobytes(),
            updates.tobytes(),
            to_bytes(theta, FLOAT64),
        )
