"""The training: updates, evaluations between them, stop rules, and what the log keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.interruption import Interrupt
from mgd_lab.codes import sample_order
from mgd_lab.controller import Clock, EvaluationSet, Outcome, Progress
from mgd_lab.controller.progress import Status
from mgd_lab.errors import MgdLabError
from mgd_lab.experiment import Experiment
from mgd_lab.records import (
    Checkpoint,
    Counters,
    Evaluation,
    Event,
    ParameterSnapshot,
    RecordSink,
)
from mgd_lab.reference.backpropagation import Backpropagation
from mgd_lab.reference.plan import Plan

_PROGRESS_SECONDS = 0.1


class ReferenceTraining:
    """One training, from initial parameters to a stop rule or an interruption.

    `training_seconds` counts updates alone: no evaluation, no log.
    """

    def __init__(
        self,
        *,
        experiment: Experiment,
        plan: Plan,
        learner: Backpropagation,
        evaluated: EvaluationSet,
        sink: RecordSink,
        clock: Clock,
        interrupt: Interrupt,
        observe: Callable[[Progress], None],
    ) -> None:
        self._experiment = experiment
        self._plan = plan
        self._learner = learner
        self._evaluated = evaluated
        self._sink = sink
        self._clock = clock
        self._interrupted = interrupt.event.is_set
        self._observe = observe
        self._began = clock.monotonic()
        self._steps = 0
        self._kept_step = -1
        self._evaluation_probes = 0
        self._last: Evaluation | None = None
        self._best: tuple[Evaluation, NDArray[np.float64]] | None = None
        self._next_progress = self._next_checkpoint = 0.0
        self.training_seconds = 0.0

    @property
    def counters(self) -> Counters:
        """No probe is made: `samples` are presentations, each forward and backward."""
        return Counters(
            steps=self._steps,
            evaluation_probes=self._evaluation_probes,
            samples=self._steps * self._plan.batch,
            updates=self._steps,
        )

    @property
    def seconds(self) -> float:
        """Since the training began."""
        return self._clock.monotonic() - self._began

    def run(self) -> Outcome:
        """Trains; the log is closed by a checkpoint, also where an error ends it."""
        self._checkpoint("")
        # Whatever is prepared at the first use is no part of the time an update takes.
        self._learner.gradient(self._drawn(0))
        self._learner.synchronise()
        try:
            status = self._trained()
        except MgdLabError as error:
            self._tell("error", str(error), error=type(error).__name__)
            self._checkpoint("failed")
            raise
        last, theta = self._kept(status)
        self._snapshot(theta)
        self._checkpoint(status, theta)
        cost, accuracy = (None, None) if last is None else (last.cost, last.accuracy)
        return Outcome(status, self.counters, self.seconds, cost, accuracy)

    def _trained(self) -> Status:
        while True:
            if not self._evaluate():
                return self._stopped()
            if self._target_reached():
                return "target_reached"
            if self._is_over():
                stop = self._experiment.stop
                targets = (stop.cost_below, stop.accuracy_at_least)
                return "finished" if targets == (None, None) else "target_missed"
            self._snapshot(self._learner.theta)
            every = self._plan.evaluate_every
            self._advance(min(self._plan.steps, (self._steps // every + 1) * every))
            if self._interrupted():
                return self._stopped()

    def _advance(self, last: int) -> None:
        """Updates until `last` have been done, or something ends them."""
        clock, learner = self._clock, self._learner
        began = clock.monotonic()
        while self._steps < last and not self._interrupted():
            learner.step(self._drawn(self._steps))
            self._steps += 1
            now = clock.monotonic()
            if now >= self._next_progress:
                learner.synchronise()
                self.training_seconds += clock.monotonic() - began
                self._timely()
                began = clock.monotonic()
                if self._is_over():
                    break
        learner.synchronise()
        self.training_seconds += clock.monotonic() - began

    def _drawn(self, step: int) -> NDArray[np.uint32]:
        """The batch of a step: the same draws in the same order as those of MGD."""
        plan, experiment = self._plan, self._experiment
        order = experiment.training.samples.order
        return sample_order(order, experiment.seed, plan.samples, step * plan.batch, plan.batch)

    def _evaluate(self) -> bool:
        """False where it was interrupted."""
        found = self._learner.evaluate(self._evaluated, self._interrupted)
        if found is None:
            return False
        count = len(self._evaluated.inputs)
        self._evaluation_probes += count
        self._last = Evaluation(
            self._steps, self._steps, self._evaluated.split, count, *found, self._clock.utc()
        )
        self._sink.write(self._last)
        if self._best is None or self._last.cost < self._best[0].cost:
            self._best = (self._last, self._learner.theta)
        self._timely()
        return True

    def _snapshot(self, theta: NDArray[np.float64]) -> None:
        if self._steps != self._kept_step:
            self._kept_step = self._steps
            self._sink.write(ParameterSnapshot(self._steps, self._steps, theta))

    def _timely(self) -> None:
        """Progress a few times a second, now and then a checkpoint."""
        now = self._clock.monotonic()
        self._next_progress = now + _PROGRESS_SECONDS
        last, stop = self._last, self._experiment.stop
        fraction = self._steps / self._plan.steps
        if stop.seconds is not None:
            fraction = max(fraction, self.seconds / stop.seconds)
        cost, accuracy = (None, None) if last is None else (last.cost, last.accuracy)
        self._observe(Progress(self.counters, self.seconds, min(1.0, fraction), cost, accuracy))
        if now >= self._next_checkpoint:
            self._checkpoint("")

    def _is_over(self) -> bool:
        limit = self._experiment.stop.seconds
        return self._steps >= self._plan.steps or (limit is not None and self.seconds >= limit)

    def _target_reached(self) -> bool:
        stop, last = self._experiment.stop, self._last
        if last is None:
            return False
        if stop.cost_below is not None and last.cost < stop.cost_below:
            return True
        least = stop.accuracy_at_least
        return least is not None and last.accuracy is not None and last.accuracy >= least

    def _stopped(self) -> Status:
        self._tell("interrupted", "stopped on request, between two updates")
        return "interrupted"

    def _kept(self, status: Status) -> tuple[Evaluation | None, NDArray[np.float64]]:
        """What the training ends with: the last parameters, or those of the best evaluation."""
        best = self._best
        if self._experiment.training.finish == "best" and best and status != "interrupted":
            step = best[0].step
            message = f"the run ends with the parameters of step {step}"
            self._tell("finish_best", message, step=step)
            return best
        return self._last, self._learner.theta

    def _tell(self, kind: str, message: str, **details: Any) -> None:
        self._sink.write(Event(self._steps, kind, message, self._clock.utc(), details))

    def _checkpoint(self, final: Any, theta: NDArray[np.float64] | None = None) -> None:
        now = self._clock.monotonic()
        self._next_checkpoint = now + self._experiment.logging.checkpoint_every_seconds
        state: Mapping[str, NDArray[Any]] = {
            "theta": self._learner.theta if theta is None else theta,
            "training_seconds": np.array(self.training_seconds),
        }
        self._sink.write(Checkpoint(self.counters, self._clock.utc(), now, state, final))
