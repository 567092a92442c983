"""Other settings on the measurements of a run, as far as these say anything about them.

The costs were measured around the recorded parameters. Parameters that have moved away from them by
more than a perturbation would have been measured elsewhere: from there on, what is computed is no
longer what would have happened.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.learning import mean_square_of, rounding_of
from mgd_lab.controller import Chunk
from mgd_lab.errors import ConfigurationError, LimitError
from mgd_lab.experiment import Experiment, Overrides, amended_experiment
from mgd_lab.experiment.overrides import override_mapping
from mgd_lab.replay.recording import Part, Recording
from mgd_lab.replay.report import Deviation, Exploration
from mgd_lab.replay.trajectory import starting_state, trajectory

Float64 = NDArray[np.float64]

_UPDATE = "training.update"
_TIMES = ("training.time_constants.tau_theta", "training.time_constants.tau_hp")
_UNMOVED = ("stop", "evaluate", "logging", "guards", "name", "training.finish")
_MOST_ROWS = 512


def explored_experiment(part: Part, overrides: Overrides) -> Experiment:
    """The experiment of a part of the run with what is explored.

    Raises:
        ConfigurationError: a key that decided what was measured, or that moves no parameter.
    """
    changes = override_mapping(overrides)
    for key in changes:
        _judge(key)
    mapping: dict[str, Any] = json.loads(json.dumps(part.resolved))
    update = mapping["training"]["update"]
    if f"{_UPDATE}.rule" in changes:
        # The recorded rule's own numbers mean nothing to another one.
        kept = ["rule", "learning_rate", "scale", "schedule", "clamp", "float_copy", "rounding"]
        if changes[f"{_UPDATE}.rule"] != "adam":
            kept.append("compensate")
        mapping["training"]["update"] = {key: update[key] for key in kept if key in update}
    if f"{_UPDATE}.schedule.kind" in changes:
        mapping["training"]["update"]["schedule"] = {}
    return amended_experiment(
        mapping,
        drivers=SettingsOfDrivers(chip_drivers()),
        overrides=changes,
        origin="the recorded experiment",
    )


def _judge(key: str) -> None:
    if key == _UPDATE or key.startswith(f"{_UPDATE}.") or key in _TIMES:
        return
    if any(key == prefix or key.startswith(f"{prefix}.") for prefix in _UNMOVED):
        why = "moves no parameter"
    else:
        why = "decided what was measured, or where, and the log holds no other measurements"
    raise ConfigurationError(
        f"--set {key}: it {why}. A replay can explore {_UPDATE} (rule, learning_rate, scale, "
        "momentum, beta1, beta2, epsilon, compensate, clamp, float_copy, rounding, schedule), "
        f"{_TIMES[0]} and, of algorithm analog, {_TIMES[1]}; for anything else run the "
        "experiment again"
    )


class Explorer:
    """Parameters θ' that other settings lead to, beside the recorded θ.

    It is given the same steps as the replay, and is told where that is.
    """

    def __init__(self, recording: Recording, overrides: Overrides, theta: Float64) -> None:
        self._changes = override_mapping(overrides)
        self._recording = recording
        self._experiments = [explored_experiment(part, overrides) for part in recording.parts]
        first = self._experiments[0]
        squares = mean_square_of(first, recording.amplitudes)
        self._size = math.sqrt(float(squares.sum()))
        self._stops_at: int | None = None
        self._refused = ""
        self._rows: list[Deviation] = []
        self._every = self._due = 1
        self._before = (theta, theta)
        envelope = recording.parts[0].envelope.with_rounding(rounding_of(first))
        state = starting_state(first, envelope, theta)
        self._trajectory = trajectory(first, envelope, recording.amplitudes, state)

    def begin_part(self, number: int) -> None:
        """The run was resumed; the explored settings are laid over those of its new part."""
        part, experiment = self._recording.parts[number], self._experiments[number]
        self._trajectory = trajectory(
            experiment,
            part.envelope.with_rounding(rounding_of(experiment)),
            self._recording.amplitudes,
            self._trajectory.state,
        )

    def span(self, most: int) -> int:
        """Steps to take next."""
        return most if self._refused else self._trajectory.span(most)

    def advance(
        self, chunk: Chunk, first: int, stop: int, costs: Float64, baselines: Float64
    ) -> None:
        """As `Trajectory.advance`; the end of θ' where the limits refuse it."""
        if self._refused:
            return
        try:
            self._trajectory.advance(chunk, first, stop, costs, baselines)
        except LimitError as error:
            self._refused = f"the update after step {self._trajectory.state.steps:,}: {error}"

    def watch(self, theta: Float64) -> None:
        """Compares with the recorded θ (P,) after the same steps."""
        if self._stops_at is None and not self._refused:
            state = self._trajectory.state
            apart = state.theta - theta
            if math.sqrt(float(apart @ apart)) > self._size:
                self._stops_at = state.steps

    def tell(self, theta: Float64) -> None:
        """A row of the result, at a snapshot."""
        self._due -= 1
        if self._refused or self._due > 0:
            return
        self._due = self._every
        state = self._trajectory.state
        distance = float(np.linalg.norm(state.theta - theta))
        applied, explored = theta - self._before[0], state.theta - self._before[1]
        angle, ratio = _compared(applied, explored)
        self._before = (theta, state.theta)
        self._rows.append(Deviation(state.steps, distance, distance / self._size, angle, ratio))
        if len(self._rows) >= _MOST_ROWS:
            # Every second row goes, and half as many come: bounded, however long the run.
            del self._rows[1::2]
            self._every *= 2

    def result(self) -> Exploration:
        """What was found."""
        return Exploration(
            changes=dict(self._changes),
            perturbation_size=self._size,
            stops_at=self._stops_at,
            refused=self._refused,
            deviations=tuple(self._rows),
        )


def _compared(applied: Float64, explored: Float64) -> tuple[float, float]:
    """Angle in degrees between two changes of θ, and the second's length over the first's."""
    lengths = float(np.linalg.norm(applied)), float(np.linalg.norm(explored))
    if not all(lengths):
        return math.nan, math.nan
    # Half the angle by its tangent: the cosine of a small angle has no digits left for it.
    a, b = applied / lengths[0], explored / lengths[1]
    half = math.atan2(float(np.linalg.norm(a - b)), float(np.linalg.norm(a + b)))
    return math.degrees(2 * half), lengths[1] / lengths[0]
