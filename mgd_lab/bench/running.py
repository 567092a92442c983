"""A run from beginning to end: connect, fit, train, make safe, summarise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mgd_lab.bench.arming import Arming, armed
from mgd_lab.bench.assembly import Fitted, assemble, fit
from mgd_lab.bench.beginning import Beginning, NewRun, ResumedRun, environment_of
from mgd_lab.bench.chip_lock import locked_chip
from mgd_lab.bench.chips import build_chip, is_simulated
from mgd_lab.bench.interruption import Interrupt, heeded
from mgd_lab.bench.registry import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.result import RunResult, RunStatus
from mgd_lab.bench.resuming import Resumption, resumption
from mgd_lab.bench.task import data_set
from mgd_lab.bench.telling_sink import TellingSink
from mgd_lab.bench.watching import Attendance, free_bytes_at
from mgd_lab.chip import Chip
from mgd_lab.controller import (
    Clock,
    HostWatch,
    Outcome,
    PauseControl,
    Progress,
    SystemClock,
    TrainingState,
    gated,
)
from mgd_lab.errors import LimitError, MgdLabError, RunStoreError, StoppedError, UnverifiedError
from mgd_lab.experiment import Experiment, LoadedExperiment
from mgd_lab.experiment import load_experiment as load_experiment_file
from mgd_lab.records import Counters, RecordSink
from mgd_lab.run_store import RunFolder, RunWriter, open_run

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
    interrupt: threading.Event | Interrupt | None = None,
    pause: PauseControl | None = None,
) -> RunResult:
    """Trains; the chip is safe and the log complete when this returns or raises.

    Args:
        experiment: from `load_experiment`.
        runs_dir: where the run's folder is made.
        observe: called a few times a second with the progress.
        interrupt: set it, from a signal handler or another thread, to stop at the next block.
        pause: asks it, likewise, to pause between two blocks and to go on.

    Raises:
        MgdLabError: the run was refused or failed. Its folder, where there is one yet, tells why.
    """
    result, error = execute(
        experiment, runs_dir=Path(runs_dir), observe=observe, interrupt=interrupt, pause=pause
    )
    if error is not None:
        raise error
    return result


def execute(
    experiment: LoadedExperiment,
    *,
    runs_dir: Path,
    observe: Observer | None = None,
    interrupt: threading.Event | Interrupt | None = None,
    pause: PauseControl | None = None,
    announce: Callable[[Path, bool], None] | None = None,
) -> tuple[RunResult, MgdLabError | None]:
    """As `run`, but an error of ours is returned beside what the run had become.

    `announce` is told the run's folder, and whether it is simulated, before training starts.
    """
    beginning = NewRun(experiment, runs_dir)
    return _carried_out(experiment.experiment, beginning, observe, interrupt, pause, announce)


def resume(
    path: str | Path,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    chip_file: str | Path | None = None,
    accept_changes: bool = False,
    observe: Observer | None = None,
    interrupt: threading.Event | Interrupt | None = None,
    pause: PauseControl | None = None,
) -> RunResult:
    """Goes on with a run that was interrupted, that crashed, or whose end has been moved.

    Args:
        path: the run's folder.
        overrides: as of `load_experiment`; what would change the meaning of what was measured so
            far is refused.
        chip_file: another chip file, for example with another address.
        accept_changes: whether to go on although chip, data, limits or arithmetic differ.
        observe: as of `run`.
        interrupt: as of `run`.
        pause: as of `run`.

    Raises:
        MgdLabError: it cannot go on; what differs is named, and nothing was energised.
    """
    found = resumption(Path(path), overrides, chip_file=chip_file, accept_changes=accept_changes)
    result, error = execute_resumption(found, observe=observe, interrupt=interrupt, pause=pause)
    if error is not None:
        raise error
    return result


def execute_resumption(
    found: Resumption,
    *,
    observe: Observer | None = None,
    interrupt: threading.Event | Interrupt | None = None,
    pause: PauseControl | None = None,
    announce: Callable[[Path, bool], None] | None = None,
) -> tuple[RunResult, MgdLabError | None]:
    """As `execute`, for a run that goes on."""
    return _carried_out(found.experiment, ResumedRun(found), observe, interrupt, pause, announce)


def _carried_out(
    experiment: Experiment,
    beginning: Beginning,
    observe: Observer | None,
    interrupt: threading.Event | Interrupt | None,
    pause: PauseControl | None,
    announce: Callable[[Path, bool], None] | None,
) -> tuple[RunResult, MgdLabError | None]:
    with heeded(interrupt) as heed:
        execution = _Execution(experiment, beginning, SystemClock(), pause or PauseControl())
        return _ended(execution, observe or (lambda _: None), heed, announce)


def _ended(
    execution: _Execution,
    observe: Observer,
    interrupt: Interrupt,
    announce: Callable[[Path, bool], None] | None,
) -> tuple[RunResult, MgdLabError | None]:
    error: MgdLabError | None = None
    try:
        execution.carry_out(observe, interrupt, announce)
    except MgdLabError as raised:
        error = raised
    except KeyboardInterrupt:
        execution.summarise("interrupted", "stopped at once, in the middle of a block", torn=True)
        raise
    except BaseException as raised:
        execution.summarise("failed", repr(raised), torn=True)
        raise
    if error is None and execution.outcome is not None:
        return execution.summarise(execution.outcome.status, ""), None
    if isinstance(error, StoppedError):
        return execution.summarise("interrupted", _told(error)), None
    message = "" if error is None else _told(error)
    return execution.summarise(_status(error), message, torn=_tore(error)), error


def _status(error: MgdLabError | None) -> RunStatus:
    return "refused" if isinstance(error, LimitError) else "failed"


def _tore(error: MgdLabError | None) -> bool:
    """Whether training was torn out of a window, and the chip was not safe afterwards either."""
    cause = None if error is None else error.__cause__
    return isinstance(error, UnverifiedError) and not isinstance(cause, MgdLabError | None)


class _Execution:
    """What has become of a run so far, whatever ends it."""

    def __init__(
        self, experiment: Experiment, beginning: Beginning, clock: Clock, pause: PauseControl
    ) -> None:
        self._experiment = experiment
        self._beginning = beginning
        self._clock = clock
        self._pause = pause
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
        interrupt: Interrupt,
        announce: Callable[[Path, bool], None] | None,
    ) -> None:
        """Everything between the files and the summary."""
        experiment, beginning = self._experiment, self._beginning
        data = data_set(experiment.task, experiment.seed)
        chip = build_chip(experiment.chip)

        def watch(progress: Progress) -> None:
            self._last = progress
            observe(progress)

        with ExitStack() as connected:
            connected.enter_context(locked_chip(experiment.chip))
            connected.enter_context(chip)
            self._simulated = is_simulated(experiment.chip, chip)
            fitted = self._fitted = fit(experiment, data, chip)
            state = beginning.state(fitted, chip)
            environment = environment_of(chip, fitted, data, beginning.folder_of_experiment)
            self._folder = beginning.folder(fitted, environment, simulated=self._simulated)
            if announce is not None:
                announce(self._folder.path, self._simulated)
            self._state = state
            with RunWriter(self._folder) as writer, connected.pop_all():
                # From here on the chip is made safe first, then the log is closed.
                self.outcome = self._train(fitted, chip, state, writer, interrupt, watch)

    def summarise(self, status: RunStatus, message: str, *, torn: bool = False) -> RunResult:
        """The result, written into the run's folder where there is one.

        A state that was `torn` out of an update is not counted: the log's last checkpoint is.
        """
        counters = Counters()
        if torn and self._folder is not None:
            with open_run(self._folder.path) as run:
                counters = run.counters
        elif self._state is not None and self._fitted is not None:
            draws = self._fitted.schedule.draws(self._state.steps)
            counters = self._state.counters(draws)
        last = self.outcome or self._last
        result = RunResult(
            path=None if self._folder is None else self._folder.path,
            status=status,
            counters=counters,
            cost=None if last is None else last.cost,
            accuracy=None if last is None else last.accuracy,
            wall_seconds=self._beginning.seconds + self._clock.monotonic() - self._began,
            seed=self._experiment.seed,
            simulated=self._simulated,
            message=message,
        )
        return self._kept(result)

    def _kept(self, result: RunResult) -> RunResult:
        """The result with its summary written; a full disk must not take it from the caller."""
        if self._folder is None:
            return result
        try:
            self._folder.finish(result.summary)
        except RunStoreError as failure:
            told = f"{result.message}\n{failure}" if result.message else str(failure)
            return replace(result, message=told)
        return result

    def _train(
        self,
        fitted: Fitted,
        chip: Chip,
        state: TrainingState,
        sink: RecordSink,
        interrupt: Interrupt,
        observe: Observer,
    ) -> Outcome:
        memory = self._beginning.memory
        told = TellingSink(sink, self._clock, state.steps)
        arming = Arming(
            interrupt=interrupt,
            tell=told.tell,
            start=state.sent.astype(np.float64),
            watchdog_seconds=self._experiment.chip.watchdog_seconds,
        )
        gate = gated(chip, fitted.envelope)
        if memory is not None:
            gate.writes = int(memory["book.writes"])
        # Leaving the pool waits for what it is at: then the chip is made safe.
        with (
            armed(gate, arming) as safety,
            ThreadPoolExecutor(1, thread_name_prefix="mgd-lab") as workers,
            HostWatch(self._clock) as host,
        ):
            training = assemble(
                fitted,
                safety.chip,
                sink=told,
                clock=self._clock,
                interrupt=interrupt.event,
                observe=observe,
                workers=workers,
                open_window=None if memory is None else memory["open_window"],
                attendance=Attendance(self._pause, self._free_bytes(), host.take, safety),
            )
            for event in self._beginning.events(state, self._clock.utc()):
                told.write(event)
            with interrupt.at_once():
                return training.run(state, memory)

    def _free_bytes(self) -> Callable[[], int] | None:
        return None if self._folder is None else free_bytes_at(self._folder.path)


def _told(error: MgdLabError) -> str:
    """The error with its notes, and what had gone wrong before it."""
    lines = [str(error), *getattr(error, "__notes__", [])]
    earlier = error.__context__
    if isinstance(earlier, MgdLabError) and error.__cause__ is not earlier:
        lines.append(f"after: {earlier}")
    return "\n".join(lines)
