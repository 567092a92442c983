"""`mgd-lab data list|fetch|verify|path`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from mgd_lab.cli.download_progress import DownloadProgress
from mgd_lab.cli.errors import reported
from mgd_lab.cli.quantities import number, size
from mgd_lab.datasets.catalogue import Listed, catalogue
from mgd_lab.datasets.files import (
    OFFICIAL_SETS,
    OfficialSet,
    Verdict,
    fetch,
    how_to_get,
    locate,
    search,
    verify_files,
)
from mgd_lab.errors import ConfigurationError, DataError
from mgd_lab.experiment.nearest import did_you_mean
from mgd_lab.experiment.task import DataSetName

NAME = "data"

app = typer.Typer(
    help="List, fetch and verify data sets.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="fashion_mnist or cifar10.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Folder of data sets, searched alone; else MGD_LAB_DATA, the cache and Debian's.",
    ),
]


@app.command("list")
@reported
def list_data(folder: Folder = None) -> None:
    """List data sets, and where they are."""
    rows = [("data set", "samples", "shape", "classes", "size", "where")]
    rows += [_row(listed) for listed in catalogue(folder)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        typer.echo("  ".join([*cells, row[-1]]))


@app.command("fetch")
@reported
def fetch_data(
    name: Name,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="A mirror (URL below which the files are) or a folder that has them.",
        ),
    ] = None,
    folder: Folder = None,
) -> None:
    """Bring a data set here; goes on where an earlier attempt was cut off."""
    official = _named(name)
    with DownloadProgress() as progress:
        fetched = fetch(official, source, folder, progress.show)
    done = "fetched and verified" if fetched.brought else "is here already, verified"
    typer.echo(f"{official.title}: {done}: {fetched.folder}")


@app.command("verify")
@reported
def verify_data(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One data set; else all that are here.")
    ] = None,
    folder: Folder = None,
) -> None:
    """Compare files with the official ones, by the SHA-256 of their contents."""
    verdicts: list[Verdict] = []
    for official in [_named(name)] if name else OFFICIAL_SETS.values():
        found = search(official, folder=folder)
        if found is None and name:
            raise DataError(f"{official.title} is not here\n{how_to_get(official, folder)}")
        if found is None:
            typer.echo(f"{official.title}: not here")
            continue
        for verdict in verify_files(official, found):
            typer.echo(f"{verdict.path}: {verdict.problem or 'the official contents'}")
            verdicts.append(verdict)
    _check_verdicts(verdicts)


@app.command("path")
@reported
def data_path(name: Name, folder: Folder = None) -> None:
    """Print the folder that has a data set's files."""
    typer.echo(str(locate(_named(name), folder=folder).folder))


def _check_verdicts(verdicts: list[Verdict]) -> None:
    missing = sum(verdict.state == "missing" for verdict in verdicts)
    wrong = sum(verdict.state in ("different", "damaged") for verdict in verdicts)
    if not missing and not wrong:
        return
    told: list[str] = []
    if missing:
        told.append(f"{missing} of {len(verdicts)} files {'is' if missing == 1 else 'are'} missing")
    if wrong:
        told.append(
            f"{wrong} of {len(verdicts)} files {'is' if wrong == 1 else 'are'} not the official "
            f"{'one' if wrong == 1 else 'ones'}; move {'it' if wrong == 1 else 'them'} away"
        )
    raise DataError(f"{'; '.join(told)}. mgd-lab data fetch brings what is not there")


def _named(name: str) -> OfficialSet:
    for official in OFFICIAL_SETS.values():
        if official.name == name:
            return official
    with_files = f"data sets with files are {', '.join(OFFICIAL_SETS)}"
    without = "parity and nist7x7 are computed, digits comes with scikit-learn"
    if name in get_args(DataSetName):
        raise ConfigurationError(
            f"data set {name!r} has no files to fetch ({with_files}; {without}; idx and arrays "
            "are files of your own)"
        )
    raise ConfigurationError(
        f"there is no data set {name!r}{did_you_mean(name, OFFICIAL_SETS)} ({with_files}; "
        f"{without})"
    )


def _row(listed: Listed) -> tuple[str, ...]:
    train, test = listed.samples
    return (
        listed.name,
        number(train) + (f" + {number(test)}" if test else ""),
        " x ".join(str(length) for length in listed.shape),
        str(listed.classes),
        size(listed.size) if listed.size else "-",
        listed.where,
    )
