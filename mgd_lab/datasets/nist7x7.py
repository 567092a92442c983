"""The letters N, I, S, T in 7x7 pixels: a reconstruction of the MGD paper's data set.

The paper (McCaughan et al., APL Machine Learning 1, 026118, 2023) trains on 44,136 images that
are not public as a file. This reconstruction has exactly that size: four 5x5 glyphs at the 9
shifts inside 7x7 pixels, with every pattern of 0, 1 or 2 flipped pixels,
4 · 9 · (1 + 49 + 1,176) = 44,136.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.data_set import DataSet
from mgd_lab.datasets.splitting import split_by_name

CLASSES = ("N", "I", "S", "T")
NIST7X7_SAMPLES = 44_136

_GLYPHS = (
    ("10001", "11001", "10101", "10011", "10001"),
    ("11111", "00100", "00100", "00100", "11111"),
    ("11111", "10000", "11111", "00001", "11111"),
    ("11111", "00100", "00100", "00100", "00100"),
)
_WIDTH = 7
_PIXELS = _WIDTH * _WIDTH


def nist7x7(seed: int = 1, validation: float = 0.0, test: float = 0.1) -> DataSet:
    """44,136 images of 49 pixels, 0 or 1, in row-major order; one-hot targets N, I, S, T.

    Order: letter (N, I, S, T) slowest, then shift (rows down 0 to 2, then columns right 0 to 2),
    then flips: none; one pixel, ascending; two pixels (a, b), a < b, in lexicographic order.

    Raises:
        DataError: a split that leaves nothing to train on.
    """
    shifted = _shifted_glyphs()
    flips = _flips()
    inputs = shifted[:, None, :] ^ flips
    labels = np.repeat(np.arange(len(CLASSES)), len(inputs) // len(CLASSES) * len(flips))
    count = len(labels)
    return DataSet(
        name="nist7x7",
        inputs=inputs.reshape(count, _PIXELS).astype(np.float32),
        targets=np.eye(len(CLASSES), dtype=np.float32)[labels],
        target_kind="one_hot",
        description="NIST7x7, a reconstruction: letters N, I, S, T at 9 shifts with 0 to 2 pixels "
        "flipped",
        splits=split_by_name(count, seed, validation, test),
    )


def _shifted_glyphs() -> NDArray[np.uint8]:
    """Every letter at every shift, shape (36, 49)."""
    images = np.zeros((len(_GLYPHS), 3, 3, _WIDTH, _WIDTH), np.uint8)
    for letter, rows in enumerate(_GLYPHS):
        glyph = np.array([[int(pixel) for pixel in row] for row in rows], np.uint8)
        for down, right in itertools.product(range(3), repeat=2):
            images[letter, down, right, down : down + 5, right : right + 5] = glyph
    return images.reshape(-1, _PIXELS)


def _flips() -> NDArray[np.uint8]:
    """Every pattern of 0, 1 or 2 flipped pixels, shape (1226, 49)."""
    single = np.eye(_PIXELS, dtype=np.uint8)
    first, second = np.triu_indices(_PIXELS, k=1)
    none = np.zeros((1, _PIXELS), np.uint8)
    return np.concatenate([none, single, single[first] ^ single[second]])
