"""Gathers what was measured into records of many steps each."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.clock import Clock
from mgd_lab.records import RecordSink, StepBlock, WindowMeans

Float64 = NDArray[np.float64]


class StepLog:
    """Takes the costs of a chunk's steps in order and writes them when told.

    The arrays that go into a record are never written again.
    """

    def __init__(
        self,
        sink: RecordSink,
        clock: Clock,
        costs: Literal["all", "window_mean", "none"],
        open_window: Float64 | None = None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._mode = costs
        self._chunk: Chunk | None = None
        self._costs = np.empty(0)
        self._baselines = np.empty(0)
        self._written = 0
        self._filled = 0
        self._window_costs: Float64 = np.zeros(3) if open_window is None else open_window.copy()
        self._means: list[tuple[float, float, float]] = []

    @property
    def open_window(self) -> Float64:
        """Sum of costs, of baselines, and number of steps of the window not closed yet, (3,)."""
        return self._window_costs.copy()

    def begin(self, chunk: Chunk) -> None:
        """What follows are steps of this chunk, from its first."""
        self.flush()
        self._chunk = chunk
        if self._mode == "all":
            self._costs = np.empty(chunk.plan.count)
            self._baselines = np.full(chunk.plan.count, np.nan)
        self._written = self._filled = 0

    def add(self, costs: Float64, baselines: Float64 | None) -> None:
        """The next steps: costs and baselines (n,), None where there are no baselines."""
        stop = self._filled + len(costs)
        if self._mode == "all":
            self._costs[self._filled : stop] = costs
            if baselines is not None:
                self._baselines[self._filled : stop] = baselines
        elif self._mode == "window_mean":
            sums = self._window_costs
            sums[0] = _added(sums[0], costs)
            sums[1] = np.nan if baselines is None else _added(sums[1], baselines)
            sums[2] += len(costs)
        self._filled = stop

    def close_window(self, steps: int) -> None:
        """The window ended when `steps` steps had been done."""
        if self._mode == "window_mean":
            cost, baseline, count = self._window_costs
            self._means.append((steps, cost / count, baseline / count))
            self._window_costs = np.zeros(3)

    def flush(self) -> None:
        """Writes what has been gathered."""
        if self._mode == "all" and self._chunk is not None and self._filled > self._written:
            span = slice(self._written, self._filled)
            self._sink.write(
                StepBlock(
                    first_step=self._chunk.plan.first_step + self._written,
                    samples=self._chunk.step_samples[span],
                    costs=self._costs[span],
                    baselines=self._baselines[span],
                    utc_seconds=self._clock.utc(),
                    monotonic_seconds=self._clock.monotonic(),
                )
            )
            self._written = self._filled
        if self._means:
            table = np.array(self._means)
            self._means = []
            self._sink.write(
                WindowMeans(
                    last_steps=table[:, 0].astype(np.int64),
                    costs=np.ascontiguousarray(table[:, 1]),
                    baselines=np.ascontiguousarray(table[:, 2]),
                    utc_seconds=self._clock.utc(),
                    monotonic_seconds=self._clock.monotonic(),
                )
            )


def _added(total: float, values: Float64) -> float:
    """One after another, so that the sum does not depend on how a window was cut."""
    return float(np.add.accumulate(np.concatenate([[total], values]))[-1])
