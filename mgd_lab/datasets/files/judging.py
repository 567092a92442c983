"""Whether contents that were read may be used."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mgd_lab.datasets.files.official import OfficialFile, OfficialSet
from mgd_lab.errors import DataError

Checksums = Literal["official", "any"]


def is_official(
    official: OfficialSet, file: OfficialFile, path: Path, sha256: str, checksums: Checksums
) -> bool:
    """Whether the contents with this SHA-256 are those of the official file.

    Raises:
        DataError: they are not, and only official ones are wanted.
    """
    if sha256 == file.sha256:
        return True
    if checksums == "any":
        return False
    raise DataError(
        f"{path} is not the official file of {official.title}: its contents have SHA-256 {sha256}, "
        f"the official ones {file.sha256}. Move it away and fetch it again (mgd-lab data fetch "
        f"{official.name}); task.checksums: any takes files of this layout whatever they hold"
    )


def other_contents(genuine: bool) -> str:
    """What a description says of contents that are not the official ones."""
    return "" if genuine else "; NOT the official contents, their checksums differ"
