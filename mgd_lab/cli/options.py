"""Options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mgd_lab.bench import load_experiment
from mgd_lab.experiment import LoadedExperiment

Config = Annotated[Path, typer.Argument(help="Experiment file (YAML).", metavar="CONFIG")]
ChipFile = Annotated[
    Path | None, typer.Option("--chip", metavar="FILE", help="Another chip for this experiment.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key, dotted (training.batch=4, chip.rung=cost); repeatable. The value is "
        "YAML.",
    ),
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", metavar="DIR", help="Where runs are kept.")]
Json = Annotated[bool, typer.Option("--json", help="Make the last line of stdout one JSON object.")]
RunPath = Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")]


def load(config: Path, chip: Path | None, changes: list[str] | None) -> LoadedExperiment:
    """The experiment that a command line names."""
    return load_experiment(config, changes or (), chip_file=chip)


def print_json(mapping: dict[str, Any]) -> None:
    """One line of JSON; numbers that JSON lacks become null."""
    plain = {
        key: None if isinstance(value, float) and not abs(value) < float("inf") else value
        for key, value in mapping.items()
    }
    typer.echo(json.dumps(plain, allow_nan=False))
