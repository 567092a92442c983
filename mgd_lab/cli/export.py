"""`mgd-lab export RUN --to FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import RunPath
from mgd_lab.run_store import export_run, open_run

NAME = "export"


@reported
def command(
    run: RunPath,
    to: Annotated[
        Path,
        typer.Option("--to", metavar="FILE", help="Where to: .parquet, .h5, .nc or .csv."),
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
) -> None:
    """Write a run's log in another format."""
    with open_run(run) as opened:
        for path in export_run(opened, to, overwrite=overwrite):
            typer.echo(str(path))
