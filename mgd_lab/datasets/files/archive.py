"""The files of a data set out of the archive that it is offered as."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from mgd_lab.datasets.files.official import OfficialSet
from mgd_lab.errors import DataError


def unpack(archive: Path, official: OfficialSet, into: Path) -> dict[str, Path]:
    """Files of the data set by name, unpacked into a folder; nothing else is.

    Only plain files with the official size leave the archive, under their own last name.

    Raises:
        DataError: the archive is damaged, or lacks a file.
    """
    unpacked: dict[str, Path] = {}
    try:
        _unpack(archive, official, into, unpacked)
    except DataError:
        for path in unpacked.values():
            path.unlink(missing_ok=True)
        raise
    return unpacked


def _unpack(archive: Path, official: OfficialSet, into: Path, unpacked: dict[str, Path]) -> None:
    sizes = {file.name: file.size for file in official.files}
    try:
        with tarfile.open(archive, "r:*") as opened:
            for member in opened:
                name = PurePosixPath(member.name).name
                content = opened.extractfile(member) if member.isreg() else None
                if content is None or sizes.get(name) != member.size:
                    continue
                unpacked[name] = into / name
                with content, unpacked[name].open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{archive}: a damaged archive: {error}") from error
    except OSError as error:
        raise DataError(
            f"{archive}: cannot be unpacked into {into}: {error.strerror or error}"
        ) from error
    lacking = [name for name in sizes if name not in unpacked]
    if lacking:
        raise DataError(
            f"{archive} lacks {', '.join(lacking)}, or has them in another size; it is not "
            f"{official.title}'s archive"
        )
