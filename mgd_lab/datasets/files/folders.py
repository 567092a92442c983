"""Where files of data sets are looked for, and what to do where they are not."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mgd_lab.datasets.files.official import OfficialSet
from mgd_lab.errors import DataError

VARIABLE = "MGD_LAB_DATA"
# Debian's packages of data sets.
_SYSTEM = Path("/usr/share/datasets")


@dataclass(frozen=True)
class Found:
    """Files of a data set in one folder.

    Attributes:
        folder: in which they lie.
        files: by their names without `.gz`.
        missing: names of those that were asked for and are not there.
    """

    folder: Path
    files: Mapping[str, Path]
    missing: tuple[str, ...]


def home_of_fetched(folder: Path | None = None) -> Path:
    """The folder of data sets that fetched files go to: named, by MGD_LAB_DATA, or the cache.

    Raises:
        DataError: there is no home folder to have a cache in.
    """
    return folder or _named() or _cache()


def search_folders(folder: Path | None = None) -> tuple[Path, ...]:
    """Folders of data sets, the first searched first; a folder that is named is searched alone."""
    if folder is not None:
        return (folder,)
    named = _named()
    return (*((named,) if named else ()), _cache(), _SYSTEM)


def locate(
    official: OfficialSet,
    names: Sequence[str] | None = None,
    folder: Path | None = None,
    hint: str = "",
) -> Found:
    """The first folder that holds all files (those of `names`), plain or with `.gz`.

    Contents are not judged here. `hint` says what else can be done, where some files are missing.

    Raises:
        DataError: no folder does; with what to do.
    """
    found = search(official, names, folder)
    if found is None or found.missing:
        raise DataError(_not_here(official, folder, found, hint))
    return found


def search(
    official: OfficialSet, names: Sequence[str] | None = None, folder: Path | None = None
) -> Found | None:
    """The first folder that holds all files, else the one with most of them, else None.

    Raises:
        DataError: a folder cannot be looked into.
    """
    best: Found | None = None
    for home in search_folders(folder):
        found = files_in(home, official, names or [file.name for file in official.files])
        if not found.missing:
            return found
        if found.files and (best is None or len(found.files) > len(best.files)):
            best = found
    return best


def files_in(home: Path, official: OfficialSet, names: Sequence[str]) -> Found:
    """Files in the data set's folder below `home`, or in `home` itself, whichever has more."""
    candidates = [_files(folder, names) for folder in (home / official.folder, home)]
    return max(candidates, key=lambda found: len(found.files))


def how_to_get(official: OfficialSet, folder: Path | None = None) -> str:
    """What to do with and without internet, in lines."""
    place = home_of_fetched(folder) / official.folder
    downloads = [
        f"    {official.url}{download.name}\n      SHA-256 {download.sha256}"
        for download in official.downloads
    ]
    package = (
        f"\nDebian and Ubuntu have it as a package: apt install {official.package}"
        if official.package
        else ""
    )
    return "\n".join(
        [
            f"With internet: mgd-lab data fetch {official.name}",
            "Without: on a computer that has it, download",
            *downloads,
            f"carry the files here, and: mgd-lab data fetch {official.name} --from FOLDER",
            f"(they are kept in {place}; a folder named by {VARIABLE} is used as it is)" + package,
        ]
    )


def _files(folder: Path, names: Sequence[str]) -> Found:
    files: dict[str, Path] = {}
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if _is_file(path):
                files[name] = path
                break
    return Found(folder, files, tuple(name for name in names if name not in files))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise DataError(f"{path} cannot be looked at: {error.strerror or error}") from error


def _cache() -> Path:
    """The user's, where the XDG base directory specification has it."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mgd-lab"
    except RuntimeError as error:
        raise DataError(
            f"there is no home folder to keep data sets in; name a folder by {VARIABLE}"
        ) from error


def _named() -> Path | None:
    value = os.environ.get(VARIABLE)
    try:
        return Path(value).expanduser() if value else None
    except RuntimeError as error:
        raise DataError(f"{VARIABLE} is {value!r}: {error}") from error


def _not_here(official: OfficialSet, folder: Path | None, best: Found | None, hint: str) -> str:
    looked = ", ".join(str(home) for home in search_folders(folder))
    if best is None:
        problem = f"{official.title} is not on this computer; looked in {looked}"
    else:
        problem = (
            f"{official.title} is incomplete in {best.folder}: {', '.join(best.missing)} missing; "
            f"looked in {looked}"
        )
        problem += f"\n{hint}" if hint else ""
    return f"{problem}\n{how_to_get(official, folder)}"
