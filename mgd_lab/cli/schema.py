"""`mgd-lab schema`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mgd_lab.bench import SettingsOfDrivers, chip_drivers
from mgd_lab.cli.errors import reported
from mgd_lab.experiment import chip_json_schema, json_schema

NAME = "schema"


@reported
def command(
    chip: Annotated[bool, typer.Option("--chip", help="Of chip files instead.")] = False,
) -> None:
    """Print the JSON Schema of experiment files, for editors."""
    drivers = SettingsOfDrivers(chip_drivers())
    schema = chip_json_schema(drivers) if chip else json_schema(drivers)
    typer.echo(json.dumps(schema, indent=2, ensure_ascii=False))
