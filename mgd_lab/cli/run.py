"""`mgd-lab run CONFIG`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import typer

from mgd_lab.bench import EXIT_CODES, RunResult, execute
from mgd_lab.cli.errors import reported, tell
from mgd_lab.cli.options import Changes, ChipFile, Config, Json, RunsDir, load, print_json
from mgd_lab.cli.progress import ProgressLine
from mgd_lab.cli.quantities import cost, duration, number, percent
from mgd_lab.cli.readers import perhaps_unread
from mgd_lab.cli.signals import pause_on_signal, stop_on_signals
from mgd_lab.errors import MgdLabError
from mgd_lab.experiment import Experiment, Stop
from mgd_lab.records import Counters
from mgd_lab.run_store import open_run

NAME = "run"
# The summary of a run whose experiment could not even be read.
UNKNOWN: dict[str, Any] = {
    "run": None,
    "status": "failed",
    **asdict(Counters()),
    **dict.fromkeys(("cost", "accuracy", "wall_seconds", "seed", "simulated")),
}


@reported
def command(
    config: Config,
    chip: ChipFile = None,
    set_: Changes = None,
    runs_dir: RunsDir = Path("runs"),
    json: Json = False,
) -> None:
    """Check, train, make the chip safe, keep the run."""
    with stop_on_signals() as interrupt, pause_on_signal() as pause:
        try:
            experiment = load(config, chip, set_)
        except MgdLabError as error:
            if json:
                print_json({**UNKNOWN, "message": str(error)})
            raise
        with (
            announcing(json=json) as announce,
            ProgressLine(experiment.experiment.name) as progress,
        ):
            result, error = execute(
                experiment,
                runs_dir=runs_dir,
                observe=progress.show,
                interrupt=interrupt,
                pause=pause,
                announce=announce,
            )
    conclude(experiment.experiment, result, error, json=json)


def conclude(
    experiment: Experiment, result: RunResult, error: MgdLabError | None, *, json: bool
) -> NoReturn:
    """Tells how a run ended, and ends with the exit code for it."""
    with perhaps_unread():
        if error is not None:
            tell(error)
        else:
            _tell_result(experiment.name, result, experiment.stop)
        if json:
            print_json(result.summary)
    code = EXIT_CODES[result.status] if error is None else error.exit_code
    raise typer.Exit(code)


@contextmanager
def announcing(*, json: bool) -> Generator[Callable[[Path, bool], None]]:
    """What names the run's folder before training starts.

    Where the block is torn, by a second Ctrl-C or a fault of ours, the run's summary is printed
    all the same.
    """
    announced: list[Path] = []

    def announce(path: Path, simulated: bool) -> None:
        announced.append(path)
        with perhaps_unread():
            typer.echo(f"run {path}{' (simulated)' if simulated else ''}")

    try:
        yield announce
    except BaseException as error:
        if json:
            with perhaps_unread():
                print_json(_torn_summary(announced, error))
        raise


def _torn_summary(announced: list[Path], error: BaseException) -> dict[str, Any]:
    with suppress(MgdLabError):
        if announced:
            with open_run(announced[0]) as run:
                return dict(run.summary)
    status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    return {**UNKNOWN, "status": status, "message": repr(error)}


def _tell_result(name: str, result: RunResult, stop: Stop) -> None:
    counters = result.counters
    rate = counters.steps / result.wall_seconds if result.wall_seconds else 0.0
    simulated = " (simulated)" if result.simulated else ""
    status = result.status.replace("_", " ")
    typer.echo(f"{name}: {status} after {number(counters.steps)} steps{simulated}")
    typer.echo(f"  cost {cost(result.cost)}, accuracy {percent(result.accuracy)}")
    typer.echo(
        f"  {number(counters.probes)} probes, {number(counters.updates)} updates, "
        f"{number(counters.evaluation_probes)} evaluation probes in "
        f"{duration(result.wall_seconds)} ({number(rate)} steps/s)"
    )
    if result.status == "target_missed":
        targets = [
            text
            for text in (
                f"cost below {stop.cost_below:g}" if stop.cost_below is not None else "",
                f"accuracy of at least {stop.accuracy_at_least:g}"
                if stop.accuracy_at_least is not None
                else "",
            )
            if text
        ]
        typer.echo(
            f"  the target ({' or '.join(targets)}) was not reached; perhaps a local minimum: try "
            "another seed (--set seed=…), more steps, or another learning rate"
        )
