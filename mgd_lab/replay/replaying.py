"""From a run's folder to a report: the replay as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.assembly import snapshot_interval
from mgd_lab.bench.initial import drawn_parameters
from mgd_lab.bench.learning import mean_square_of
from mgd_lab.controller import TrainingState
from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.experiment import Overrides
from mgd_lab.replay.comparison import differing_state, same_bits, told_difference
from mgd_lab.replay.exploring import Explorer
from mgd_lab.replay.locating import MOST_STEPS, suspects
from mgd_lab.replay.recording import Recording, read_recording
from mgd_lab.replay.report import Difference, ReplayReport
from mgd_lab.replay.snapshots import Snapshots
from mgd_lab.replay.surroundings import differing_surroundings
from mgd_lab.replay.trajectory import starting_state
from mgd_lab.replay.walk import Walk
from mgd_lab.run_store import Run, open_run

Float64 = NDArray[np.float64]


def replay_run(
    path: str | Path,
    overrides: Overrides = (),
    *,
    observe: Callable[[int, int], None] | None = None,
) -> ReplayReport:
    """Runs estimate and update again from the log alone, and compares.

    Args:
        path: the run's folder, or any file in it.
        overrides: {"training.update.learning_rate": 0.1}, or texts as `--set` takes them: explores
            them on the recorded measurements.
        observe: called now and then with the steps done and those of the log.

    Raises:
        ConfigurationError: the log does not hold every cost, or an override is of no use here.
        RunStoreError: there is no run, or its folder is damaged.
    """
    began = time.perf_counter()
    with open_run(path) as run, run.one_moment():
        if run.reference:
            raise ConfigurationError(
                f"{run.path} is a reference ({run.reference}): it measured no probes, and there "
                "is nothing to replay. mgd-lab reference repeats it"
            )
        recording = read_recording(run)
        found = _Replay(run, recording, overrides, observe or (lambda _done, _all: None))
        report = found.report()
    return replace(report, seconds=time.perf_counter() - began)


class _Replay:
    """One run, replayed."""

    def __init__(
        self,
        run: Run,
        recording: Recording,
        overrides: Overrides,
        observe: Callable[[int, int], None],
    ) -> None:
        self._run = run
        self._recording = recording
        self._total = run.counters.steps
        self._snapshots = Snapshots(run)
        self._start_known = recording.experiment.training.initial.source is None
        state, at_start = self._start()
        self._explorer = Explorer(recording, overrides, state.theta) if overrides else None
        self._walk = Walk(
            recording,
            state,
            self._snapshots,
            self._explorer,
            lambda steps: observe(steps, self._total),
        )
        if at_start is not None:
            self._walk.note(at_start)

    def report(self) -> ReplayReport:
        """Does it all."""
        run, walk = self._run, self._walk
        self._note_damage()
        complete = walk.through(run)
        state_agrees = complete and self._state_agrees()
        self._finish_snapshots(complete)
        self._explain()
        differences = sorted(
            # What is certain to lie the earliest comes first.
            walk.differences.values(),
            key=lambda each: (each.last_step, -each.first_step),
        )
        return ReplayReport(
            path=run.path,
            simulated=run.simulated,
            steps=walk.state.steps,
            snapshots=run.snapshot_count(),
            agreeing=walk.agreeing,
            state_agrees=state_agrees,
            differences=tuple(differences),
            explored=None if self._explorer is None else self._explorer.result(),
            seconds=0.0,
            recorded_seconds=self._recorded_seconds(),
            surroundings=differing_surroundings(run.environment) if differences else (),
        )

    def _start(self) -> tuple[TrainingState, Difference | None]:
        """The state at step 0: drawn again where it was drawn, otherwise as recorded."""
        recording, recorded = self._recording, self._snapshots.next
        initial, envelope = recording.experiment.training.initial, recording.parts[0].envelope
        known = None if recorded is None or recorded.step > 0 else recorded.theta
        if not self._start_known:
            if known is None:
                raise ConfigurationError(
                    f"{self._run.path}: the log does not hold the parameters at step 0, and they "
                    f"came from outside (training.initial.from: {initial.source}); there is "
                    "nothing to replay from"
                )
            return starting_state(recording.experiment, envelope, known), None
        drawn = drawn_parameters(initial, recording.experiment.seed, envelope.description)
        state = starting_state(recording.experiment, envelope, drawn)
        if known is None or known.shape != drawn.shape or same_bits(known, state.theta):
            return state, None
        told = told_difference(known, state.theta, recording.names)
        message = f"the snapshot at step 0 is not what the seed draws: {told}"
        return state, Difference("initial", 0, 0, message)

    def _note_damage(self) -> None:
        damaged = self._run.damaged_blocks()
        if damaged:
            first, count = damaged[0]
            more = f" (and {len(damaged) - 1} other blocks)" if len(damaged) > 1 else ""
            self._walk.note(
                Difference(
                    "damage",
                    first,
                    first + count - 1,
                    f"the block of steps {first:,} to {first + count - 1:,} is not what was "
                    f"written: its checksum is wrong{more}",
                )
            )

    def _state_agrees(self) -> bool:
        walk = self._walk
        agreed, steps = walk.agreed.steps, walk.state.steps
        if steps != self._total:
            first, last = sorted((steps, self._total))
            message = f"the log ends after step {steps:,}, and {self._total:,} steps were counted"
            walk.note(Difference("steps", first, last - 1, message))
            return False
        try:
            recorded = self._run.state()
        except RunStoreError as error:
            walk.note(Difference("state", steps, steps, str(error)))
            return False
        differing = differing_state(recorded, walk.state, start_known=self._start_known)
        if differing:
            message = (
                f"the controller's state after {steps:,} steps is not reproduced: "
                f"{', '.join(differing)}"
            )
            last = max(0, steps - 1)
            walk.note(Difference("state", min(agreed, last), last, message))
        return not differing

    def _finish_snapshots(self, complete: bool) -> None:
        walk, snapshots = self._walk, self._snapshots
        steps = walk.state.steps
        if snapshots.damage:
            message = f"snapshots cannot be read any further: {snapshots.damage}"
            last = max(walk.agreed.steps, steps - 1)
            walk.note(Difference("damage", walk.agreed.steps, last, message))
        elif complete and snapshots.next is not None:
            message = (
                f"the log ends after step {steps:,}, and holds a snapshot after step "
                f"{snapshots.next_step:,}"
            )
            walk.note(Difference("steps", steps, snapshots.next_step - 1, message))
        elif complete:
            self._note_missing_snapshots()

    def _note_missing_snapshots(self) -> None:
        """What is not there cannot disagree: all that were due must be there."""
        recording, state = self._recording, self._walk.state
        if len(recording.parts) > 1:
            # How often they are kept may have been changed when the run was resumed.
            due = 1
        else:
            window = recording.source.schedule.tau_theta
            every = snapshot_interval(recording.experiment, window, len(recording.names))
            due = state.updates // every + 1
        found = self._run.snapshot_count()
        if found < due:
            message = (
                f"{found:,} snapshots of the parameters are in the log, and {due:,} were due in "
                f"{state.updates:,} updates"
            )
            self._walk.note(Difference("parameters", 0, max(0, state.steps - 1), message))

    def _explain(self) -> None:
        """What the snapshots that do not agree come from, as far as it can be told."""
        walk, snapshot = self._walk, self._walk.disagreed
        found = walk.differences.get("parameters")
        if snapshot is None or found is None:
            return
        if walk.rejoined:
            message = f"{found.message}; later ones are: it is the snapshot that was changed"
            walk.differences["parameters"] = replace(
                found, first_step=snapshot.step, last_step=snapshot.step, message=message
            )
            return
        recording, experiment = self._recording, self._recording.experiment
        first, stop = walk.agreed.steps, snapshot.step
        if (
            experiment.training.algorithm == "analog"
            or not 1 <= stop - first <= MOST_STEPS
            or snapshot.theta.shape != walk.agreed.theta.shape
            or any(first < part.first_step < stop for part in recording.parts)
        ):
            return
        named = suspects(
            recording.source,
            walk.begin_again,
            walk.agreed,
            self._run.costs(first, stop, verify=False),
            snapshot.theta,
            mean_square_of(experiment, recording.amplitudes),
        )
        damaged = self._run.damaged_blocks()
        certain = tuple(
            suspect
            for suspect in named
            if any(low <= suspect.step < low + count for low, count in damaged)
        )
        walk.differences["parameters"] = replace(found, suspects=certain or named)

    def _recorded_seconds(self) -> float | None:
        seconds = self._run.summary.get("wall_seconds")
        return None if seconds is None else float(seconds)
