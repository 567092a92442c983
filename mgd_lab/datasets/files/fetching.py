"""Bringing a data set's official files here: from its site, a mirror, or a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mgd_lab.datasets.files.contents import contents_sha256
from mgd_lab.datasets.files.folders import (
    Found,
    files_in,
    home_of_fetched,
    how_to_get,
    search_folders,
)
from mgd_lab.datasets.files.official import OfficialFile, OfficialSet
from mgd_lab.datasets.files.resuming import Observer
from mgd_lab.datasets.files.sources import staged_from
from mgd_lab.datasets.files.verifying import verify_files
from mgd_lab.errors import DataError, MissingExtraError

_WORKPLACE = ".fetching"


@dataclass(frozen=True)
class Fetched:
    """Where the files of a data set are now, and which of them had to be brought."""

    folder: Path
    brought: tuple[str, ...]


def fetch(
    official: OfficialSet, source: str | None, folder: Path | None, observe: Observer
) -> Fetched:
    """Bring what is missing, and judge it by the SHA-256 of its contents.

    Every file reaches its place whole and verified, or not at all. Files that are there stay.

    Args:
        official: the data set.
        source: a URL below which a mirror has the files (http, https, file) or a folder that has
            them, in any gzip wrapping or none, or their archive; None is the official site.
        folder: of data sets, to bring them to; None is `home_of_fetched`, if none of
            `search_folders` has them all.
        observe: told of progress.

    Raises:
        DataError: a file cannot be had, is another than the official one, or another one is in its
            place already.
        MissingExtraError: a download needs pooch, which is not installed.
    """
    for home in search_folders(folder):
        found = _here(home, official)
        if not found.missing and not _lacking(official, found):
            return Fetched(found.folder, ())
    home = home_of_fetched(folder)
    found = _here(home, official)
    wanted = _lacking(official, found)
    place = found.folder if found.files else home / official.folder
    workplace = place / _WORKPLACE
    try:
        workplace.mkdir(parents=True, exist_ok=True)
        staged = staged_from(source, official, wanted, workplace, observe)
        _install(official, wanted, staged, place)
        _throw_away(workplace)
    except OSError as error:
        raise DataError(f"{place} cannot be written: {error.strerror or error}") from error
    except (DataError, MissingExtraError) as error:
        error.add_note(how_to_get(official, folder))
        raise
    finally:
        with contextlib.suppress(OSError):
            # Parts of downloads stay in it, to go on from.
            workplace.rmdir()
    return Fetched(place, tuple(file.name for file in wanted))


def _here(home: Path, official: OfficialSet) -> Found:
    return files_in(home, official, [file.name for file in official.files])


def _lacking(official: OfficialSet, found: Found) -> list[OfficialFile]:
    """Files that are missing.

    Raises:
        DataError: a file is there that is not the official one; it may be somebody's own.
    """
    verdicts = verify_files(official, found)
    for verdict in verdicts:
        if verdict.state in ("different", "damaged"):
            raise DataError(
                f"{verdict.path} is there already and is not the official file: {verdict.problem}. "
                "Move it away, or name another folder by --folder"
            )
    return [
        file
        for file, verdict in zip(official.files, verdicts, strict=True)
        if verdict.state == "missing"
    ]


def _install(
    official: OfficialSet, wanted: Sequence[OfficialFile], staged: dict[str, Path], place: Path
) -> None:
    for file in wanted:
        path = staged[file.name]
        if contents_sha256(path, file.size) != file.sha256:
            _throw_away(path.parent)
            raise DataError(
                f"{path.name}, as it was brought, is not the official file of {official.title}: "
                f"its contents do not have the SHA-256 {file.sha256}. It was thrown away"
            )
    for file in wanted:
        staged[file.name].replace(place / staged[file.name].name)


def _throw_away(workplace: Path) -> None:
    for path in workplace.iterdir():
        if path.suffix != ".part":
            path.unlink()
