"""`mgd-lab` and its commands."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mgd_lab.cli import (
    check,
    conformance,
    devices,
    emulate,
    export,
    plot,
    run,
    runs,
    schema,
    show,
)
from mgd_lab.cli.errors import debugging
from mgd_lab.version import __version__

app = typer.Typer(
    name="mgd-lab",
    help="Trains physical neural-network chips in the loop, by multiplexed gradient descent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (run, check, runs, show, plot, export, emulate, devices, conformance, schema)
for command in COMMANDS:
    app.command(command.NAME)(command.command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mgd-lab {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options that go with every command."""
    del version
    debugging.set(debug)


def main() -> None:
    """Entry point of the console script; ends with the exit code of the contract."""
    arguments = sys.argv[1:]
    if "--debug" in arguments:
        # An option of all commands: accepted wherever it stands.
        arguments = ["--debug", *(word for word in arguments if word != "--debug")]
    app(args=arguments, prog_name="mgd-lab")
