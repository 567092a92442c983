"""Which single step would explain that parameters differ.

A wrong modulation moves the parameters along the perturbation of its step. Where update rules are
linear in G (sgd, momentum), the difference keeps that direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller import Chunk, ChunkSource, TrainingState
from mgd_lab.errors import LimitError
from mgd_lab.replay.report import Suspect
from mgd_lab.replay.trajectory import Trajectory, copied
from mgd_lab.run_store import Costs

Float64 = NDArray[np.float64]

# Longer stretches are not searched: every candidate is tried by replaying the stretch twice.
MOST_STEPS = 20_000
_CANDIDATES = 8
_ALIGNED = 0.9
_EXPLAINED = 1e-3
_NUDGE = 1e-2


def suspects(
    source: ChunkSource,
    begin: Callable[[TrainingState], Trajectory],
    before: TrainingState,
    costs: Costs,
    theta: Float64,
    mean_square: Float64,
) -> tuple[Suspect, ...]:
    """Steps any of which, measured otherwise, gives θ (P,) at the end of a stretch; best first.

    Args:
        source: codes of the steps.
        begin: a trajectory from a state.
        before: the state before the stretch.
        costs: of all its steps, at most `MOST_STEPS`.
        theta: what it ended with, as recorded.
        mean_square: ⟨θ̃²⟩, (P,).
    """
    stretch = _Stretch(source, begin, before, costs)
    replayed = stretch.end()
    difference = theta - replayed
    length = float(np.linalg.norm(difference))
    if not 0 < length < np.inf:
        return ()
    rounding = 16 * np.finfo(np.float64).eps * float(np.abs(theta).max())
    found: list[Suspect] = []
    for step in stretch.aligned(difference / length, mean_square):
        try:
            gain = float((stretch.end(step, _NUDGE) - replayed) @ difference) / (length * _NUDGE)
            if gain == 0:
                continue
            change = length / gain
            left = theta - stretch.end(step, change)
        except LimitError:
            continue
        residual = float(np.linalg.norm(left)) / length
        if residual <= _EXPLAINED or float(np.abs(left).max()) <= rounding:
            found.append(Suspect(int(costs.step[step]), change, residual))
    return tuple(sorted(found, key=lambda suspect: suspect.residual))


class _Stretch:
    """Neighbouring steps that are replayed again and again."""

    def __init__(
        self,
        source: ChunkSource,
        begin: Callable[[TrainingState], Trajectory],
        before: TrainingState,
        costs: Costs,
    ) -> None:
        self._source = source
        self._begin = begin
        self._before = before
        self._costs = costs

    def end(self, changed: int | None = None, change: float = 0.0) -> Float64:
        """θ (P,) at the end, with the cost of one step (counted within) changed."""
        costs = self._costs.cost.copy()
        if changed is not None:
            costs[changed] += change
        trajectory = self._begin(copied(self._before))
        for at, chunk in self._chunks():
            count, n = chunk.plan.count, 0
            own, baselines = costs[at : at + count], self._costs.baseline[at : at + count]
            while n < count:
                stop = n + trajectory.span(count - n)
                trajectory.advance(chunk, n, stop, own, baselines)
                n = stop
        return trajectory.state.theta

    def aligned(self, direction: Float64, mean_square: Float64) -> list[int]:
        """Steps whose θ̃/⟨θ̃²⟩ points along or against a unit vector (P,), the closest first."""
        weights = direction / mean_square
        scores = np.zeros(len(self._costs.step))
        for at, chunk in self._chunks():
            page = chunk.perturbations.per_page
            for first in range(0, chunk.plan.count, page):
                rows = chunk.plan.code_rows[first : first + page]
                low = int(rows[0])
                turned = chunk.perturbations.fresh(low, int(rows[-1]) + 1)
                lengths = np.linalg.norm(turned / mean_square, axis=1)
                cosines = np.abs((turned * weights).sum(axis=1)) / lengths
                scores[at + first : at + first + len(rows)] = cosines[rows - low]
        closest = np.argsort(-scores, kind="stable")[:_CANDIDATES]
        return [int(step) for step in closest if scores[step] > _ALIGNED]

    def _chunks(self) -> Iterator[tuple[int, Chunk]]:
        first, count = int(self._costs.step[0]), len(self._costs.step)
        for at in range(0, count, self._source.most_steps()):
            most = min(self._source.most_steps(), count - at)
            yield at, self._source.chunk(first + at, most)
