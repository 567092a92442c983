"""`mgd-lab runs [DIR]`."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import Json
from mgd_lab.cli.quantities import cost, number, percent
from mgd_lab.run_store import RunListing, list_runs

NAME = "runs"


@reported
def command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder of runs.")] = Path("runs"),
    json: Json = False,
) -> None:
    """List the runs of a folder."""
    found = list_runs(folder)
    if json:
        typer.echo(json_format.dumps([_entry(listing) for listing in found]))
        return
    if not found:
        typer.echo(f"no runs in {folder}")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("run", "status", "steps", "cost", "accuracy", ""):
        right = column in ("steps", "cost", "accuracy")
        table.add_column(column, justify="right" if right else "left", no_wrap=column == "run")
    for listing in found:
        table.add_row(*_row(listing))
    console = Console()
    # Piped into another program, lines stay whole.
    console.print(table, soft_wrap=not console.is_terminal, markup=False)


def _entry(listing: RunListing) -> dict[str, object]:
    summary = listing.summary or {"run": str(listing.path), "status": listing.status}
    problem = {"problem": listing.problem} if listing.problem else {}
    return {**summary, "created_utc": listing.created_utc, **problem}


def _kind(listing: RunListing) -> str:
    """A reference is always simulated; what it is tells more."""
    reference = listing.summary.get("reference")
    return str(reference) if reference else "simulated" if listing.simulated else ""


def _row(listing: RunListing) -> tuple[str, ...]:
    if listing.problem:
        return listing.name, listing.status, "-", "-", "-", listing.problem
    summary = listing.summary
    return (
        listing.name,
        listing.status,
        number(summary.get("steps")),
        cost(summary.get("cost")),
        percent(summary.get("accuracy")),
        _kind(listing),
    )
