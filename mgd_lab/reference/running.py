"""A reference from beginning to end: prepare, train, keep the run, summarise."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mgd_lab.bench import RunStatus
from mgd_lab.bench.beginning import data_record
from mgd_lab.bench.interruption import Interrupt, heeded
from mgd_lab.controller import Outcome, Progress, SystemClock
from mgd_lab.errors import ConfigurationError, MgdLabError, RunStoreError
from mgd_lab.experiment import LoadedExperiment, resolved_mapping
from mgd_lab.records import Counters
from mgd_lab.reference.loop import ReferenceTraining
from mgd_lab.reference.preparing import Prepared, learner, prepare
from mgd_lab.reference.pytorch import device_name, device_of, load_torch, threads
from mgd_lab.reference.result import BACKPROPAGATION, ReferenceResult
from mgd_lab.run_store import RunFolder, RunWriter, create_run, environment_record, open_run
from mgd_lab.run_store.documents import json_text

Observer = Callable[[Progress], None]


def run_reference(
    experiment: LoadedExperiment,
    *,
    runs_dir: str | Path = "runs",
    observe: Observer | None = None,
    interrupt: threading.Event | Interrupt | None = None,
) -> ReferenceResult:
    """Trains the experiment's network by backpropagation, and keeps it as a run.

    Args:
        experiment: from `load_experiment`; its section `reference` says how.
        runs_dir: where the run's folder is made.
        observe: called a few times a second with the progress.
        interrupt: set it, from a signal handler or another thread, to stop at the next update.

    Raises:
        MissingExtraError: PyTorch is not installed.
        MgdLabError: the experiment does not fit, or training diverged.
    """
    result, error = execute_reference(
        experiment, runs_dir=Path(runs_dir), observe=observe, interrupt=interrupt
    )
    if error is not None:
        raise error
    return result


def execute_reference(
    experiment: LoadedExperiment,
    *,
    runs_dir: Path,
    observe: Observer | None = None,
    interrupt: threading.Event | Interrupt | None = None,
    announce: Callable[[Path, bool], None] | None = None,
) -> tuple[ReferenceResult, MgdLabError | None]:
    """As `run_reference`, but an error of ours is returned beside what the run had become."""
    with heeded(interrupt) as heed:
        execution = _Execution(experiment, runs_dir)
        error: MgdLabError | None = None
        status: RunStatus = "failed"
        try:
            status = execution.carry_out(observe or (lambda _: None), heed, announce).status
        except MgdLabError as raised:
            error = raised
        except KeyboardInterrupt:
            execution.summarise("interrupted", "stopped at once, in the middle of an update")
            raise
        except BaseException as raised:
            execution.summarise("failed", repr(raised))
            raise
        return execution.summarise(status, "" if error is None else str(error)), error


class _Execution:
    """What has become of a reference so far, whatever ends it."""

    def __init__(self, loaded: LoadedExperiment, runs_dir: Path) -> None:
        self._loaded = loaded
        self._runs_dir = runs_dir
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._folder: RunFolder | None = None
        self._prepared: Prepared | None = None
        self._training: ReferenceTraining | None = None
        self._outcome: Outcome | None = None
        self._device = ""

    def carry_out(
        self,
        observe: Observer,
        interrupt: Interrupt,
        announce: Callable[[Path, bool], None] | None,
    ) -> Outcome:
        """Everything between the files and the summary."""
        experiment = self._loaded.experiment
        torch = load_torch()
        device = device_of(torch, experiment.reference)
        prepared = self._prepared = prepare(experiment)
        with threads(torch, experiment.reference.threads) as count:
            name = device_name(torch, device) or f"{count} thread{'s' if count > 1 else ''}"
            self._device = f"{device}, {name}"
            trained = learner(torch, prepared, experiment, device)
            self._folder = self._new_folder(prepared, str(torch.__version__), device, count)
            if announce is not None:
                announce(self._folder.path, True)
            with RunWriter(self._folder) as writer:
                self._training = ReferenceTraining(
                    experiment=experiment,
                    plan=prepared.plan,
                    learner=trained,
                    evaluated=prepared.evaluation,
                    sink=writer,
                    clock=self._clock,
                    interrupt=interrupt,
                    observe=observe,
                )
                try:
                    self._outcome = self._training.run()
                except RuntimeError as error:
                    # PyTorch's own: too little memory, or a module that cannot be trained.
                    raise ConfigurationError(f"reference: PyTorch says: {error}") from error
        return self._outcome

    def summarise(self, status: RunStatus, message: str) -> ReferenceResult:
        """The result, written into the run's folder where there is one."""
        training, prepared, outcome = self._training, self._prepared, self._outcome
        counters, cost, accuracy = Counters(), None, None
        if outcome is not None:
            counters, cost, accuracy = outcome.counters, outcome.cost, outcome.accuracy
        elif self._folder is not None:
            with open_run(self._folder.path) as run:
                counters = run.counters
                cost, accuracy = run.summary["cost"], run.summary["accuracy"]
        seconds = 0.0 if training is None else training.training_seconds
        epochs = 0.0 if prepared is None else counters.samples / prepared.plan.samples
        result = ReferenceResult(
            path=None if self._folder is None else self._folder.path,
            status=status,
            counters=counters,
            cost=cost,
            accuracy=accuracy,
            wall_seconds=self._clock.monotonic() - self._began,
            seed=self._loaded.experiment.seed,
            simulated=True,
            message=message,
            training_seconds=seconds,
            seconds_per_epoch=seconds / epochs if epochs else None,
            epochs=epochs,
            device=self._device,
        )
        return self._kept(result)

    def _kept(self, result: ReferenceResult) -> ReferenceResult:
        if self._folder is None:
            return result
        try:
            self._folder.finish(result.summary)
        except RunStoreError as failure:
            return replace(result, message=f"{result.message}\n{failure}".strip())
        return result

    def _new_folder(self, prepared: Prepared, version: str, device: str, threads: int) -> RunFolder:
        loaded, description, plan = self._loaded, prepared.description, prepared.plan
        files = {"experiment.yaml": loaded.text}
        if loaded.chip_text is not None:
            files["chip.yaml"] = loaded.chip_text
        environment: dict[str, Any] = environment_record(loaded.path.resolve().parent)
        environment["chip"] = {
            "identity": {},
            "description": description.as_mapping(),
            "rung": BACKPROPAGATION,
        }
        environment["data"] = data_record(
            prepared.data, prepared.train_inputs, prepared.train_targets, prepared.evaluation
        )
        environment["reference"] = {
            "method": BACKPROPAGATION,
            "torch": version,
            "device": device,
            "device_name": self._device,
            "threads": threads,
            "batch_size": plan.batch,
            "steps": plan.steps,
            "evaluate_every_steps": plan.evaluate_every,
        }
        return create_run(
            self._runs_dir,
            f"{loaded.experiment.name}-reference",
            files=files,
            resolved=resolved_mapping(loaded.experiment),
            environment=json.loads(json_text(environment)),
            simulated=True,
            baseline="none",
            parameter_names=description.parameter_names,
            parameter_units=[g.unit for g in description.groups for _ in range(g.count)],
            reference=BACKPROPAGATION,
        )
