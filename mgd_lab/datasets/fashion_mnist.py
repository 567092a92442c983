"""Fashion-MNIST: 60,000 + 10,000 grey images of 28x28 pixels, 10 kinds of clothes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.class_labels import one_hot
from mgd_lab.datasets.data_set import DataSet
from mgd_lab.datasets.files.folders import locate
from mgd_lab.datasets.files.judging import Checksums, is_official, other_contents
from mgd_lab.datasets.files.official import FASHION_MNIST, OfficialSet
from mgd_lab.datasets.idx_file import read_idx
from mgd_lab.datasets.image_set import image_set
from mgd_lab.errors import DataError


def fashion_mnist(
    seed: int = 1,
    validation: float = 0.0,
    *,
    folder: Path | None = None,
    checksums: Checksums = "official",
    official: OfficialSet = FASHION_MNIST,
) -> DataSet:
    """784 inputs in [0, 1], row by row; one-hot targets; the official test split.

    Args:
        seed: of the validation split.
        validation: fraction of the 60,000 training images.
        folder: to look for the files in, in place of those of `search_folders`.
        checksums: "any" takes files of the same layout with other contents; the description of
            the result says so.
        official: files with their checksums, shape of the images, classes.

    Raises:
        DataError: the files are not here (with what to do), damaged, or not the official ones.
    """
    paths = locate(official, folder=folder).files
    genuine = True
    read: list[NDArray[Any]] = []
    for file in official.files:
        path = paths[file.name]
        idx = read_idx(path)
        genuine &= is_official(official, file, path, idx.sha256, checksums)
        _require_layout(official, path, idx.values, images=len(read) % 2 == 0)
        read.append(idx.values)
    places = [paths[file.name] for file in official.files]
    for first in (0, 2):
        _require_pairs(places[first : first + 2], read[first : first + 2])
    classes = len(official.classes)
    train, train_labels, test, test_labels = read
    return image_set(
        official.name,
        f"{official.title}: {len(train):,} training and {len(test):,} test images of the official "
        f"splits{other_contents(genuine)}",
        images=train,
        official_test=test,
        targets=np.concatenate(
            [one_hot(train_labels, classes, places[1]), one_hot(test_labels, classes, places[3])]
        ),
        target_kind="one_hot",
        seed=seed,
        validation=validation,
    )


def _require_layout(
    official: OfficialSet, path: Path, values: NDArray[Any], *, images: bool
) -> None:
    """Whatever the checksum: bytes, in images or in labels."""
    expected = official.shape[1:] if images else ()
    if values.dtype != np.uint8 or values.shape[1:] != expected:
        raise DataError(
            f"{path}: {values.dtype} values of shape {values.shape}; expected uint8 of shape "
            f"(samples, {', '.join(map(str, expected))})".replace(", )", ",)")
        )


def _require_pairs(places: list[Path], read: list[NDArray[Any]]) -> None:
    if len(read[0]) != len(read[1]):
        raise DataError(
            f"{places[0]} holds {len(read[0]):,} images, {places[1]} {len(read[1]):,} labels"
        )
