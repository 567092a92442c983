import numpy as np
import pytest

from mgd_lab.datasets import split_indices
from mgd_lab.datasets.image_set import image_set

PIXELS = np.random.default_rng(1).integers(0, 256, (5000, 3), np.uint8)
TESTS = np.random.default_rng(2).integers(0, 256, (70, 3), np.uint8)
TARGETS = np.random.default_rng(3).random((5070, 2), np.float32)


@pytest.mark.parametrize("validation", [0.0, 0.1])
def test_splits_are_those_of_the_seed_in_the_order_of_the_files(validation):
    data = image_set(
        *("some", "some images"),
        images=PIXELS,
        official_test=TESTS,
        targets=TARGETS,
        target_kind="values",
        seed=4,
        validation=validation,
    )
    train, validations, _ = split_indices(5000, 4, validation, 0.0)
    expected = {
        "train": (PIXELS[train], TARGETS[train]),
        "validation": (PIXELS[validations], TARGETS[validations]),
        "test": (TESTS, TARGETS[5000:]),
    }
    for name, (pixels, targets) in expected.items():
        if len(pixels):
            inputs, found = data.split(name)
            np.testing.assert_array_equal(inputs, pixels / np.float32(255))
            np.testing.assert_array_equal(found, targets)
            # 50,000 colour images twice would fill much of a small computer.
            assert np.shares_memory(inputs, data.inputs)
            assert inputs.flags.c_contiguous
    every = np.concatenate(list(data.splits.values()))
    np.testing.assert_array_equal(np.sort(every), np.arange(5070))


def test_fractions_of_the_whole():
    data = image_set(
        *("some", "some images"),
        images=PIXELS,
        official_test=None,
        targets=TARGETS[:5000],
        target_kind="values",
        seed=4,
        validation=0.1,
        test=0.2,
    )
    indices = split_indices(5000, 4, 0.1, 0.2)
    for name, rows in zip(("train", "validation", "test"), indices, strict=True):
        np.testing.assert_array_equal(data.split(name)[0], PIXELS[rows] / np.float32(255))
        np.testing.assert_array_equal(data.split(name)[1], TARGETS[rows])
