import numpy as np
import pytest

from mgd_lab.datasets import cifar10
from mgd_lab.datasets.files import CIFAR10, search
from mgd_lab.errors import DataError


def test_a_small_one(cifar, cache):
    cifar.lay(cache)
    data = cifar10(official=cifar.official)
    assert data.inputs.shape == (18, 3072)
    records = np.concatenate(list(cifar.arrays.values()))
    np.testing.assert_array_equal(data.inputs, records[:, 1:] / np.float32(255))
    np.testing.assert_array_equal(data.targets, np.eye(10)[records[:, 0]])
    assert data.splits["test"].tolist() == [15, 16, 17]
    assert data.description == "CIFAR-10: 15 training images and 3 of the official test split"


def test_channels_are_slowest(cifar, cache):
    folder = cifar.lay(cache)
    record = np.zeros(3073, np.uint8)
    record[1 + 1024 + 5 * 32 + 7] = 255
    (folder / "test_batch.bin").write_bytes(record.tobytes())
    data = cifar10(checksums="any", official=cifar.official)
    image = data.split("test")[0][0].reshape(3, 32, 32)
    assert np.argwhere(image).tolist() == [[1, 5, 7]]


def test_the_first_batches_alone(cifar, cache):
    folder = cifar.lay(cache)
    for k in (3, 4, 5):
        (folder / f"data_batch_{k}.bin").unlink()
    with pytest.raises(DataError) as caught:
        cifar10(official=cifar.official)
    text = str(caught.value)
    assert "data_batch_3.bin, data_batch_4.bin, data_batch_5.bin missing" in text
    assert "task.train_batches" in text
    assert "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz" in text
    data = cifar10(train_batches=2, official=cifar.official)
    assert [len(data.splits[name]) for name in ("train", "test")] == [6, 3]
    assert "6 training images (batches 1 to 2 of 5)" in data.description
    for wrong in (0, 6):
        with pytest.raises(DataError, match="expected 1 to 5"):
            cifar10(train_batches=wrong, official=cifar.official)


def test_other_contents_are_refused_or_named(cifar, cache):
    folder = cifar.lay(cache)
    path = folder / "data_batch_4.bin"
    path.write_bytes(path.read_bytes()[::-1].replace(b"\n", b"\0"))
    with pytest.raises(DataError, match=r"data_batch_4\.bin is not the official file of CIFAR-10"):
        cifar10(official=cifar.official)
    assert "NOT the official" not in cifar10(train_batches=3, official=cifar.official).description
    path.write_bytes(bytes(3073))
    data = cifar10(checksums="any", official=cifar.official)
    assert "NOT the official contents" in data.description


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds 0 bytes; expected records of 3,073 bytes"),
        (bytes(3072), "holds 3,072 bytes"),
        (bytes(4 * 3073), "holds more than 9,219 bytes"),
        (b"\x0a" + bytes(3072), "sample 0 .* has label 10; labels are 0 to 9"),
    ],
)
def test_whatever_the_checksum_the_layout_counts(cifar, cache, content, words):
    folder = cifar.lay(cache)
    (folder / "data_batch_1.bin").write_bytes(content)
    with pytest.raises(DataError, match=rf"data_batch_1\.bin.*{words}"):
        cifar10(checksums="any", official=cifar.official)


def test_real_batches():
    names = [CIFAR10.files[0].name, CIFAR10.files[-1].name]
    found = search(CIFAR10, names)
    if found is None or found.missing:
        pytest.skip("CIFAR-10 is not here: mgd-lab data fetch cifar10, or MGD_LAB_DATA")
    # Whoever has but a reproduction of the images tests the layout with it.
    data = cifar10(1, 0.1, train_batches=1, checksums="any")
    assert data.inputs.shape == (20_000, 3072)
    assert data.split("test")[1].sum(axis=0).tolist() == [1000] * 10
    assert (data.inputs.min(), data.inputs.max()) == (0, 1)
    # Neighbours in a row resemble each other more than pixels a third of the image away.
    rows = data.split("test")[0][:200].reshape(-1, 32)
    assert np.abs(np.diff(rows)).mean() < 0.5 * np.abs(rows[:, 10:] - rows[:, :-10]).mean()
