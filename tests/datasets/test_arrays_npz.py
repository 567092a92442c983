# ruff: noqa: E501 (a case a line)
import contextlib
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgd_lab.datasets import arrays
from mgd_lab.errors import DataError

INPUTS = np.arange(8.0).reshape(4, 2)


@pytest.fixture
def save(tmp_path):
    def save(**content):
        path = tmp_path / "data.npz"
        np.savez(path, **content)
        return path

    return save


def test_integer_labels_become_one_hot(save):
    data = arrays(save(inputs=INPUTS, targets=np.array([2, 0, 1, 0], np.uint8)))
    np.testing.assert_array_equal(data.inputs, INPUTS)
    np.testing.assert_array_equal(data.targets, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]])
    assert data.target_kind == "one_hot"
    assert data.inputs.dtype == data.targets.dtype == np.float32


@pytest.mark.parametrize(
    ("targets", "kind", "width"),
    [
        (np.array([0.0, 1.0, 1.0, 0.0]), "bit", 1),
        (np.array([[0], [1], [1], [0]]), "bit", 1),
        (np.array([[True], [False], [True], [True]]), "bit", 1),
        (np.array([0.0, 1.0, 2.0, 0.0]), "values", 1),
        (np.eye(4), "one_hot", 4),
        (np.ones((4, 2)), "values", 2),
        (np.array([[0.2, 0.8]] * 4), "values", 2),
    ],
)
def test_kinds_of_targets(save, targets, kind, width):
    data = arrays(save(inputs=INPUTS, targets=targets))
    assert data.target_kind == kind
    assert data.targets.shape == (4, width)


def test_an_official_test_split(save):
    content = {"inputs": INPUTS, "targets": np.array([0, 1, 0, 1])}
    tests = {"test_inputs": INPUTS[:3] + 100, "test_targets": np.array([2, 1, 0])}
    data = arrays(save(**content, **tests), validation=0.25, seed=5)
    inputs, targets = data.split("test")
    np.testing.assert_array_equal(inputs, INPUTS[:3] + 100)
    np.testing.assert_array_equal(targets, np.eye(3)[[2, 1, 0]])
    assert len(data.split("train")[0]) == 3
    assert len(data.split("validation")[0]) == 1
    with pytest.raises(DataError, match=r"official test split.*task\.split\.test to 0"):
        arrays(save(**content, **tests), test=0.5)


def test_seeded_splits(save):
    path = save(inputs=INPUTS, targets=INPUTS)
    data = arrays(path, seed=3, test=0.5)
    np.testing.assert_array_equal(data.split("test")[0], data.split("test")[1])
    assert len(data.splits["train"]) == len(data.splits["test"]) == 2


LABELS = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"inputs": INPUTS}, "array 'targets' is missing; the file has inputs"),
        ({"targets": LABELS}, "array 'inputs' is missing"),
        ({"inputs": INPUTS[:3], "targets": LABELS}, "samples, must be the same"),
        ({"inputs": INPUTS, "targets": np.array(3)}, "samples, must be the same"),
        ({"inputs": INPUTS[0], "targets": LABELS}, r"inputs: shape \(2,\); expected \(samples, col"),
        ({"inputs": INPUTS[:0], "targets": LABELS[:0]}, r"inputs: shape \(0, 2\)"),
        ({"inputs": INPUTS, "targets": np.ones((4, 1, 1))}, r"targets: shape \(4, 1, 1\)"),
        ({"inputs": INPUTS, "targets": np.array([0, 1, -2, 0])}, "sample 2 has label -2"),
        ({"inputs": INPUTS, "targets": np.zeros(4, int)}, "at least two classes"),
        ({"inputs": INPUTS, "targets": np.array([0, 1, 10**6, 0])}, "sample 2 has label 1000000"),
        ({"inputs": np.where(INPUTS == 5, np.nan, INPUTS), "targets": LABELS}, r"inputs: sample 2, column 1 \(from 0\): nan is not finite"),
        ({"inputs": INPUTS, "targets": np.array([0, np.inf, 0, 1])}, "targets: sample 1, column 0.*inf is not finite"),
        ({"inputs": INPUTS * 1e38, "targets": LABELS}, r"sample 2, column 0 .*4e\+38 is beyond ±3.4e\+38"),
        ({"inputs": INPUTS.astype(str), "targets": LABELS}, "inputs: expected real numbers"),
        ({"inputs": INPUTS * 1j, "targets": LABELS}, "inputs: expected real numbers"),
        ({"inputs": INPUTS.astype(object), "targets": LABELS}, "never unpickled"),
        ({"inputs": INPUTS, "targets": LABELS, "test_inputs": INPUTS}, "'test_inputs' is there without"),
        ({"inputs": INPUTS, "targets": LABELS, "test_inputs": INPUTS, "test_targets": LABELS[:2]}, "test_inputs has shape"),
        ({"inputs": INPUTS, "targets": LABELS, "test_inputs": INPUTS[:, :1], "test_targets": LABELS}, "they may differ in the number of samples only"),
        ({"inputs": INPUTS, "targets": LABELS, "test_inputs": INPUTS, "test_targets": LABELS + 0.5}, "they may differ in the number of samples only"),
    ],
)  # fmt: skip
def test_what_is_refused(save, content, words):
    with pytest.raises(DataError, match=words):
        arrays(save(**content))


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04", b"\x80\x04]\x94."])
def test_files_that_are_no_npz(tmp_path, content):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.npz"):
        arrays(path)


def test_a_single_array(tmp_path):
    path = tmp_path / "data.npz"
    with path.open("wb") as file:
        np.save(file, INPUTS)
    with pytest.raises(DataError, match="a single array"):
        arrays(path)


@given(data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=200,
    deadline=None,
    derandomize=True,
)
def test_a_damaged_file_never_ends_in_a_foreign_error(tmp_path, data):
    stream = io.BytesIO()
    np.savez_compressed(stream, inputs=INPUTS, targets=LABELS)
    content = bytearray(stream.getvalue())
    position = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[position:]
    else:
        content[position] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    # A flip in a header that nobody reads may go unnoticed; anything else is a DataError.
    with contextlib.suppress(DataError):
        arrays(path)


def test_places_that_hold_no_data(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.npz does not exist"):
        arrays(tmp_path / "nowhere.npz")
    with pytest.raises(DataError, match="is a folder"):
        arrays(tmp_path)
    (tmp_path / "data.txt").write_text("1 2 3")
    with pytest.raises(DataError, match=r"ends in \.npz or \.csv"):
        arrays(tmp_path / "data.txt")


def test_columns_belong_to_csv(save):
    with pytest.raises(DataError, match=r"task\.targets names columns of a CSV"):
        arrays(save(inputs=INPUTS, targets=LABELS), targets=1)
