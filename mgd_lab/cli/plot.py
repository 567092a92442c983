"""`mgd-lab plot RUN… -o FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mgd_lab.cli.errors import reported
from mgd_lab.figures import plot_runs

NAME = "plot"


@reported
def command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Picture: .png, .svg or .pdf.")
    ],
) -> None:
    """Draw cost, accuracy, gradient, parameters and telemetry of one or more runs."""
    plot_runs(runs, output)
    typer.echo(str(output))
