"""`mgd-lab emulate CHIP`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mgd_lab.bench.serving import Places, served
from mgd_lab.cli.errors import reported
from mgd_lab.cli.signals import stop_on_signals

NAME = "emulate"


@reported
def command(
    chip: Annotated[Path, typer.Argument(help="Chip file (YAML).", metavar="CHIP")],
    tcp: Annotated[
        int | None,
        typer.Option("--tcp", min=0, max=65535, metavar="PORT", help="Serve a raw SCPI socket."),
    ] = None,
    hislip: Annotated[
        int | None,
        typer.Option("--hislip", min=0, max=65535, metavar="PORT", help="Serve HiSLIP."),
    ] = None,
    serial: Annotated[
        Path | None,
        typer.Option(
            "--serial",
            metavar="LINK",
            help="Serve frames on a pseudo-terminal, and make a link to it here.",
        ),
    ] = None,
    baud_rate: Annotated[
        float | None,
        typer.Option("--baud-rate", min=50, metavar="BAUD", help="Pace the terminal like a line."),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")
    ] = "127.0.0.1",
) -> None:
    """Serve an emulated chip until it is interrupted; port 0 is any that is free.

    When ready, prints one line an endpoint: its resource string.
    """
    places = Places(host=host, tcp=tcp, hislip=hislip, serial=serial, baud_rate=baud_rate)
    with stop_on_signals(quiet=True) as stop, served(chip, places) as resources:
        for resource in resources:
            typer.echo(resource)
        stop.wait()
