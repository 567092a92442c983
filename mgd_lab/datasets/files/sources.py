"""Where a data set's files can come from: a site, a folder, an archive."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mgd_lab.datasets.files.archive import unpack
from mgd_lab.datasets.files.download import download
from mgd_lab.datasets.files.folders import files_in
from mgd_lab.datasets.files.official import Download, OfficialFile, OfficialSet
from mgd_lab.datasets.files.resuming import Observer
from mgd_lab.errors import DataError

# A mirror may have wrapped the same contents with less effort.
_WORSE_WRAPPING = 2


def staged_from(
    source: str | None,
    official: OfficialSet,
    wanted: Sequence[OfficialFile],
    workplace: Path,
    observe: Observer,
) -> dict[str, Path]:
    """Copies of the wanted files in a folder, by name; their contents are not judged yet.

    Args:
        source: as of `fetch`.
        official: the data set.
        wanted: files to bring.
        workplace: the folder.
        observe: told of progress.

    Raises:
        DataError: the source lacks a file or cannot be reached.
        OSError: the folder cannot be written.
    """
    address = source or official.url
    if address.startswith(("http://", "https://")):
        return _from_site(source, official, wanted, workplace, observe)
    if address.startswith("file://"):
        address = unquote(urlsplit(address).path)
    elif "://" in address:
        raise DataError(f"{address}: expected a http, https or file URL, or a folder")
    return _from_folder(Path(address).expanduser(), official, wanted, workplace, observe)


def _from_site(
    mirror: str | None,
    official: OfficialSet,
    wanted: Sequence[OfficialFile],
    workplace: Path,
    observe: Observer,
) -> dict[str, Path]:
    base = (mirror or official.url).rstrip("/") + "/"

    def brought(offer: Download) -> Path:
        # Mirrors may wrap the same contents differently, and then the contents tell alone.
        known, most = (None, _WORSE_WRAPPING * offer.size) if mirror else (offer.sha256, offer.size)
        return download(base + offer.name, workplace, offer.name, known, most, observe)

    archive = _archive(official)
    if archive is not None:
        return _unpacked(brought(archive), official, workplace)
    offers = {offer.name: offer for offer in official.downloads}
    return {file.name: brought(offers[f"{file.name}.gz"]) for file in wanted}


def _from_folder(
    folder: Path,
    official: OfficialSet,
    wanted: Sequence[OfficialFile],
    workplace: Path,
    observe: Observer,
) -> dict[str, Path]:
    archive = _archive(official)
    if archive is not None:
        lying = folder if folder.is_file() else folder / archive.name
        if lying.is_file():
            return unpack(lying, official, workplace)
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; name one that has {official.title}'s files")
    found = files_in(folder, official, [file.name for file in wanted])
    if found.missing:
        raise DataError(
            f"{folder} lacks {', '.join(found.missing)} (plain or with .gz)"
            + (f", and {archive.name}" if archive else "")
        )
    staged: dict[str, Path] = {}
    for name, path in found.files.items():
        staged[name] = workplace / path.name
        shutil.copyfile(path, staged[name])
        size = staged[name].stat().st_size
        observe(path.name, size, size)
    return staged


def _archive(official: OfficialSet) -> Download | None:
    """The one download that holds every file, where the files are not offered one by one."""
    offers = {offer.name for offer in official.downloads}
    if all(f"{file.name}.gz" in offers for file in official.files):
        return None
    return official.downloads[0]


def _unpacked(archive: Path, official: OfficialSet, workplace: Path) -> dict[str, Path]:
    try:
        return unpack(archive, official, workplace)
    except DataError:
        # Left here, it would be taken for a good download the next time.
        archive.unlink(missing_ok=True)
        raise
