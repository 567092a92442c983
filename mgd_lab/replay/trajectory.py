"""θ along a run, driven by recorded costs in place of a chip."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.learning import (
    estimate_of,
    filters_of,
    mean_square_of,
    rate_of,
    rule_of,
    schedule_of,
)
from mgd_lab.controller import (
    AnalogEstimate,
    Chunk,
    DiscreteEstimate,
    Envelope,
    TrainingState,
    Updater,
)
from mgd_lab.experiment import Experiment

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class Trajectory(Protocol):
    """The state after as many steps as it was given costs for."""

    state: TrainingState

    def span(self, most: int) -> int:
        """Steps to take next, at most `most`, up to the end of a window."""
        ...

    def advance(
        self, chunk: Chunk, first: int, stop: int, costs: Float64, baselines: Float64
    ) -> None:
        """Steps `first` … `stop − 1` of the chunk, within one window.

        `costs` and `baselines` are those of the whole chunk, (count,). LimitError where the update
        leaves the limits: the state is then that before the update.
        """
        ...

    def settle(self) -> None:
        """The update of a window that was measured, and whose update was refused."""
        ...


class DiscreteTrajectory:
    """Of the discrete algorithm."""

    def __init__(self, estimate: DiscreteEstimate, window: int, state: TrainingState) -> None:
        self.state = state
        self._estimate = estimate
        self._window = window

    def span(self, most: int) -> int:
        """Up to the end of the window."""
        return min(most, self._window - self.state.steps % self._window)

    def advance(
        self, chunk: Chunk, first: int, stop: int, costs: Float64, baselines: Float64
    ) -> None:
        """Steps of one window, and the update at its end."""
        state = self.state
        state.steps += stop - first
        self._estimate.add(state, chunk, first, costs[first:stop], baselines[first:stop])
        if state.steps % self._window == 0:
            self._estimate.close_window(state)

    def settle(self) -> None:
        """See `Trajectory`."""
        state = self.state
        if state.steps % self._window == 0 and state.updates < state.steps // self._window:
            self._estimate.close_window(state)


class AnalogTrajectory:
    """Of the analog algorithm: every step is a window of its own."""

    def __init__(self, estimate: AnalogEstimate, state: TrainingState) -> None:
        self.state = state
        self._estimate = estimate

    def span(self, most: int) -> int:  # noqa: ARG002 (always one)
        """One step."""
        return 1

    def advance(
        self,
        chunk: Chunk,
        first: int,
        stop: int,  # noqa: ARG002 (the next)
        costs: Float64,
        baselines: Float64,  # noqa: ARG002 (there are none)
    ) -> None:
        """The step `first`."""
        self._estimate.add(self.state, chunk, first, float(costs[first]))
        self._estimate.update(self.state)

    def settle(self) -> None:
        """See `Trajectory`."""
        if self.state.updates < self.state.steps:
            self._estimate.update(self.state)


def trajectory(
    experiment: Experiment, envelope: Envelope, amplitudes: Float32, state: TrainingState
) -> Trajectory:
    """From `state` on, which it takes over; amplitudes (P,)."""
    training = experiment.training
    updater = Updater(rule_of(training.update), rate_of(training.update), envelope)
    schedule = schedule_of(experiment)
    square = mean_square_of(experiment, amplitudes)
    if training.algorithm == "analog":
        filters = filters_of(training.time_constants, square)
        return AnalogTrajectory(AnalogEstimate(schedule, filters, updater), state)
    estimate = estimate_of(experiment, square, updater)
    return DiscreteTrajectory(estimate, schedule.tau_theta, state)


def starting_state(experiment: Experiment, envelope: Envelope, theta: Float64) -> TrainingState:
    """The state at step 0 at θ (P,); LimitError where θ does not fit into the envelope."""
    admitted = envelope.admit(theta)
    return TrainingState(
        theta=admitted.theta,
        sent=admitted.sent,
        rule=rule_of(experiment.training.update).init(len(theta)),
        total=np.zeros(len(theta)),
        projected=admitted.projected,
    )


def copied(state: TrainingState) -> TrainingState:
    """The state as it is now; arrays are shared, since none is ever changed in place."""
    return dataclasses.replace(state)
