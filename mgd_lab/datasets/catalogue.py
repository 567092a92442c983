"""Data sets that need no file of the user's own, and whether they are here."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from mgd_lab.datasets.digits import DIGITS_SAMPLES
from mgd_lab.datasets.files import OFFICIAL_SETS, OfficialSet, search
from mgd_lab.datasets.nist7x7 import CLASSES, NIST7X7_SAMPLES


@dataclass(frozen=True)
class Listed:
    """A line of the catalogue.

    Attributes:
        name: in experiment files.
        samples: of training and of the official test split, 0 where there is none.
        shape: of a sample: (rows, columns), or (channels, rows, columns).
        classes: how many.
        size: of the contents of its files, in bytes; 0 where it has none.
        here: whether it can be loaded; contents of files are not judged.
        where: the folder, or where it comes from, or how it can be had.
    """

    name: str
    samples: tuple[int, int]
    shape: tuple[int, ...]
    classes: int
    size: int
    here: bool
    where: str


def catalogue(folder: Path | None = None) -> tuple[Listed, ...]:
    """Every data set that ships with the program or can be fetched.

    Raises:
        DataError: a folder cannot be looked into.
    """
    carried = importlib.util.find_spec("sklearn") is not None
    where = "in scikit-learn" if carried else 'not here: pip install "mgd-lab[data]"'
    return (
        Listed("nist7x7", (NIST7X7_SAMPLES, 0), (7, 7), len(CLASSES), 0, True, "computed"),
        Listed("digits", (DIGITS_SAMPLES, 0), (8, 8), 10, 0, carried, where),
        *(_official(official, folder) for official in OFFICIAL_SETS.values()),
    )


def _official(official: OfficialSet, folder: Path | None) -> Listed:
    found = search(official, folder=folder)
    here = found is not None and not found.missing
    if found is None:
        where = f"not here: mgd-lab data fetch {official.name}"
    elif here:
        where = str(found.folder)
    else:
        where = f"{found.folder} lacks {len(found.missing)} of {len(official.files)} files"
    return Listed(
        official.name,
        official.samples,
        official.shape if official.shape[0] > 1 else official.shape[1:],
        len(official.classes),
        sum(file.size for file in official.files),
        here,
        where,
    )
