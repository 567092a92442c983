"""One window of learning: measure, compare with the baseline, correlate, update.

The two learners differ in what a window is. Both take steps of a chunk and leave everything
they know in the training state.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import AnalogFilter, Schedule
from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.estimates import AnalogEstimate, Updater
from mgd_lab.controller.measurement import Measurement
from mgd_lab.controller.state import TrainingState
from mgd_lab.controller.step_log import StepLog
from mgd_lab.costs import batch_mean

Float64 = NDArray[np.float64]

_NOTHING = np.empty(0)


class Learner(Protocol):
    """Does the steps `first` … `stop − 1` of a chunk, at most up to the end of a window.

    Returns the number of steps done: fewer than asked only when held up between blocks.
    """

    @property
    def window(self) -> int:
        """Steps between two updates."""
        ...

    def span(self, state: TrainingState, most: int) -> int:
        """Steps to do next: at most `most`, after which something else is due."""
        ...

    def advance(self, state: TrainingState, chunk: Chunk, first: int, stop: int) -> int: ...

    def settle(self, state: TrainingState) -> None:
        """The update that is still due where one was refused when its window had been measured."""
        ...

    def measure_baseline(self, state: TrainingState, chunk: Chunk) -> None:
        """C0 anew, from the probes without perturbation of the chunk's first step."""
        ...

    def forget_chip(self) -> None:
        """The chip has been safe meanwhile: what it held of the training, it holds no more."""
        ...


class WindowEstimate(Protocol):
    """What the costs of a window say of the gradient; `DiscreteEstimate` or `NodeEstimate`."""

    def begin(self) -> None:
        """Probes will be measured whose costs are added next."""
        ...

    def hold_baseline(self) -> None:
        """The probes without perturbation that are in force were measured again."""
        ...

    def add(
        self, state: TrainingState, chunk: Chunk, first: int, plus: Float64, reference: Float64
    ) -> None:
        """C and C0 (or C₊ and C₋), (n,) each, of the steps from `first` on of the chunk."""
        ...

    def close_window(self, state: TrainingState) -> None:
        """The update by all that was added since the last."""
        ...


class DiscreteLearner:
    """Discrete algorithm: C̃ from a measured or paired baseline, one update a window."""

    def __init__(
        self,
        schedule: Schedule,
        estimate: WindowEstimate,
        measurement: Measurement,
        log: StepLog,
    ) -> None:
        self._window = schedule.tau_theta
        self._batch = schedule.batch
        self._paired = schedule.baseline == "paired"
        self._estimate = estimate
        self._measurement = measurement
        self._log = log

    @property
    def window(self) -> int:
        """τ_θ."""
        return self._window

    def span(self, state: TrainingState, most: int) -> int:
        """Up to the end of the window."""
        return min(most, self._window - state.steps % self._window)

    def advance(self, state: TrainingState, chunk: Chunk, first: int, stop: int) -> int:
        """Steps `first` … `stop − 1` of the chunk, within one window."""
        begin, end = chunk.starts[first], chunk.starts[stop]
        self._estimate.begin()
        if self._measurement.fits_one_block(end - begin):
            costs = self._measurement.block(state.sent, chunk, begin, end)
            if len(costs):
                self._take(state, chunk, costs, first, stop)
            else:
                stop = first
        else:
            stop = self._advance_by_blocks(state, chunk, first, stop)
        state.remeasured_probes += self._measurement.take_refused()
        if state.steps % self._window == 0 and stop > first:
            self._log.close_window(state.steps)
            self._estimate.close_window(state)
        return stop - first

    def settle(self, state: TrainingState) -> None:
        """The update of a window that was measured, and whose update was refused."""
        if state.steps % self._window == 0 and state.updates < state.steps // self._window:
            self._estimate.close_window(state)

    def measure_baseline(self, state: TrainingState, chunk: Chunk) -> None:
        """C0 anew, from the probes without perturbation of the chunk's first step."""
        self._estimate.begin()
        blocks = list(self._measurement.blocks(state.sent, chunk, 0, self._batch))
        costs = np.concatenate(blocks)
        state.remeasured_probes += len(costs) + self._measurement.take_refused()
        if len(costs) == self._batch:
            state.baseline = float(self._mean(costs[None])[0])
            self._estimate.hold_baseline()

    def forget_chip(self) -> None:
        """The chip holds nothing of it: θ comes with every block."""

    def _advance_by_blocks(self, state: TrainingState, chunk: Chunk, first: int, stop: int) -> int:
        """The same in several blocks; the end of the steps that were done."""
        begin, end = chunk.starts[first], chunk.starts[stop]
        # Costs of a step that a block has cut in two wait for the next block.
        waiting, done = _NOTHING, first
        for block in self._measurement.blocks(state.sent, chunk, begin, end):
            costs = np.concatenate([waiting, block])
            whole = chunk.steps_before(chunk.starts[done] + len(costs))
            count = chunk.starts[whole] - chunk.starts[done]
            if whole > done:
                self._take(state, chunk, costs[:count], done, whole)
            waiting, done = costs[count:], whole
        # Left over only where training was held up: these will be measured again.
        state.remeasured_probes += len(waiting)
        return done

    def _take(
        self, state: TrainingState, chunk: Chunk, costs: Float64, first: int, stop: int
    ) -> None:
        """The costs of whole steps into log and estimate."""
        state.probes += len(costs)
        state.steps += stop - first
        plus, reference = self._compare(state, chunk, costs, first, stop)
        self._log.add(plus, reference)
        self._estimate.add(state, chunk, first, plus, reference)

    def _compare(
        self, state: TrainingState, chunk: Chunk, costs: Float64, first: int, stop: int
    ) -> tuple[Float64, Float64]:
        """C and C0 (or C₊ and C₋) of each step, from the costs of its probes."""
        if self._paired:
            pairs = self._pairs(state, chunk, costs, first, stop)
            return self._mean(pairs[:, :, 0]), self._mean(pairs[:, :, 1])
        if chunk.every_step_fresh:
            both = costs.reshape(stop - first, 2, self._batch)
            reference = self._mean(both[:, 0])
            state.baseline = float(reference[-1])
            return self._mean(both[:, 1]), reference
        signs = chunk.plan.signs[chunk.starts[first] : chunk.starts[stop]]
        plus = self._mean(costs[signs != 0].reshape(-1, self._batch))
        measured = self._mean(costs[signs == 0].reshape(-1, self._batch))
        # Row 0 is the baseline carried in from before these steps.
        known = np.concatenate([[state.baseline], measured])
        reference = known[np.cumsum(chunk.plan.fresh[first:stop])]
        state.baseline = float(reference[-1])
        return plus, reference

    def _pairs(
        self, state: TrainingState, chunk: Chunk, costs: Float64, first: int, stop: int
    ) -> Float64:
        """C₊ and C₋, (steps, batch, 2), without the probes between them that have neither sign."""
        if chunk.plan.fresh[first:stop].any():
            signs = chunk.plan.signs[chunk.starts[first] : chunk.starts[stop]]
            state.baseline = float(self._mean(costs[signs == 0][None, -self._batch :])[0])
            costs = costs[signs != 0]
        return costs.reshape(stop - first, self._batch, 2)

    def _mean(self, costs: Float64) -> Float64:
        return costs[:, 0] if self._batch == 1 else batch_mean(costs)


class AnalogLearner:
    """Analog algorithm: filters instead of baseline and window, an update at every step."""

    def __init__(
        self,
        schedule: Schedule,
        filters: AnalogFilter,
        measurement: Measurement,
        updater: Updater,
        log: StepLog,
    ) -> None:
        self._estimate = AnalogEstimate(schedule, filters, updater)
        self._measurement = measurement
        self._log = log

    @property
    def window(self) -> int:
        """θ moves at every step."""
        return 1

    def span(self, state: TrainingState, most: int) -> int:  # noqa: ARG002 (always one)
        """One step."""
        return 1

    def advance(
        self,
        state: TrainingState,
        chunk: Chunk,
        first: int,
        stop: int,  # noqa: ARG002 (a step is a window of its own)
    ) -> int:
        """Step `first` of the chunk: each step is a window of its own."""
        start, end = chunk.starts[first], chunk.starts[first + 1]
        costs = np.concatenate(
            list(self._measurement.blocks(state.sent, chunk, start, end)) or [_NOTHING]
        )
        state.remeasured_probes += self._measurement.take_refused()
        if len(costs) < end - start:
            state.remeasured_probes += len(costs)
            return 0
        cost = batch_mean(costs[None])
        self._estimate.add(state, chunk, first, float(cost[0]))
        state.probes += end - start
        self._log.add(cost, None)
        self._log.close_window(state.steps)
        self._estimate.update(state)
        return 1

    def settle(self, state: TrainingState) -> None:
        """The update of a step that was measured, and whose update was refused."""
        if state.updates < state.steps:
            self._estimate.update(state)

    def measure_baseline(self, state: TrainingState, chunk: Chunk) -> None:
        """The analog algorithm has none."""

    def forget_chip(self) -> None:
        """The chip holds nothing of it: θ comes with every block."""
