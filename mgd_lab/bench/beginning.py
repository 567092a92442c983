"""Where a run begins: at step 0 in a folder of its own, or where an earlier one was left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.assembly import Fitted, restored, start
from mgd_lab.bench.imperfect import MADE_ANEW, has_history
from mgd_lab.bench.initial import initial_parameters
from mgd_lab.bench.resuming import Resumption
from mgd_lab.chip import Chip
from mgd_lab.controller import EvaluationSet, TrainingState
from mgd_lab.datasets import DataSet
from mgd_lab.experiment import LoadedExperiment, resolved_mapping
from mgd_lab.records import Event
from mgd_lab.run_store import RunFolder, create_run, environment_record
from mgd_lab.run_store.documents import json_text
from mgd_lab.run_store.folder import ENVIRONMENT_NAME, RESOLVED_NAME


class Beginning(Protocol):
    """What differs between a new run and one that goes on."""

    @property
    def memory(self) -> Mapping[str, NDArray[Any]] | None:
        """Arrays of the checkpoint that the run goes on from; None for a new one."""
        ...

    @property
    def seconds(self) -> float:
        """Trained before."""
        ...

    @property
    def folder_of_experiment(self) -> Path | None:
        """Where the experiment file lies, for the record of its repository's state."""
        ...

    def state(self, fitted: Fitted, chip: Chip) -> TrainingState:
        """Where training begins; LimitError where its θ does not fit into the envelope."""
        ...

    def folder(
        self, fitted: Fitted, environment: Mapping[str, Any], *, simulated: bool
    ) -> RunFolder:
        """The run's folder, with what the run runs on; raises where it must not begin."""
        ...

    def events(self, state: TrainingState, utc_seconds: float) -> Sequence[Event]:
        """What the log is told first."""
        ...


class NewRun:
    """A run from step 0."""

    memory = None
    seconds = 0.0

    def __init__(self, loaded: LoadedExperiment, runs_dir: Path) -> None:
        self._loaded = loaded
        self._runs_dir = runs_dir
        self.folder_of_experiment: Path | None = loaded.path.resolve().parent

    def state(self, fitted: Fitted, chip: Chip) -> TrainingState:
        """Step 0."""
        experiment = self._loaded.experiment
        theta = initial_parameters(experiment.training.initial, experiment.seed, chip)
        return start(fitted, theta)

    def folder(
        self, fitted: Fitted, environment: Mapping[str, Any], *, simulated: bool
    ) -> RunFolder:
        """A new one."""
        loaded, description = self._loaded, fitted.description
        files = {"experiment.yaml": loaded.text}
        if loaded.chip_text is not None:
            files["chip.yaml"] = loaded.chip_text
        return create_run(
            self._runs_dir,
            loaded.experiment.name,
            files=files,
            resolved=resolved_mapping(loaded.experiment),
            environment=environment,
            simulated=simulated,
            baseline=fitted.schedule.baseline,
            parameter_names=description.parameter_names,
            parameter_units=[g.unit for g in description.groups for _ in range(g.count)],
        )

    def events(self, state: TrainingState, utc_seconds: float) -> Sequence[Event]:  # noqa: ARG002
        """None."""
        return ()


class ResumedRun:
    """A run that goes on from its last checkpoint."""

    folder_of_experiment = None

    def __init__(self, resumption: Resumption) -> None:
        self._resumption = resumption
        self._differences: tuple[str, ...] = ()
        self.memory = memory = resumption.memory
        self.seconds = 0.0 if memory is None else float(memory["book.seconds"])

    def state(self, fitted: Fitted, chip: Chip) -> TrainingState:
        """That of the checkpoint; step 0 where the run ended before its first."""
        if self.memory is not None:
            return restored(fitted, self.memory, self._resumption.counters)
        experiment = self._resumption.experiment
        theta = initial_parameters(experiment.training.initial, experiment.seed, chip)
        return start(fitted, theta)

    def folder(
        self,
        fitted: Fitted,
        environment: Mapping[str, Any],
        *,
        simulated: bool,  # noqa: ARG002
    ) -> RunFolder:
        """The same one; ConfigurationError where something differs that was not accepted."""
        resumption = self._resumption
        self._differences = resumption.check(fitted, environment)
        changed = resolved_mapping(resumption.experiment) if resumption.changed else None
        # The experiment file is not read again: its repository's state is that of the beginning.
        kept = {**environment, "git": resumption.environment.get("git")}
        resumption.folder.record_resumption(changed, kept)
        return resumption.folder

    def events(self, state: TrainingState, utc_seconds: float) -> Sequence[Event]:
        """That it goes on, and with what differences."""
        told = "; ".join(self._differences)
        message = f"gone on after {state.steps} steps" + (f", though {told}" if told else "")
        folder = self._resumption.folder
        details = {
            "differences": list(self._differences),
            # Which of the numbered files are in force from here on.
            "earlier_experiments": len(folder.versions(RESOLVED_NAME)) - 1,
            "earlier_environments": len(folder.versions(ENVIRONMENT_NAME)) - 1,
        }
        resumed = Event(state.steps, "resumed", message, utc_seconds, details)
        if not has_history(self._resumption.experiment.chip):
            return (resumed,)
        return resumed, Event(state.steps, "chip_made_anew", MADE_ANEW, utc_seconds, {})


def environment_of(
    chip: Chip, fitted: Fitted, data: DataSet, experiment_folder: Path | None
) -> dict[str, Any]:
    """What the run runs on: versions, machine, chip, data; in JSON's types."""
    environment = environment_record(experiment_folder)
    environment["chip"] = {
        "identity": dict(chip.identity),
        "description": fitted.description.as_mapping(),
        "rung": fitted.rung,
        "largest_block": fitted.largest_block,
    }
    environment["data"] = data_record(
        data, fitted.train_inputs, fitted.train_targets, fitted.evaluation
    )
    if fitted.cost.kind == "user":
        environment["cost"] = {"sha256": fitted.cost.sha256}
    return json.loads(json_text(environment))


def data_record(
    data: DataSet,
    inputs: NDArray[np.float32],
    targets: NDArray[np.float32],
    evaluated: EvaluationSet,
) -> dict[str, Any]:
    """Name and size of the data, and a hash of what is trained (inputs, targets) and evaluated."""
    return {
        "name": data.name,
        "description": data.description,
        "samples": len(data.inputs),
        "training_samples": len(inputs),
        "sha256": _digest(inputs, targets, evaluated.inputs, evaluated.targets),
    }


def _digest(*arrays: NDArray[np.float32]) -> str:
    """SHA-256 of shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode())
        # A view of the bytes: a copy of a large training set would be felt.
        digest.update(np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
