"""`mgd-lab reference CONFIG`."""

from __future__ import annotations

from pathlib import Path

import typer

from mgd_lab.bench import EXIT_CODES
from mgd_lab.cli.errors import reported, tell
from mgd_lab.cli.options import Changes, ChipFile, Config, Json, RunsDir, load, print_json
from mgd_lab.cli.progress import ProgressLine
from mgd_lab.cli.quantities import cost, duration, number, percent
from mgd_lab.cli.readers import perhaps_unread
from mgd_lab.cli.run import UNKNOWN, announcing
from mgd_lab.cli.shown_reference import precise_duration
from mgd_lab.cli.signals import stop_on_signals
from mgd_lab.errors import MgdLabError
from mgd_lab.reference import BACKPROPAGATION, ReferenceResult, execute_reference

NAME = "reference"


@reported
def command(
    config: Config,
    chip: ChipFile = None,
    set_: Changes = None,
    runs_dir: RunsDir = Path("runs"),
    json: Json = False,
) -> None:
    """Train the same network by backpropagation, from the same start, and keep the run."""
    with stop_on_signals() as interrupt:
        try:
            experiment = load(config, chip, set_)
        except MgdLabError as error:
            if json:
                print_json({**UNKNOWN, "reference": BACKPROPAGATION, "message": str(error)})
            raise
        with (
            announcing(json=json) as announce,
            ProgressLine(experiment.experiment.name) as progress,
        ):
            result, error = execute_reference(
                experiment,
                runs_dir=runs_dir,
                observe=progress.show,
                interrupt=interrupt,
                announce=announce,
            )
    with perhaps_unread():
        if error is not None:
            tell(error)
        else:
            _tell_result(experiment.experiment.name, result)
        if json:
            print_json(result.summary)
    raise typer.Exit(EXIT_CODES[result.status] if error is None else error.exit_code)


def _tell_result(name: str, result: ReferenceResult) -> None:
    counters = result.counters
    status = result.status.replace("_", " ")
    typer.echo(f"{name}: {status} after {number(counters.steps)} updates by backpropagation")
    typer.echo(f"  cost {cost(result.cost)}, accuracy {percent(result.accuracy)}")
    epoch = ""
    if result.seconds_per_epoch is not None:
        epoch = f", {precise_duration(result.seconds_per_epoch)} an epoch"
    typer.echo(
        f"  {number(counters.samples)} samples, {result.epochs:.4g} epochs in "
        f"{precise_duration(result.training_seconds)} of training ({result.device}){epoch}"
    )
    typer.echo(
        f"  {number(counters.evaluation_probes)} samples evaluated; "
        f"{duration(result.wall_seconds)} in all"
    )
    if result.status == "target_missed":
        typer.echo(
            "  the target of stop was not reached; try more epochs (--set reference.epochs=…) or "
            "another learning rate (--set reference.learning_rate=…)"
        )
