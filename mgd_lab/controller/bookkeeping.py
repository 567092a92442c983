"""What is written between windows: evaluations, snapshots, events and checkpoints, when due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import Schedule
from mgd_lab.chip.recovery import Recovery
from mgd_lab.controller.clock import Clock
from mgd_lab.controller.evaluation import Evaluator
from mgd_lab.controller.state import Best, TrainingState
from mgd_lab.controller.step_log import StepLog
from mgd_lab.records import (
    Checkpoint,
    Counters,
    Evaluation,
    Event,
    ParameterSnapshot,
    RecordSink,
    Rollback,
)

Final = Literal["", "finished", "target_reached", "target_missed", "interrupted", "failed"]


@dataclass(frozen=True)
class Cadence:
    """How often things are done between windows, resolved to numbers."""

    evaluate_every_steps: int
    parameters_every_updates: int
    checkpoint_every_seconds: float


class Bookkeeper:
    """Writes the log of a training, and knows what is due next.

    Its own memory goes into every checkpoint beside the training's state, so that a run that is
    resumed evaluates and keeps parameters at the same steps as one that was never interrupted.
    """

    def __init__(
        self,
        *,
        schedule: Schedule,
        evaluator: Evaluator,
        cadence: Cadence,
        log: StepLog,
        sink: RecordSink,
        clock: Clock,
        interrupted: Callable[[], bool],
        writes: Callable[[], int],
        recoveries: Callable[[], Sequence[Recovery]],
    ) -> None:
        self.log = log
        self._schedule = schedule
        self._evaluator = evaluator
        self._cadence = cadence
        self._sink = sink
        self._clock = clock
        self._interrupted = interrupted
        self._writes = writes
        self._recoveries = recoveries
        self.last: Evaluation | None = None
        # Of the closing evaluation, where that is better than all before: the run is judged by it
        # if it ends here, and not if it goes on, since the longer run would not have made it.
        self._best_at_end: Best | None = None
        self._next_evaluation = 0
        self._next_snapshot = 0
        self._next_checkpoint = 0.0
        self._last_snapshot = -1
        self._last_checkpoint: Checkpoint | None = None
        self._projected = 0
        self._limited = 0
        self._began = clock.monotonic()

    @property
    def seconds(self) -> float:
        """Of training so far, those before an interruption included."""
        return self._clock.monotonic() - self._began

    def begin(self) -> None:
        """The clock of the training starts."""
        self._began = self._clock.monotonic()
        self._next_checkpoint = self._began + self._cadence.checkpoint_every_seconds

    def go_on(self, arrays: Mapping[str, NDArray[Any]], state: TrainingState) -> None:
        """As `begin`, from the memory that a checkpoint's arrays hold."""
        self.begin()
        due = arrays["book.due"].tolist()
        self._next_evaluation, self._next_snapshot, self._last_snapshot = due
        self._began -= float(arrays["book.seconds"])
        self._projected = state.projected
        self._limited = 0 if state.clamp is None else state.clamp.limited
        step, update, cost, accuracy = arrays["book.last_evaluation"].tolist()
        if step >= 0:
            samples = self._evaluator.samples
            self.last = Evaluation(
                step=int(step),
                update=int(update),
                split=samples.split,
                samples=len(samples.inputs),
                cost=cost,
                accuracy=None if np.isnan(accuracy) else accuracy,
                utc_seconds=self._clock.utc(),
            )

    def until_due(self, state: TrainingState, window: int) -> int:
        """Steps to the end of the window in which an evaluation or a snapshot is due."""
        evaluation = -(-self._next_evaluation // window) * window
        return max(1, min(evaluation, self._next_snapshot * window) - state.steps)

    def is_due(self, state: TrainingState) -> bool:
        """Whether `between_windows` has anything to do."""
        return state.steps >= self._next_evaluation or state.updates >= self._next_snapshot

    def between_windows(self, state: TrainingState) -> None:
        """The snapshot and the evaluation that are due; still due where it was left off."""
        if state.updates >= self._next_snapshot:
            self._snapshot(state, state.theta, closing=False)
            every = self._cadence.parameters_every_updates
            self._next_snapshot = (state.updates // every + 1) * every
        if state.steps >= self._next_evaluation:
            if not self.evaluate(state, closing=False):
                return
            every = self._cadence.evaluate_every_steps
            self._next_evaluation = (state.steps // every + 1) * every

    def evaluate(self, state: TrainingState, *, closing: bool) -> bool:
        """False where it was left off, and says nothing."""
        samples = self._evaluator.samples
        found = self._evaluator.evaluate(state.sent, self._interrupted)
        if found is None:
            state.remeasured_probes += self._evaluator.left_off
            return False
        cost, accuracy = found
        state.evaluation_probes += len(samples.inputs)
        self.last = Evaluation(
            step=state.steps,
            update=state.updates,
            split=samples.split,
            samples=len(samples.inputs),
            cost=cost,
            accuracy=accuracy,
            utc_seconds=self._clock.utc(),
            closing=closing,
        )
        if state.best is None or cost < state.best.cost:
            best = Best(state.steps, cost, accuracy, state.theta.copy())
            if closing:
                self._best_at_end = best
            else:
                state.best = best
        self.log.flush()
        self._sink.write(self.last)
        return True

    def best(self, state: TrainingState) -> Best | None:
        """The evaluation with the lowest cost, the closing one included."""
        return self._best_at_end or state.best

    def timely(self, state: TrainingState) -> None:
        """What is done by the clock: recoveries are told, now and then a checkpoint."""
        self.tell_recoveries(state)
        now = self._clock.monotonic()
        if now >= self._next_checkpoint:
            self.checkpoint(state, "")
            self._next_checkpoint = now + self._cadence.checkpoint_every_seconds

    def checkpoint(self, state: TrainingState, final: Final) -> None:
        """All so far becomes durable, with what it takes to go on from here."""
        self.log.flush()
        if state.projected > self._projected:
            newly = state.projected - self._projected
            self._projected = state.projected
            self.event(
                state,
                "projected",
                f"updates moved {newly} parameter values onto the chip's limits",
                count=newly,
            )
        self._tell_limited(state, final)
        self._last_checkpoint = Checkpoint(
            counters=self.counters(state),
            utc_seconds=self._clock.utc(),
            monotonic_seconds=self._clock.monotonic(),
            state={**state.arrays(), **self._arrays()},
            final=final,
        )
        self._sink.write(self._last_checkpoint)

    def _tell_limited(self, state: TrainingState, final: Final) -> None:
        """Now and then, and at the end: outliers may come at every checkpoint of a long run."""
        limited = 0 if state.clamp is None else state.clamp.limited
        if limited > self._limited and (final or limited >= 2 * self._limited):
            self._limited = limited
            self.event(
                state,
                "clamped",
                f"{limited:,} of {state.steps:,} modulations were limited (training.update.clamp)",
                count=limited,
            )

    def roll_back(self, final: Final, kind: str, message: str) -> None:
        """Training was torn out of a window: the log ends with the last checkpoint, and why."""
        last = self._last_checkpoint
        if last is None:
            return
        self._sink.write(Rollback())
        utc, monotonic = self._clock.utc(), self._clock.monotonic()
        self._sink.write(Event(last.counters.steps, kind, message, utc, {}))
        self._sink.write(Checkpoint(last.counters, utc, monotonic, last.state, final))

    def close(self, state: TrainingState, final: Final, theta: NDArray[np.float64]) -> None:
        """The end: θ (P,) that the run ends with, and the last checkpoint."""
        self.tell_recoveries(state)
        if self._last_snapshot != state.steps or theta is not state.theta:
            self._snapshot(state, theta, closing=True)
        self.checkpoint(state, final)

    def tell_recoveries(self, state: TrainingState) -> None:
        """What the link went through becomes part of the log."""
        for recovery in self._recoveries():
            state.remeasured_probes += recovery.remeasured_probes
            self.event(
                state,
                recovery.kind,
                recovery.message,
                remeasured_probes=recovery.remeasured_probes,
                elapsed_seconds=recovery.elapsed_seconds,
                utc_seconds=recovery.utc_seconds,
            )

    def event(self, state: TrainingState, kind: str, message: str, **details: object) -> None:
        """Something worth telling."""
        self.log.flush()
        self._sink.write(Event(state.steps, kind, message, self._clock.utc(), details))

    def counters(self, state: TrainingState) -> Counters:
        """Totals so far."""
        return state.counters(self._schedule.draws(state.steps))

    def _snapshot(self, state: TrainingState, theta: NDArray[np.float64], *, closing: bool) -> None:
        self.log.flush()
        self._last_snapshot = state.steps
        self._sink.write(ParameterSnapshot(state.steps, state.updates, theta.copy(), closing))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        last = self.last
        evaluation = (
            [-1.0, -1.0, np.nan, np.nan]
            if last is None
            else [
                last.step,
                last.update,
                last.cost,
                np.nan if last.accuracy is None else last.accuracy,
            ]
        )
        return {
            "book.due": np.array(
                [self._next_evaluation, self._next_snapshot, self._last_snapshot], np.int64
            ),
            "book.seconds": np.array(self.seconds),
            "book.writes": np.array(self._writes()),
            "book.last_evaluation": np.array(evaluation, np.float64),
            "open_window": self.log.open_window,
        }
