import numpy as np
import pytest

from mgd_lab.datasets import ImageFiles, idx_images
from mgd_lab.errors import DataError

PIXELS = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3) * 7
LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)


@pytest.fixture
def files(tmp_path, idx_bytes):
    def files(images=PIXELS, labels=LABELS, name="train"):
        pair = ImageFiles(tmp_path / f"{name}-images", tmp_path / f"{name}-labels")
        pair.images.write_bytes(idx_bytes(np.asarray(images)))
        pair.labels.write_bytes(idx_bytes(np.asarray(labels)))
        return pair

    return files


def test_bytes_become_fractions_row_by_row(files):
    data = idx_images(files())
    np.testing.assert_array_equal(data.inputs, PIXELS.reshape(6, 6).astype(np.float32) / 255)
    np.testing.assert_array_equal(data.targets, np.eye(3)[LABELS])
    assert data.target_kind == "one_hot"
    assert data.inputs.dtype == data.targets.dtype == np.float32
    whole = idx_images(files(images=np.full((6, 1), 255, np.uint8)))
    assert (whole.inputs == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_other_numbers_stay_what_they_are(files, dtype):
    values = np.array([[-2, 300], [0, 1]], dtype)
    data = idx_images(files(values, LABELS[:2]))
    np.testing.assert_array_equal(data.inputs, values)


def test_an_official_test_split(files):
    test = files(PIXELS[:4] + 1, np.array([3, 1, 0, 2], np.uint8), "test")
    data = idx_images(files(), test, seed=3, validation=0.34)
    inputs, targets = data.split("test")
    np.testing.assert_array_equal(
        inputs, (PIXELS[:4] + 1).reshape(4, 6) / np.float32(255), strict=True
    )
    # Four classes, though training shows three.
    np.testing.assert_array_equal(targets, np.eye(4)[[3, 1, 0, 2]])
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [4, 2, 4]
    with pytest.raises(DataError, match=r"official test split; task\.split\.test must be 0"):
        idx_images(files(), test, test=0.2)


def test_a_test_split_of_its_own(files):
    data = idx_images(files(), seed=3, validation=0.17, test=0.34)
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [3, 1, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": LABELS[:5]}, "holds 6 images, .*train-labels 5 labels"),
        ({"images": LABELS, "labels": LABELS}, "Are images and labels exchanged"),
        ({"images": np.full((6, 2), np.nan)}, "train-images: sample 0, column 0 .* is not finite"),
        ({"labels": np.zeros(6, np.uint8)}, "train-labels: labels: every label is 0"),
        ({"labels": -LABELS.astype(np.int16)}, "sample 2 has label -2"),
    ],
)
def test_files_that_do_not_fit(files, change, words):
    with pytest.raises(DataError, match=words):
        idx_images(files(**change))


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (PIXELS[:, :, :2], LABELS, r"holds uint8 images of shape \(2, 3\), .* \(2, 2\)"),
        (PIXELS.astype(np.float32), LABELS, "test-images float32"),
        (PIXELS, LABELS.astype(np.int32), "test-labels int32"),
    ],
)
def test_training_and_test_must_be_alike(files, images, labels, words):
    with pytest.raises(DataError, match=words):
        idx_images(files(), files(images, labels, "test"))
