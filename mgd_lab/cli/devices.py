"""`mgd-lab devices`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mgd_lab.bench import SettingsOfDrivers, chip_drivers
from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import Json, print_json
from mgd_lab.devices import (
    SerialPort,
    VisaListing,
    VisaResource,
    fitting_drivers,
    list_serial_ports,
    list_visa_resources,
)
from mgd_lab.errors import MgdLabError
from mgd_lab.experiment import ChipSettings

NAME = "devices"


@reported
def command(
    visa_library: Annotated[
        str, typer.Option("--visa-library", metavar="NAME", help="VISA library: @py, @ivi, a path.")
    ] = "@py",
    ask: Annotated[
        bool,
        typer.Option(
            "--ask",
            help="Send *IDN? to instruments on USB, GPIB and TCPIP. Without it, and to serial "
            "ports, nothing is written.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List VISA resources and serial ports, and which driver would fit."""
    visa = list_visa_resources(visa_library, ask=ask)
    ports, notes = list_serial_ports()
    models, unusable = _models()
    by_resource, by_port = (fitting_drivers(way, models) for way in ("resource", "port"))
    _print_visa(visa, visa_library, by_resource, asked=ask)
    _print_ports(ports, by_port)
    for note in (*visa.notes, *notes, *unusable):
        typer.echo(f"note: {note}", err=True)
    if json:
        print_json(
            {
                "visa_library": visa_library,
                "visa": [
                    {**asdict(found), "drivers": by_resource if found.takes_messages else ()}
                    for found in visa.resources
                ],
                "serial": [{**asdict(port), "drivers": by_port} for port in ports],
                "notes": [*visa.notes, *notes, *unusable],
            }
        )


def _models() -> tuple[dict[str, type[ChipSettings]], list[str]]:
    """Settings of the drivers that can be loaded, and why the others cannot."""
    settings, models = SettingsOfDrivers(chip_drivers()), dict[str, type[ChipSettings]]()
    unusable: list[str] = []
    for name in settings:
        try:
            models[name] = settings[name]
        except MgdLabError as error:
            unusable.append(str(error))
    return models, unusable


def _print_visa(visa: VisaListing, library: str, drivers: tuple[str, ...], *, asked: bool) -> None:
    typer.echo(f"VISA resources ({library}):" + ("" if visa.resources else " none"))
    for found in visa.resources:
        typer.echo(f"  {found.name}  {_said(found, asked=asked)}".rstrip())
        if found.takes_messages:
            typer.echo(f"    would fit: {_named(drivers)} (resource: {found.name})")


def _said(found: VisaResource, *, asked: bool) -> str:
    if not found.takes_messages:
        return "an interface, no instrument"
    return found.identity or found.note or ("" if asked else "not asked (--ask sends *IDN?)")


def _print_ports(ports: list[SerialPort], drivers: tuple[str, ...]) -> None:
    typer.echo("serial ports:" + ("" if ports else " none"))
    for port in ports:
        serial = f"serial number {port.serial_number}" if port.serial_number else ""
        known = ", ".join(text for text in (port.description, port.vid_pid, serial) if text)
        typer.echo(f"  {port.device}  {known}".rstrip())
        typer.echo(f"    would fit: {_named(drivers)} (port: {port.device})")


def _named(drivers: tuple[str, ...]) -> str:
    return " or ".join(f"driver {name}" for name in drivers) or "no installed driver"
