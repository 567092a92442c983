"""One window of learning: measure, compare with the baseline, correlate, update.

The two learners differ in what a window is. Both take steps of a chunk and leave everything
they know in the training state.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import (
    AnalogFilter,
    LearningRate,
    Schedule,
    UpdateRule,
)
from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.envelope import Envelope
from mgd_lab.controller.measurement import Measurement
from mgd_lab.controller.state import TrainingState
from mgd_lab.controller.step_log import StepLog
from mgd_lab.costs import batch_mean

Float64 = NDArray[np.float64]

_NOTHING = np.empty(0)


class Learner(Protocol):
    """Does the steps `first` … `stop − 1` of a chunk, at most up to the end of a window.

    Returns the number of steps done: fewer than asked only when interrupted between blocks.
    """

    @property
    def window(self) -> int:
        """Steps between two updates."""
        ...

    def span(self, state: TrainingState, most: int) -> int:
        """Steps to do next: at most `most`, after which something else is due."""
        ...

    def advance(self, state: TrainingState, chunk: Chunk, first: int, stop: int) -> int: ...


class Updater:
    """Applies G to θ by rule, rate and envelope."""

    def __init__(self, rule: UpdateRule, rate: LearningRate, envelope: Envelope) -> None:
        self._rule = rule
        self._rate = rate
        self._envelope = envelope

    def update(self, state: TrainingState, gradient: Float64) -> None:
        """G (P,) after `state.steps` steps."""
        change, rule_state = self._rule.update(state.rule, gradient, self._rate.at(state.steps))
        admitted = self._envelope.admit(state.theta + change)
        # Assigned together, after the gate: a refusal leaves the state as it was.
        state.theta, state.sent, state.rule = admitted.theta, admitted.sent, rule_state
        state.updates += 1
        state.projected += admitted.projected


class DiscreteLearner:
    """Discrete algorithm: C̃ from a measured or paired baseline, one update a window."""

    def __init__(
        self,
        schedule: Schedule,
        mean_square: Float64,
        scale: Literal["integral", "mean"],
        measurement: Measurement,
        updater: Updater,
        log: StepLog,
    ) -> None:
        self._window = schedule.tau_theta
        self._batch = schedule.batch
        self._paired = schedule.baseline == "paired"
        self._divisor = mean_square * (schedule.tau_theta if scale == "mean" else 1)
        # Where every window begins; shared, for totals are never changed in place.
        self._zeros = np.zeros_like(mean_square)
        self._measurement = measurement
        self._updater = updater
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
        if self._measurement.fits_one_block(end - begin):
            costs = self._measurement.block(state.sent, chunk, begin, end)
            self._take(state, chunk, costs, first, stop)
        else:
            stop = self._advance_by_blocks(state, chunk, first, stop)
        if state.steps % self._window == 0 and stop > first:
            self._log.close_window(state.steps)
            self._updater.update(state, state.total / self._divisor)
            state.total = self._zeros
        return stop - first

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
        # Left over only where training was interrupted: these will be measured again.
        state.remeasured_probes += len(waiting)
        return done

    def _take(
        self, state: TrainingState, chunk: Chunk, costs: Float64, first: int, stop: int
    ) -> None:
        """The costs of whole steps into log and estimate."""
        state.probes += len(costs)
        state.steps += stop - first
        plus, reference = self._compare(state, chunk, costs, first, stop)
        modulations = plus - reference
        if self._paired:
            modulations *= 0.5
        self._log.add(plus, reference)
        state.total = chunk.correlate(state.total, modulations, first)

    def _compare(
        self, state: TrainingState, chunk: Chunk, costs: Float64, first: int, stop: int
    ) -> tuple[Float64, Float64]:
        """C and C0 (or C₊ and C₋) of each step, from the costs of its probes."""
        if self._paired:
            pairs = costs.reshape(stop - first, self._batch, 2)
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
        self._tau_x = schedule.tau_x
        self._filters = filters
        self._measurement = measurement
        self._updater = updater
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
        if len(costs) < end - start:
            state.remeasured_probes += len(costs)
            return 0
        cost = batch_mean(costs[None])
        new_sample = state.steps % self._tau_x == 0
        filters = self._filters.init() if state.filters is None else state.filters
        state.filters = self._filters.update(
            filters, float(cost[0]), chunk.perturbation(first), new_sample=new_sample
        )
        state.probes += end - start
        state.steps += 1
        self._log.add(cost, None)
        self._log.close_window(state.steps)
        self._updater.update(state, state.filters.gradient)
        return 1
