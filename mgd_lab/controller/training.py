"""The loop: windows one after another, with evaluations, log and stop rules between them."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import Schedule
from mgd_lab.controller.bookkeeping import Bookkeeper
from mgd_lab.controller.chunks import Chunk, ChunkSource
from mgd_lab.controller.clock import Clock
from mgd_lab.controller.intermission import Intermission
from mgd_lab.controller.learners import Learner
from mgd_lab.controller.progress import Outcome, Progress, Status
from mgd_lab.controller.state import TrainingState
from mgd_lab.controller.watch import Watch
from mgd_lab.errors import MgdLabError, RunStoreError
from mgd_lab.experiment import Stop

_FIRST_CHUNK_STEPS = 64
_CHUNK_SECONDS = 0.5
_PROGRESS_SECONDS = 0.1


class _Kept(NamedTuple):
    theta: NDArray[np.float64]
    cost: float | None
    accuracy: float | None


class Training:
    """One run of the loop on an open chip.

    `observe` is called a few times a second; `interrupt` ends the run at the next block, and
    `pausing` may hold it there. `watch` looks at what surrounds the costs.
    """

    def __init__(
        self,
        *,
        schedule: Schedule,
        source: ChunkSource,
        learner: Learner,
        book: Bookkeeper,
        stop: Stop,
        finish: Literal["last", "best"],
        clock: Clock,
        interrupt: threading.Event,
        observe: Callable[[Progress], None],
        watch: Watch,
        pausing: Intermission,
    ) -> None:
        self._schedule = schedule
        self._source = source
        self._learner = learner
        self._book = book
        self._stop = stop
        self._finish = finish
        self._clock = clock
        self._interrupt = interrupt
        self._observe = observe
        self._watch = watch
        self._pausing = pausing
        self._next_progress = 0.0

    def run(
        self, state: TrainingState, memory: Mapping[str, NDArray[Any]] | None = None
    ) -> Outcome:
        """From the state given to a stop rule, an interruption or an error.

        `memory` are the arrays of the checkpoint that the state comes from; None at step 0.
        """
        book = self._book
        if memory is None:
            book.begin()
            # Before anything is measured: a run that dies in its first second can be resumed.
            book.checkpoint(state, "")
        else:
            book.go_on(memory, state)
        try:
            self._watch.begin(state)
            if memory is not None:
                self._take_up(state)
            status = self._loop(state)
            if status != "interrupted":
                status = self._conclude(state, status)
            self._watch.conclude()
            if status == "interrupted":
                book.tell_recoveries(state)
                book.event(state, "interrupted", "stopped on request, between two blocks")
            kept = self._kept(state, status)
            book.close(state, status, kept.theta)
        except BaseException as error:
            self._record_end(state, error)
            raise
        return Outcome(
            status=status,
            counters=book.counters(state),
            seconds=book.seconds,
            cost=kept.cost,
            accuracy=kept.accuracy,
        )

    def _record_end(self, state: TrainingState, error: BaseException) -> None:
        """Keeps what was measured and why it ended; never hides the error itself."""
        book, message = self._book, str(error) or repr(error)
        try:
            if isinstance(error, MgdLabError):
                book.tell_recoveries(state)
                book.event(state, "error", message, error=type(error).__name__)
                book.close(state, "failed", state.theta)
            elif isinstance(error, KeyboardInterrupt):
                # It may have come in the middle of an update: only the last checkpoint is whole.
                book.roll_back("interrupted", "interrupted", "stopped at once, within a block")
            else:
                book.roll_back("failed", "error", f"{type(error).__name__}: {message}")
        except RunStoreError as second:
            error.add_note(f"The run's log could not be completed either: {second}")

    def _take_up(self, state: TrainingState) -> None:
        """What an interruption left undone, and measurements that are made only to go on."""
        self._learner.settle(state)
        self.measure_baseline_again(state)

    def measure_baseline_again(self, state: TrainingState) -> None:
        """C0 anew, where the next step would be compared with one measured before a pause.

        The chip may have drifted since. On one that has not, nothing changes.
        """
        first = self._schedule.last_fresh(state.steps)
        if first is None or first == state.steps:
            return
        before = state.baseline
        self._learner.measure_baseline(state, self._source.chunk(first, 1))
        self._book.event(
            state,
            "baseline_again",
            f"the baseline in force was measured again: {before:.6g} before, {state.baseline:.6g} "
            "now",
            before=before,
            now=state.baseline,
        )

    def _loop(self, state: TrainingState) -> Status:
        chunk_steps = _FIRST_CHUNK_STEPS
        if state.steps % self._learner.window == 0:
            self._between_windows(state)
        if self._target_reached():
            return "target_reached"
        while True:
            if self._finished(state):
                return "finished"
            began = self._clock.monotonic()
            count = min(chunk_steps, self._source.most_steps(), self._steps_left(state))
            chunk = self._source.chunk(state.steps, count)
            self._book.log.begin(chunk)
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
        learner, book, monotonic = self._learner, self._book, self._clock.monotonic
        interrupt, pausing, window = self._interrupt, self._pausing, learner.window
        n, count = 0, chunk.plan.count
        if self._stop.probes is not None:
            # The step that reaches the limit is the last, wherever in a window it lies.
            count = min(count, bisect_left(chunk.starts, self._stop.probes - state.probes))
        while n < count:
            if (interrupt.is_set() or pausing.requested) and not self._go_on(state):
                return "interrupted"
            stop = n + learner.span(state, min(count - n, book.until_due(state, window)))
            done = learner.advance(state, chunk, n, stop)
            n += done
            if state.steps % window == 0 and book.is_due(state):
                self._between_windows(state)
                if self._target_reached():
                    return "target_reached"
            if monotonic() >= self._next_progress:
                self._timely(state)
            if self._finished(state):
                return "finished"
        book.log.flush()
        return None

    def _between_windows(self, state: TrainingState) -> None:
        """What is due, again where a pause left it off."""
        while self._book.is_due(state):
            self._book.between_windows(state)
            if self._book.is_due(state) and not self._go_on(state):
                return

    def _go_on(self, state: TrainingState) -> bool:
        """Pauses for as long as anyone asks for it; False where the run is interrupted."""
        while self._pausing.requested:
            self._tell_findings(state)
            if not self._pausing.pause(
                state, self._book, lambda reason: self._tell(state, paused=reason)
            ):
                return False
            if self._pausing.makes_safe:
                self._learner.forget_chip()
            self.measure_baseline_again(state)
        return not self._interrupt.is_set()

    def _conclude(self, state: TrainingState, status: Status) -> Status:
        """A last evaluation where the last one was earlier; the target decides."""
        last = self._book.last
        current = last is not None and last.step == state.steps
        while not current and not self._book.evaluate(state, closing=True):
            if not self._go_on(state):
                return "interrupted"
        if self._target_reached():
            return "target_reached"
        has_target = self._stop.cost_below is not None or self._stop.accuracy_at_least is not None
        return "target_missed" if has_target else status

    def _kept(self, state: TrainingState, status: Status) -> _Kept:
        """What the run ends with: the last parameters, or those of the best evaluation."""
        last, best = self._book.last, self._book.best(state)
        if self._finish == "best" and best is not None and status != "interrupted":
            self._book.event(
                state,
                "finish_best",
                f"the run ends with the parameters of step {best.step}, whose cost of "
                f"{best.cost:.6g} is the lowest evaluated",
                step=best.step,
            )
            return _Kept(best.theta, best.cost, best.accuracy)
        cost, accuracy = (None, None) if last is None else (last.cost, last.accuracy)
        return _Kept(state.theta, cost, accuracy)

    def _timely(self, state: TrainingState) -> None:
        """What is done by the clock: progress a few times a second, now and then a checkpoint."""
        self._next_progress = self._clock.monotonic() + _PROGRESS_SECONDS
        self._tell(state)
        self._book.timely(state)
        self._watch.look_around()
        self._tell_findings(state)

    def _tell_findings(self, state: TrainingState) -> None:
        for guard, finding in self._watch.take_told():
            self._book.event(state, "guard", finding.message, guard=guard, action=finding.action)

    def _tell(self, state: TrainingState, paused: str = "") -> None:
        last = self._book.last
        self._observe(
            Progress(
                counters=self._book.counters(state),
                seconds=self._book.seconds,
                fraction=self._fraction(state),
                cost=None if last is None else last.cost,
                accuracy=None if last is None else last.accuracy,
                paused=paused,
            )
        )

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
            or (stop.seconds is not None and self._book.seconds >= stop.seconds)
        )

    def _target_reached(self) -> bool:
        stop, last = self._stop, self._book.last
        if last is None:
            return False
        if stop.cost_below is not None and last.cost < stop.cost_below:
            return True
        return (
            stop.accuracy_at_least is not None
            and last.accuracy is not None
            and last.accuracy >= stop.accuracy_at_least
        )

    def _fraction(self, state: TrainingState) -> float:
        stop = self._stop
        parts = [
            done / limit
            for done, limit in (
                (state.steps, stop.steps),
                (state.updates, stop.updates),
                (state.probes, stop.probes),
                (self._book.seconds, stop.seconds),
            )
            if limit is not None and limit > 0
        ]
        return float(np.clip(max(parts, default=0.0), 0.0, 1.0))
