"""`mgd-lab` and its commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mgd_lab.cli import (
    check,
    conformance,
    data,
    devices,
    emulate,
    export,
    plot,
    project,
    reference,
    replay,
    resume,
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
COMMANDS = (
    run,
    check,
    resume,
    reference,
    runs,
    show,
    plot,
    export,
    replay,
    project,
    emulate,
    devices,
    conformance,
    schema,
)
for command in COMMANDS:
    app.command(command.NAME)(command.command)
app.add_typer(data.app, name=data.NAME)


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
    _open_closed_streams()
    arguments = sys.argv[1:]
    if "--debug" in arguments:
        # An option of all commands: accepted wherever it stands.
        arguments = ["--debug", *(word for word in arguments if word != "--debug")]
    app(args=arguments, prog_name="mgd-lab")


def _open_closed_streams() -> None:
    """Who was started without a standard stream (`>&-`) still runs; what it says goes nowhere.

    The descriptors are taken as well, so that no file or socket gets one that is written to.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    nowhere = Path(os.devnull)
    sys.stdout = sys.stdout or nowhere.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nowhere.open("w", encoding="utf-8")
