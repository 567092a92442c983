"""What a run's log says of the way to a target: probes and updates, or a reference's time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mgd_lab.bench import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.learning import schedule_of
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import experiment_from_mapping
from mgd_lab.projection.counts import BothCounts, counts_of
from mgd_lab.projection.target import Target, steps_to
from mgd_lab.run_store import Run, open_run


@dataclass(frozen=True)
class Way:
    """How far a run was counted.

    Attributes:
        steps: to the target, or of the whole run.
        reached: whether the target was; None where none is asked for.
        why_not: where it was not, what the run's evaluations say; else "".
        split: that was evaluated, "" where nothing was.
        best_accuracy, best_cost: of all evaluations; None where there is none.
    """

    steps: float
    reached: bool | None
    why_not: str
    split: str
    best_accuracy: float | None
    best_cost: float | None


@dataclass(frozen=True)
class MeasuredRun:
    """A chip's run. `probes` and `updates` are those of its `way`."""

    path: Path
    name: str
    simulated: bool
    dataset: str
    batch: int
    way: Way
    probes: float
    updates: float
    counts: BothCounts


@dataclass(frozen=True)
class MeasuredReference:
    """A run of backpropagation.

    Attributes:
        seconds: of training alone, along its `way`.
        epochs: likewise.
        gpu: whether a GPU computed it.
        device: in words.
    """

    path: Path
    name: str
    dataset: str
    way: Way
    seconds: float
    epochs: float
    gpu: bool
    device: str


def read_measured(path: Path, target: Target | None) -> MeasuredRun | MeasuredReference:
    """Read a run.

    Raises:
        RunStoreError: it cannot be read.
        ConfigurationError: it has done no step.
    """
    with open_run(path) as run, run.one_moment():
        if not run.counters.steps:
            raise ConfigurationError(
                f"{run.path} has done no step: there is nothing to project. Name another run"
            )
        way = _way(run, target)
        return _reference(run, way) if run.reference else _of_chip(run, way)


def _of_chip(run: Run, way: Way) -> MeasuredRun:
    experiment = experiment_from_mapping(
        run.experiment,
        drivers=SettingsOfDrivers(chip_drivers()),
        origin=str(run.path / "resolved.json"),
    )
    probes, updates = _at(run, way.steps, "probes"), _at(run, way.steps, "updates")
    schedule = schedule_of(experiment)
    return MeasuredRun(
        path=run.path,
        name=run.name,
        simulated=run.simulated,
        dataset=experiment.task.dataset,
        batch=schedule.batch,
        way=way,
        probes=probes,
        updates=updates,
        counts=counts_of(schedule, way.steps, probes, updates),
    )


def _reference(run: Run, way: Way) -> MeasuredReference:
    state, how = run.state(), run.environment["reference"]
    part = way.steps / run.counters.steps
    samples = _at(run, way.steps, "samples")
    return MeasuredReference(
        path=run.path,
        name=run.name,
        dataset=str(run.experiment["task"]["dataset"]),
        way=way,
        seconds=part * float(state["training_seconds"]),
        epochs=samples / int(run.environment["data"]["training_samples"]),
        gpu=how["device"] == "cuda",
        device=str(how["device_name"]),
    )


def _at(run: Run, steps: float, counter: str) -> float:
    """A counter after so many steps: evenly between the log's checkpoints."""
    kept: Any = run.checkpoints()
    places = np.concatenate([[0], kept.step])
    return float(np.interp(steps, places, np.concatenate([[0], getattr(kept, counter)])))


def _way(run: Run, target: Target | None) -> Way:
    seen, steps = run.evaluations(), float(run.counters.steps)
    some = len(seen.step) > 0
    known = np.isfinite(seen.accuracy)
    best_accuracy = float(seen.accuracy[known].max()) if known.any() else None
    best_cost = float(np.nanmin(seen.cost)) if some else None
    reached: bool | None = None
    why_not = ""
    if target is not None:
        found = steps_to(target, seen.step, seen.cost, seen.accuracy)
        reached = found is not None
        steps = steps if found is None else found
        if not reached:
            why_not = _why_not(target, some, best_accuracy, best_cost)
    split = ", ".join(dict.fromkeys(seen.split.tolist()))
    return Way(steps, reached, why_not, split, best_accuracy, best_cost)


def _why_not(
    target: Target, some: bool, best_accuracy: float | None, best_cost: float | None
) -> str:
    if not some:
        return "the run has no evaluations"
    if target.accuracy is None:
        return f"the lowest cost evaluated is {best_cost:.4g}"
    if best_accuracy is None:
        return "the run's evaluations have no accuracy; name a cost with --cost"
    return f"the best accuracy evaluated is {best_accuracy:.4g}"
