"""A run from beginning to end: connect, fit, train, make safe, summarise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mgd_lab.bench.assembly import Fitted, assemble, fit, start
from mgd_lab.bench.chips import build_chip, is_simulated
from mgd_lab.bench.initial import initial_parameters
from mgd_lab.bench.registry import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.result import RunResult, RunStatus
from mgd_lab.bench.task import data_set
from mgd_lab.chip import Chip
from mgd_lab.controller import Clock, Outcome, Progress, SystemClock, TrainingState
from mgd_lab.errors import LimitError, MgdLabError
from mgd_lab.experiment import LoadedExperiment, resolved_mapping
from mgd_lab.experiment import load_experiment as load_experiment_file
from mgd_lab.records import Counters, RecordSink
from mgd_lab.run_store import RunFolder, RunWriter, create_run, environment_record

Observer = Callable[[Progress], None]


def load_experiment(
    path: str | Path,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    chip_file: str | Path | None = None,
) -> LoadedExperiment:
    """An experiment file with its chip, checked against all installed drivers.

    Args:
        path: the experiment file.
        overrides: {"training.update.learning_rate": 0.1}, or texts as `--set` takes them.
        chip_file: another chip for the same experiment.

    Raises:
        ExperimentFileError: with file, line and key of every problem.
    """
    return load_experiment_file(
        path,
        drivers=SettingsOfDrivers(chip_drivers()),
        overrides=overrides,
        chip_file=chip_file,
    )


def run(
    experiment: LoadedExperiment,
    *,
    runs_dir: str | Path = "runs",
    observe: Observer | None = None,
    interrupt: threading.Event | None = None,
) -> RunResult:
    """Trains; the chip is safe and the log complete when this returns or raises.

    Args:
        experiment: from `load_experiment`.
        runs_dir: where the run's folder is made.
        observe: called a few times a second with the progress.
        interrupt: set it, from a signal handler or another thread, to stop at the next block.

    Raises:
        MgdLabError: the run was refused or failed. Its folder, where there is one yet, tells why.
    """
    result, error = execute(
        experiment, runs_dir=Path(runs_dir), observe=observe, interrupt=interrupt
    )
    if error is not None:
        raise error
    return result


def execute(
    experiment: LoadedExperiment,
    *,
    runs_dir: Path,
    observe: Observer | None = None,
    interrupt: threading.Event | None = None,
    announce: Callable[[Path, bool], None] | None = None,
) -> tuple[RunResult, MgdLabError | None]:
    """As `run`, but an error of ours is returned beside what the run had become.

    `announce` is told the run's folder, and whether it is simulated, before training starts.
    """
    execution = _Execution(experiment, runs_dir, SystemClock())
    error: MgdLabError | None = None
    try:
        execution.carry_out(observe or (lambda _: None), interrupt or threading.Event(), announce)
    except MgdLabError as raised:
        error = raised
    except KeyboardInterrupt:
        execution.summarise("interrupted", "stopped at once, in the middle of a block")
        raise
    except BaseException as raised:
        execution.summarise("failed", repr(raised))
        raise
    if error is None and execution.outcome is not None:
        return execution.summarise(execution.outcome.status, ""), None
    status: RunStatus = "refused" if isinstance(error, LimitError) else "failed"
    message = "" if error is None else _told(error)
    return execution.summarise(status, message), error


class _Execution:
    """What has become of a run so far, whatever ends it."""

    def __init__(self, loaded: LoadedExperiment, runs_dir: Path, clock: Clock) -> None:
        self._loaded = loaded
        self._runs_dir = runs_dir
        self._clock = clock
        self._began = clock.monotonic()
        self._folder: RunFolder | None = None
        self._state: TrainingState | None = None
        self._fitted: Fitted | None = None
        self._simulated = False
        self._last: Progress | None = None
        self.outcome: Outcome | None = None

    def carry_out(
        self,
        observe: Observer,
        interrupt: threading.Event,
        announce: Callable[[Path, bool], None] | None,
    ) -> None:
        """Everything between the files and the summary."""
        experiment = self._loaded.experiment
        data = data_set(experiment.task, experiment.seed)
        chip = build_chip(experiment.chip)

        def watch(progress: Progress) -> None:
            self._last = progress
            observe(progress)

        with ExitStack() as connected:
            connected.enter_context(chip)
            self._simulated = is_simulated(experiment.chip, chip)
            fitted = self._fitted = fit(experiment, data, chip)
            theta = initial_parameters(experiment.training.initial, experiment.seed, chip)
            state = start(fitted, theta)
            self._folder = self._create_folder(chip, fitted)
            if announce is not None:
                announce(self._folder.path, self._simulated)
            self._state = state
            with RunWriter(self._folder) as writer, connected.pop_all():
                # From here on the chip is made safe first, then the log is closed.
                self.outcome = self._train(fitted, chip, state, writer, interrupt, watch)

    def summarise(self, status: RunStatus, message: str) -> RunResult:
        """The result, written into the run's folder where there is one."""
        counters = Counters()
        if self._state is not None and self._fitted is not None:
            draws = self._fitted.schedule.draws(self._state.steps)
            counters = self._state.counters(draws)
        last = self.outcome or self._last
        result = RunResult(
            path=None if self._folder is None else self._folder.path,
            status=status,
            counters=counters,
            cost=None if last is None else last.cost,
            accuracy=None if last is None else last.accuracy,
            wall_seconds=self._clock.monotonic() - self._began,
            seed=self._loaded.experiment.seed,
            simulated=self._simulated,
            message=message,
        )
        if self._folder is not None:
            self._folder.finish(result.summary)
        return result

    def _train(
        self,
        fitted: Fitted,
        chip: Chip,
        state: TrainingState,
        sink: RecordSink,
        interrupt: threading.Event,
        observe: Observer,
    ) -> Outcome:
        # Leaving the pool waits for what it is at: then the chip is made safe.
        with ThreadPoolExecutor(1, thread_name_prefix="mgd-lab") as workers:
            training = assemble(
                fitted,
                chip,
                sink=sink,
                clock=self._clock,
                interrupt=interrupt,
                observe=observe,
                workers=workers,
            )
            return training.run(state)

    def _create_folder(self, chip: Chip, fitted: Fitted) -> RunFolder:
        loaded, description = self._loaded, fitted.description
        files = {"experiment.yaml": loaded.text}
        if loaded.chip_text is not None:
            files["chip.yaml"] = loaded.chip_text
        environment = environment_record(loaded.path.resolve().parent)
        environment["chip"] = {
            "identity": dict(chip.identity),
            "description": description.as_mapping(),
            "rung": fitted.rung,
            "largest_block": fitted.largest_block,
        }
        baseline = fitted.schedule.baseline
        return create_run(
            self._runs_dir,
            loaded.experiment.name,
            files=files,
            resolved=resolved_mapping(loaded.experiment),
            environment=environment,
            simulated=self._simulated,
            baseline=baseline,
            parameter_names=description.parameter_names,
            parameter_units=[g.unit for g in description.groups for _ in range(g.count)],
        )


def _told(error: MgdLabError) -> str:
    """The error with its notes, and what had gone wrong before it."""
    lines = [str(error), *getattr(error, "__notes__", [])]
    earlier = error.__context__
    if isinstance(earlier, MgdLabError) and error.__cause__ is not earlier:
        lines.append(f"after: {earlier}")
    return "\n".join(lines)
