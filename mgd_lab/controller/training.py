"""The loop: windows one after another, with evaluations, log and stop rules between them."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mgd_lab.algorithm import Schedule
from mgd_lab.chip.recovery import Recovery
from mgd_lab.controller.chunks import Chunk, ChunkSource
from mgd_lab.controller.clock import Clock
from mgd_lab.controller.evaluation import Evaluator
from mgd_lab.controller.learners import Learner
from mgd_lab.controller.progress import Outcome, Progress, Status
from mgd_lab.controller.state import TrainingState
from mgd_lab.controller.step_log import StepLog
from mgd_lab.errors import RunStoreError
from mgd_lab.experiment import Stop
from mgd_lab.records import (
    Checkpoint,
    Counters,
    Evaluation,
    Event,
    ParameterSnapshot,
    RecordSink,
)

_FIRST_CHUNK_STEPS = 64
_CHUNK_SECONDS = 0.5
_PROGRESS_SECONDS = 0.1


@dataclass(frozen=True)
class Cadence:
    """How often things are done between windows, resolved to numbers."""

    evaluate_every_steps: int
    parameters_every_updates: int
    checkpoint_every_seconds: float


class Training:
    """One run of the loop on an open chip.

    `observe` is called a few times a second; `interrupt` ends the run at the next block.
    """

    def __init__(
        self,
        *,
        schedule: Schedule,
        source: ChunkSource,
        learner: Learner,
        evaluator: Evaluator,
        stop: Stop,
        cadence: Cadence,
        log: StepLog,
        sink: RecordSink,
        clock: Clock,
        interrupt: threading.Event,
        observe: Callable[[Progress], None],
        recoveries: Callable[[], Sequence[Recovery]],
    ) -> None:
        self._schedule = schedule
        self._source = source
        self._learner = learner
        self._evaluator = evaluator
        self._stop = stop
        self._cadence = cadence
        self._log = log
        self._sink = sink
        self._clock = clock
        self._interrupt = interrupt
        self._observe = observe
        self._recoveries = recoveries
        self._last: Evaluation | None = None
        self._started = 0.0
        self._next_evaluation = 0
        self._next_snapshot = 0
        self._next_checkpoint = 0.0
        self._next_progress = 0.0
        self._projected = 0

    def run(self, state: TrainingState) -> Outcome:
        """From the state given to a stop rule, an interruption or an error."""
        self._started = self._clock.monotonic()
        self._next_checkpoint = self._started + self._cadence.checkpoint_every_seconds
        try:
            status = self._loop(state)
            if status != "interrupted":
                status = self._conclude(state, status)
        except BaseException as error:
            self._record_end(state, error)
            raise
        self._tell_recoveries(state)
        if status == "interrupted":
            self._event(state, "interrupted", "stopped on request, between two blocks")
        self._close(state, status)
        return Outcome(
            status=status,
            counters=self._counters(state),
            seconds=self._clock.monotonic() - self._started,
            cost=None if self._last is None else self._last.cost,
            accuracy=None if self._last is None else self._last.accuracy,
        )

    def _record_end(self, state: TrainingState, error: BaseException) -> None:
        """Keeps what was measured and why it ended; never hides the error itself."""
        try:
            self._tell_recoveries(state)
            self._event(state, "error", str(error) or repr(error), error=type(error).__name__)
            interrupted = isinstance(error, KeyboardInterrupt)
            self._close(state, "interrupted" if interrupted else "failed")
        except RunStoreError as second:
            error.add_note(f"The run's log could not be completed either: {second}")

    def _loop(self, state: TrainingState) -> Status:
        chunk_steps = _FIRST_CHUNK_STEPS
        self._between_windows(state)
        if self._target_reached():
            return "target_reached"
        while True:
            if self._finished(state):
                return "finished"
            began = self._clock.monotonic()
            count = min(chunk_steps, self._source.most_steps(), self._steps_left(state))
            chunk = self._source.chunk(state.steps, count)
            self._log.begin(chunk)
            verdict = self._chunk(state, chunk)
            if verdict is not None:
                return verdict
            seconds = self._clock.monotonic() - began
            # Long enough that preparing costs little, short enough that a slow chip's
            # measurements reach the disk and the screen in time.
            if seconds < _CHUNK_SECONDS / 4:
                chunk_steps *= 4
            elif seconds > _CHUNK_SECONDS:
                chunk_steps = max(1, chunk_steps // 2)
            chunk_steps = min(chunk_steps, self._source.most_steps())

    def _chunk(self, state: TrainingState, chunk: Chunk) -> Status | None:
        """All steps of a chunk; a status where the run ends within it."""
        window, learner, monotonic = self._learner.window, self._learner, self._clock.monotonic
        n, count = 0, chunk.plan.count
        if self._stop.probes is not None:
            # The step that reaches the limit is the last, wherever in a window it lies.
            count = min(count, bisect_left(chunk.starts, self._stop.probes - state.probes))
        while n < count:
            if self._interrupt.is_set():
                return "interrupted"
            stop = n + learner.span(state, min(count - n, self._until_due(state)))
            done = learner.advance(state, chunk, n, stop)
            if done < stop - n:
                return "interrupted"
            n = stop
            closed = state.steps % window == 0
            if closed and (
                state.steps >= self._next_evaluation or state.updates >= self._next_snapshot
            ):
                self._between_windows(state)
                if self._target_reached():
                    return "target_reached"
            if monotonic() >= self._next_progress:
                self._timely(state)
            if self._finished(state):
                return "finished"
        self._log.flush()
        return None

    def _until_due(self, state: TrainingState) -> int:
        """Steps to the end of the window in which an evaluation or a snapshot is due."""
        window = self._learner.window
        evaluation = -(-self._next_evaluation // window) * window
        return max(1, min(evaluation, self._next_snapshot * window) - state.steps)

    def _between_windows(self, state: TrainingState) -> None:
        if state.updates >= self._next_snapshot:
            self._snapshot(state)
            every = self._cadence.parameters_every_updates
            self._next_snapshot = (state.updates // every + 1) * every
        if state.steps >= self._next_evaluation:
            self._evaluate(state)
            every = self._cadence.evaluate_every_steps
            self._next_evaluation = (state.steps // every + 1) * every

    def _conclude(self, state: TrainingState, status: Status) -> Status:
        """A last evaluation where the last one was earlier; the target decides."""
        current = self._last is not None and self._last.step == state.steps
        if not current and not self._evaluate(state):
            return "interrupted"
        if self._target_reached():
            return "target_reached"
        has_target = self._stop.cost_below is not None or self._stop.accuracy_at_least is not None
        return "target_missed" if has_target else status

    def _evaluate(self, state: TrainingState) -> bool:
        """False where it was interrupted, and says nothing."""
        samples = self._evaluator.samples
        found = self._evaluator.evaluate(state.sent, self._interrupt.is_set)
        if found is None:
            return False
        cost, accuracy = found
        state.evaluation_probes += len(samples.inputs)
        self._last = Evaluation(
            step=state.steps,
            update=state.updates,
            split=samples.split,
            samples=len(samples.inputs),
            cost=cost,
            accuracy=accuracy,
            utc_seconds=self._clock.utc(),
        )
        self._log.flush()
        self._sink.write(self._last)
        return True

    def _snapshot(self, state: TrainingState) -> None:
        self._log.flush()
        self._sink.write(ParameterSnapshot(state.steps, state.updates, state.theta.copy()))

    def _timely(self, state: TrainingState) -> None:
        """What is done by the clock: progress a few times a second, now and then a checkpoint."""
        now = self._clock.monotonic()
        self._next_progress = now + _PROGRESS_SECONDS
        self._tell_recoveries(state)
        last = self._last
        self._observe(
            Progress(
                counters=self._counters(state),
                seconds=now - self._started,
                fraction=self._fraction(state, now),
                cost=None if last is None else last.cost,
                accuracy=None if last is None else last.accuracy,
            )
        )
        if now >= self._next_checkpoint:
            self._checkpoint(state, "")
            self._next_checkpoint = now + self._cadence.checkpoint_every_seconds

    def _checkpoint(self, state: TrainingState, final: Any) -> None:
        self._log.flush()
        if state.projected > self._projected:
            newly = state.projected - self._projected
            self._projected = state.projected
            self._event(
                state,
                "projected",
                f"updates moved {newly} parameter values onto the chip's limits",
                count=newly,
            )
        self._sink.write(
            Checkpoint(
                counters=self._counters(state),
                utc_seconds=self._clock.utc(),
                monotonic_seconds=self._clock.monotonic(),
                state={**state.arrays(), "open_window": self._log.open_window},
                final=final,
            )
        )

    def _tell_recoveries(self, state: TrainingState) -> None:
        """What the link went through becomes part of the log."""
        for recovery in self._recoveries():
            state.remeasured_probes += recovery.remeasured_probes
            self._event(
                state,
                recovery.kind,
                recovery.message,
                remeasured_probes=recovery.remeasured_probes,
                elapsed_seconds=recovery.elapsed_seconds,
                utc_seconds=recovery.utc_seconds,
            )

    def _close(self, state: TrainingState, final: str) -> None:
        self._tell_recoveries(state)
        self._log.flush()
        self._sink.write(ParameterSnapshot(state.steps, state.updates, state.theta.copy()))
        self._checkpoint(state, final)

    def _event(self, state: TrainingState, kind: str, message: str, **details: object) -> None:
        self._log.flush()
        self._sink.write(Event(state.steps, kind, message, self._clock.utc(), details))

    def _counters(self, state: TrainingState) -> Counters:
        return state.counters(self._schedule.draws(state.steps))

    def _steps_left(self, state: TrainingState) -> int:
        limits = [self._source.most_steps()]
        if self._stop.steps is not None:
            limits.append(self._stop.steps - state.steps)
        if self._stop.updates is not None:
            window = self._learner.window
            limits.append((self._stop.updates - state.updates) * window - state.steps % window)
        return max(1, min(limits))

    def _finished(self, state: TrainingState) -> bool:
        stop = self._stop
        return (
            (stop.steps is not None and state.steps >= stop.steps)
            or (stop.updates is not None and state.updates >= stop.updates)
            or (stop.probes is not None and state.probes >= stop.probes)
            or (
                stop.seconds is not None and self._clock.monotonic() - self._started >= stop.seconds
            )
        )

    def _target_reached(self) -> bool:
        stop, last = self._stop, self._last
        if last is None:
            return False
        if stop.cost_below is not None and last.cost < stop.cost_below:
            return True
        return (
            stop.accuracy_at_least is not None
            and last.accuracy is not None
            and last.accuracy >= stop.accuracy_at_least
        )

    def _fraction(self, state: TrainingState, now: float) -> float:
        stop = self._stop
        parts = [
            done / limit
            for done, limit in (
                (state.steps, stop.steps),
                (state.updates, stop.updates),
                (state.probes, stop.probes),
                (now - self._started, stop.seconds),
            )
            if limit is not None and limit > 0
        ]
        return float(np.clip(max(parts, default=0.0), 0.0, 1.0))
