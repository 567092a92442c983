"""CIFAR-10: 50,000 + 10,000 colour images of 32x32 pixels, 10 classes, in the binary version.

A file is a sequence of records: a label byte, then 3,072 bytes of pixels: the red channel row by
row, then green, then blue (https://www.cs.toronto.edu/~kriz/cifar.html).
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.class_labels import one_hot
from mgd_lab.datasets.data_set import DataSet
from mgd_lab.datasets.files.contents import open_contents, read_up_to
from mgd_lab.datasets.files.folders import locate
from mgd_lab.datasets.files.judging import Checksums, is_official, other_contents
from mgd_lab.datasets.files.official import CIFAR10, OfficialFile, OfficialSet
from mgd_lab.datasets.image_set import image_set
from mgd_lab.errors import DataError

TRAIN_BATCHES = 5
_PIXELS = 3 * 32 * 32
_RECORD = 1 + _PIXELS


def cifar10(
    seed: int = 1,
    validation: float = 0.0,
    *,
    train_batches: int = TRAIN_BATCHES,
    folder: Path | None = None,
    checksums: Checksums = "official",
    official: OfficialSet = CIFAR10,
) -> DataSet:
    """3,072 inputs in [0, 1], channel by channel, row by row; one-hot targets; official test split.

    Args:
        seed: of the validation split.
        validation: fraction of the training images.
        train_batches: the first so many of the five files of 10,000 training images; the others
            need not be there.
        folder: to look for the files in, in place of those of `search_folders`.
        checksums: "any" takes files of the same layout with other contents; the description of
            the result says so.
        official: files with their checksums, classes.

    Raises:
        DataError: the files are not here (with what to do), damaged, or not the official ones.
    """
    if not 1 <= train_batches <= TRAIN_BATCHES:
        raise DataError(f"task.train_batches is {train_batches}; expected 1 to {TRAIN_BATCHES}")
    files = (*official.files[:train_batches], official.files[-1])
    hint = (
        f"task.train_batches: N trains on the first N batches alone, of {TRAIN_BATCHES}; "
        f"{train_batches} were asked for"
    )
    paths = locate(official, [file.name for file in files], folder, hint).files
    batches: list[NDArray[np.uint8]] = []
    genuine = True
    for file in files:
        body = _body(paths[file.name], file)
        digest = sha256(body).hexdigest()
        genuine &= is_official(official, file, paths[file.name], digest, checksums)
        batches.append(np.frombuffer(body, np.uint8).reshape(-1, _RECORD))
    targets = [
        one_hot(batch[:, 0], len(official.classes), paths[file.name])
        for file, batch in zip(files, batches, strict=True)
    ]
    count = sum(len(batch) for batch in batches[:-1])
    part = "" if train_batches == TRAIN_BATCHES else f" (batches 1 to {train_batches} of 5)"
    return image_set(
        official.name,
        f"{official.title}: {count:,} training images{part} and {len(batches[-1]):,} of the "
        f"official test split{other_contents(genuine)}",
        images=np.concatenate([batch[:, 1:] for batch in batches[:-1]]),
        official_test=batches[-1][:, 1:],
        targets=np.concatenate(targets),
        target_kind="one_hot",
        seed=seed,
        validation=validation,
    )


def _body(path: Path, file: OfficialFile) -> bytearray:
    with open_contents(path) as stream:
        body = read_up_to(stream, file.size + 1)
    if not body or len(body) % _RECORD or len(body) > file.size:
        found = f"{len(body):,}" if len(body) <= file.size else f"more than {file.size:,}"
        raise DataError(
            f"{path} holds {found} bytes; expected records of {_RECORD:,} bytes (a label and "
            f"3 x 32 x 32 pixels), {file.size:,} bytes in all. It is damaged, or not of the "
            "binary version of CIFAR-10"
        )
    return body
