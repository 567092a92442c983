import gzip

import numpy as np
import pytest

from mgd_lab.datasets import fashion_mnist
from mgd_lab.datasets.files import files_in, search
from mgd_lab.datasets.files.official import FASHION_MNIST
from mgd_lab.errors import DataError

TRAIN, LABELS, TEST, TEST_LABELS = (file.name for file in FASHION_MNIST.files)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_small_one(fashion, cache, wrapped):
    fashion.lay(cache, wrapped=wrapped)
    data = fashion_mnist(3, 0.34, official=fashion.official)
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [6, 3, 4]
    inputs, targets = data.split("test")
    np.testing.assert_array_equal(inputs, fashion.arrays[TEST].reshape(4, 784) / np.float32(255))
    np.testing.assert_array_equal(targets, np.eye(10)[fashion.arrays[TEST_LABELS]])
    assert data.description == (
        "Fashion-MNIST: 9 training and 4 test images of the official splits"
    )


def test_other_contents_are_refused_or_named(fashion, cache, idx_bytes):
    folder = fashion.lay(cache)
    (folder / TRAIN).write_bytes(idx_bytes(fashion.arrays[TRAIN] ^ 1))
    with pytest.raises(DataError, match=rf"{TRAIN} is not the official file.*checksums: any"):
        fashion_mnist(official=fashion.official)
    data = fashion_mnist(checksums="any", official=fashion.official)
    assert data.description.endswith("; NOT the official contents, their checksums differ")


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        (LABELS, np.array([10] * 9, np.uint8), "sample 0 .* has label 10; labels are 0 to 9"),
        (LABELS, np.zeros(8, np.uint8), "holds 9 images, .* 8 labels"),
        (LABELS, np.zeros((9, 1), np.uint8), "expected uint8 of shape"),
        (TRAIN, np.zeros((9, 28, 27), np.uint8), r"expected uint8 of shape \(samples, 28, 28\)"),
        (TRAIN, np.zeros((9, 28, 28), np.float32), "float32 values"),
    ],
)
def test_whatever_the_checksum_the_layout_counts(fashion, cache, idx_bytes, name, values, words):
    folder = fashion.lay(cache)
    (folder / name).write_bytes(idx_bytes(values))
    with pytest.raises(DataError, match=words):
        fashion_mnist(checksums="any", official=fashion.official)


def test_a_damaged_wrapping(fashion, cache):
    folder = fashion.lay(cache, wrapped=True)
    path = folder / f"{TRAIN}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="damaged or incomplete gzip file"):
        fashion_mnist(official=fashion.official)


def test_what_to_do_where_it_is_not(cache):
    with pytest.raises(DataError) as caught:
        fashion_mnist()
    text = str(caught.value)
    assert f"looked in {cache}, " in text
    for words in (
        "mgd-lab data fetch fashion_mnist --from FOLDER",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "MGD_LAB_DATA",
        "apt install dataset-fashion-mnist",
    ):
        assert words in text


def test_the_real_one():
    found = search(FASHION_MNIST)
    if found is None or found.missing:
        pytest.skip("Fashion-MNIST is not here: mgd-lab data fetch fashion_mnist, or MGD_LAB_DATA")
    data = fashion_mnist(1, 0.1)
    assert data.inputs.shape == (70_000, 784)
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [
        *(54_000, 6_000, 10_000)
    ]
    assert data.targets.sum(axis=0).tolist() == [7000] * 10
    assert data.split("test")[1].sum(axis=0).tolist() == [1000] * 10
    # Its first test image is an ankle boot.
    assert data.split("test")[1][0].argmax() == 9
    assert (data.inputs.min(), data.inputs.max()) == (0, 1)


def test_which_name_wins(fashion, cache):
    """A file that somebody unwrapped, beside the wrapped one."""
    folder = fashion.lay(cache, wrapped=True)
    (folder / TRAIN).write_bytes(gzip.decompress((folder / f"{TRAIN}.gz").read_bytes()))
    names = [file.name for file in FASHION_MNIST.files]
    assert files_in(cache, fashion.official, names).files[TRAIN] == folder / TRAIN
