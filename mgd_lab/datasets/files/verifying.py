"""Whether files are the official ones, by the SHA-256 of their contents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mgd_lab.datasets.files.contents import contents_sha256
from mgd_lab.datasets.files.folders import Found
from mgd_lab.datasets.files.official import OfficialFile, OfficialSet
from mgd_lab.errors import DataError

State = Literal["official", "different", "damaged", "missing"]


@dataclass(frozen=True)
class Verdict:
    """On one file.

    Attributes:
        name: of the file, without `.gz`.
        path: where it lies; where it should lie, if it is missing.
        state: `different` has other contents, `damaged` cannot be unwrapped or read.
        problem: what is wrong, or nothing.
    """

    name: str
    path: Path
    state: State
    problem: str = ""


def verify_files(official: OfficialSet, found: Found) -> tuple[Verdict, ...]:
    """A verdict on every file of the data set, in its order."""
    return tuple(_verdict(file, found) for file in official.files)


def _verdict(file: OfficialFile, found: Found) -> Verdict:
    path = found.files.get(file.name)
    if path is None:
        return Verdict(file.name, found.folder / file.name, "missing", "is not there")
    try:
        digest = contents_sha256(path, file.size)
    except DataError as error:
        return Verdict(file.name, path, "damaged", str(error))
    if digest is None:
        problem = f"its contents are not of the official file's {file.size:,} bytes"
        return Verdict(file.name, path, "different", problem)
    if digest != file.sha256:
        problem = f"contents have SHA-256 {digest}, the official file's {file.sha256}"
        return Verdict(file.name, path, "different", problem)
    return Verdict(file.name, path, "official")
