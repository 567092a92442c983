"""The log's snapshots of the parameters, one after another, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import RunStoreError
from mgd_lab.run_store import Run

Float64 = NDArray[np.float64]

_NEVER = 1 << 62


@dataclass(frozen=True)
class Snapshot:
    """θ (P,) after `step` steps and `update` updates, as recorded."""

    step: int
    update: int
    theta: Float64


class Snapshots:
    """A look at the next snapshot before it is taken."""

    def __init__(self, run: Run) -> None:
        self._rest = _one_by_one(run)
        self.damage = ""
        self.next: Snapshot | None = None
        self.taken = -1
        self.take()

    @property
    def next_step(self) -> int:
        """Of the next one; beyond any step where there is none."""
        return _NEVER if self.next is None else self.next.step

    def take(self) -> Snapshot | None:
        """The next one, None after the last; where they become unreadable, `damage` says why."""
        taken = self.next
        self.taken += 1
        try:
            self.next = next(self._rest, None)
        except RunStoreError as error:
            self.damage, self.next = str(error), None
        return taken


def _one_by_one(run: Run) -> Iterator[Snapshot]:
    for steps, updates, thetas in run.parameter_chunks():
        for step, update, theta in zip(steps.tolist(), updates.tolist(), thetas, strict=True):
            yield Snapshot(step, update, theta.astype(np.float64))
