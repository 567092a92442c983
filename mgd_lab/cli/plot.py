"""`mgd-lab plot RUN… -o FILE`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from mgd_lab.cli.errors import reported
from mgd_lab.figures import plot_runs

NAME = "plot"


class XAxis(Enum):
    """What progress is counted in."""

    STEPS = "steps"
    PRESENTATIONS = "presentations"


@reported
def command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Picture: .png, .svg or .pdf.")
    ],
    x: Annotated[
        XAxis | None,
        typer.Option(
            "--x",
            help="At the x axis: steps, or presentations of samples (the default where references "
            "and other runs are drawn together).",
        ),
    ] = None,
) -> None:
    """Draw cost, accuracy, gradient, parameters and telemetry of one or more runs."""
    plot_runs(runs, output, None if x is None else x.value)
    typer.echo(str(output))
