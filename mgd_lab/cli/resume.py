"""`mgd-lab resume RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mgd_lab.bench import Resumption, execute_resumption, resumption
from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import Changes, ChipFile, Json, RunPath, RunsDir, print_json
from mgd_lab.cli.progress import ProgressLine
from mgd_lab.cli.run import UNKNOWN, announcing, conclude
from mgd_lab.cli.signals import pause_on_signal, stop_on_signals
from mgd_lab.errors import MgdLabError

NAME = "resume"


@reported
def command(
    run: RunPath,
    chip: ChipFile = None,
    set_: Changes = None,
    runs_dir: RunsDir = Path("runs"),
    accept_changes: Annotated[
        bool,
        typer.Option(
            "--accept-changes",
            help="Go on although chip, limits, data or arithmetic are not what they were.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Go on with a run exactly where it was left."""
    path = run if run.exists() or run.is_absolute() else runs_dir / run
    with stop_on_signals() as interrupt, pause_on_signal() as pause:
        try:
            found = _found(path, chip, set_, accept_changes)
        except MgdLabError as error:
            if json:
                print_json({**UNKNOWN, "run": str(path), "message": str(error)})
            raise
        with announcing(json=json) as announce, ProgressLine(found.experiment.name) as progress:
            result, error = execute_resumption(
                found,
                observe=progress.show,
                interrupt=interrupt,
                pause=pause,
                announce=announce,
            )
    conclude(found.experiment, result, error, json=json)


def _found(
    path: Path, chip: Path | None, changes: list[str] | None, accept_changes: bool
) -> Resumption:
    return resumption(path, changes or (), chip_file=chip, accept_changes=accept_changes)
