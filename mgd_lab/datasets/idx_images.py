"""Any data set in IDX files: images and labels, with or without an official test split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.data_set import DataSet
from mgd_lab.datasets.idx_file import read_idx
from mgd_lab.datasets.image_set import image_set
from mgd_lab.datasets.numeric import input_array, target_array
from mgd_lab.errors import DataError


@dataclass(frozen=True)
class ImageFiles:
    """A file of images and the file of their labels."""

    images: Path
    labels: Path


@dataclass(frozen=True)
class _Part:
    images: NDArray[Any]
    labels: NDArray[Any]


def idx_images(
    train: ImageFiles,
    official_test: ImageFiles | None = None,
    seed: int = 1,
    validation: float = 0.0,
    test: float = 0.0,
) -> DataSet:
    """Images of uint8 in [0, 1]; values of other types as they are.

    Images are flattened in row-major order of their dimensions. Labels are whole numbers from 0
    and become one-hot rows of as many classes as the largest label of all files tells; values with
    a fraction, or several of a sample, are taken as they are.

    Args:
        train: the files.
        official_test: likewise; without them the test split is cut from `train`.
        seed: of the splits.
        validation: fraction of the samples of `train`, 0 to 1.
        test: likewise; must be 0 beside `official_test`.

    Raises:
        DataError: a file is missing, damaged or does not fit the others; with its name.
    """
    first = _part(train)
    parts = [first]
    if official_test is not None:
        parts.append(_part(official_test))
        _require_the_same_kind(train, official_test, *parts)
    targets, kind = target_array(
        np.concatenate([part.labels for part in parts]), f"{train.labels}: labels"
    )
    beside = f" and {official_test.images}" if official_test is not None else ""
    return image_set(
        "idx",
        f"images of {train.images}{beside}",
        images=first.images,
        official_test=None if official_test is None else parts[1].images,
        targets=targets,
        target_kind=kind,
        seed=seed,
        validation=validation,
        test=test,
    )


def _part(files: ImageFiles) -> _Part:
    images, labels = read_idx(files.images).values, read_idx(files.labels).values
    if images.ndim < 2:
        raise DataError(
            f"{files.images}: one value a sample, of shape {images.shape}; expected images, as "
            "(samples, rows, columns). Are images and labels exchanged?"
        )
    if len(images) != len(labels):
        raise DataError(
            f"{files.images} holds {len(images):,} images, {files.labels} {len(labels):,} labels"
        )
    if images.dtype != np.uint8:
        flat = images.reshape(len(images), -1)
        images = input_array(flat, str(files.images)).reshape(images.shape)
    return _Part(images, labels)


def _require_the_same_kind(
    train: ImageFiles, official_test: ImageFiles, first: _Part, second: _Part
) -> None:
    for kind, ours, theirs in (
        ("images", first.images, second.images),
        ("labels", first.labels, second.labels),
    ):
        if ours.shape[1:] != theirs.shape[1:] or ours.dtype != theirs.dtype:
            raise DataError(
                f"{getattr(train, kind)} holds {ours.dtype} {kind} of shape {ours.shape[1:]}, "
                f"{getattr(official_test, kind)} {theirs.dtype} of shape {theirs.shape[1:]}; "
                "training and test must be alike"
            )
