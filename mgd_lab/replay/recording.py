"""What a run's folder says of how its parameters moved; no chip is opened for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.amplitudes import amplitudes_of
from mgd_lab.bench.learning import chunk_source, rounding_of
from mgd_lab.bench.task import data_set
from mgd_lab.chip import ChipDescription
from mgd_lab.controller import ChunkSource, Envelope
from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.experiment import Experiment, experiment_from_mapping
from mgd_lab.run_store import Run, RunFolder
from mgd_lab.run_store.documents import read_mapping
from mgd_lab.run_store.folder import ENVIRONMENT_NAME, RESOLVED_NAME

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """The steps between two resumptions, in which nothing was changed.

    `resolved` is the experiment as plain values; the envelope holds the limits of that time.
    """

    first_step: int
    resolved: Mapping[str, Any]
    experiment: Experiment
    envelope: Envelope


@dataclass(frozen=True)
class Recording:
    """A run that can be replayed.

    Attributes:
        parts: from step 0 on; one where nothing but `stop` was changed when the run was resumed.
        amplitudes: float32 (P,).
        names: of the parameters.
        source: codes and samples of any step.
        baselines_again: step → C0 that was measured again there, when the run was resumed.
        best_steps: step of a snapshot → the step whose parameters it holds (`finish: best`).
    """

    parts: tuple[Part, ...]
    amplitudes: Float32
    names: tuple[str, ...]
    source: ChunkSource
    baselines_again: Mapping[int, float]
    best_steps: Mapping[int, int]

    @property
    def experiment(self) -> Experiment:
        """As it was at step 0."""
        return self.parts[0].experiment


def read_recording(run: Run) -> Recording:
    """The recording that a run's folder holds.

    Raises:
        ConfigurationError: the log does not hold what a replay needs.
        DataError: the data set, whose size the order of samples depends on, cannot be read.
        RunStoreError: the folder is damaged.
    """
    events = run.events()
    kinds, steps, details = events.kind.tolist(), events.step.tolist(), events.details
    _refuse_without_costs(run)
    parts, description = _parts(
        run,
        [
            (step, each)
            for kind, step, each in zip(kinds, steps, details, strict=True)
            if kind == "resumed"
        ],
    )
    first = parts[0].experiment
    amplitudes = amplitudes_of(first.training.perturbation.amplitude, description)
    return Recording(
        parts=parts,
        amplitudes=amplitudes,
        names=description.parameter_names,
        source=chunk_source(first, amplitudes, _training_samples(run, first)),
        baselines_again={
            step: float(each["now"])
            for kind, step, each in zip(kinds, steps, details, strict=True)
            if kind == "baseline_again"
        },
        best_steps={
            step: int(each["step"])
            for kind, step, each in zip(kinds, steps, details, strict=True)
            if kind == "finish_best"
        },
    )


def decoded(mapping: Mapping[str, Any], origin: str) -> Experiment:
    """Plain values as an experiment; messages call them `origin`."""
    return experiment_from_mapping(
        mapping, drivers=SettingsOfDrivers(chip_drivers()), origin=origin
    )


def _refuse_without_costs(run: Run) -> None:
    chip: dict[str, Any] = run.environment.get("chip") or {}
    if chip.get("rung") == "learns":
        raise ConfigurationError(
            f"{run.path}: the chip learned by itself (rung learns) and returned no costs; there "
            "is nothing to replay. Record a run at another rung, such as chip.rung=generated"
        )
    perturbation = run.experiment.get("training", {}).get("perturbation", {})
    if perturbation.get("target") == "nodes":
        raise ConfigurationError(
            f"{run.path}: training.perturbation.target is nodes: an update also depends on what "
            "entered each layer of the chip, which the log does not hold; there is nothing to "
            "replay. Record a run with target: parameters"
        )
    kept = run.experiment.get("logging", {}).get("costs")
    if kept != "all":
        raise ConfigurationError(
            f"{run.path}: logging.costs is {kept}: the log does not hold every cost, and there is "
            "nothing to replay. Record with logging.costs: all"
        )


def _parts(
    run: Run, resumptions: Sequence[tuple[int, Mapping[str, Any]]]
) -> tuple[tuple[Part, ...], ChipDescription]:
    """The parts, and the chip's description at step 0."""
    folder = RunFolder(run.path)
    experiments, environments = folder.versions(RESOLVED_NAME), folder.versions(ENVIRONMENT_NAME)
    descriptions: list[ChipDescription] = []
    parts: list[Part] = []
    begins = [(0, {"earlier_experiments": 0, "earlier_environments": 0}), *resumptions]
    for step, details in begins:
        resolved_path = _version(experiments, details.get("earlier_experiments"))
        description = _description(_version(environments, details.get("earlier_environments")))
        resolved = read_mapping(resolved_path)
        experiment = decoded(resolved, str(resolved_path))
        amplitudes = amplitudes_of(experiment.training.perturbation.amplitude, description)
        if descriptions and description.parameters != descriptions[0].parameters:
            raise RunStoreError(
                f"{run.path}: the chip has {descriptions[0].parameters} parameters at step 0 and "
                f"{description.parameters} at step {step}; the folder is damaged"
            )
        envelope = Envelope(
            description, amplitudes, experiment.chip.limits.on_update, rounding_of(experiment)
        )
        descriptions.append(description)
        parts.append(Part(int(step), resolved, experiment, envelope))
    return tuple(parts), descriptions[0]


def _version(versions: Sequence[Path], earlier: Any) -> Path:
    if not isinstance(earlier, int):
        return versions[-1]
    return versions[min(earlier, len(versions) - 1)]


def _description(path: Path) -> ChipDescription:
    chip: dict[str, Any] = read_mapping(path).get("chip") or {}
    if "description" not in chip:
        raise ConfigurationError(
            f"{path} holds no description of the chip; the limits that the updates had to keep "
            "are not known"
        )
    return ChipDescription.from_mapping(chip["description"])


def _training_samples(run: Run, experiment: Experiment) -> int:
    data: dict[str, Any] = run.environment.get("data") or {}
    recorded = data.get("training_samples")
    if isinstance(recorded, int):
        return recorded
    return len(data_set(experiment.task, experiment.seed).split("train")[0])
