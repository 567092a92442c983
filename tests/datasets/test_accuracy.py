import numpy as np
import pytest

from mgd_lab.datasets import accuracy
from mgd_lab.errors import DataError


def test_bit():
    outputs = np.array([[0.49], [0.5], [0.9], [0.1]])
    assert accuracy(outputs, np.array([[0], [1], [0], [0]], np.float32), "bit") == 0.75


def test_one_hot():
    outputs = np.array([[0.1, 0.2], [0.3, 0.2], [0.5, 0.5]])
    assert accuracy(outputs, np.array([[0, 1], [0, 1], [1, 0]], np.float32), "one_hot") == 2 / 3


def test_values_have_none():
    assert accuracy(np.zeros((2, 1)), np.zeros((2, 1), np.float32), "values") is None


@pytest.mark.parametrize(
    ("outputs", "targets", "words"),
    [
        (np.zeros((2, 1)), np.zeros((3, 1), np.float32), "same shape"),
        (np.zeros((0, 1)), np.zeros((0, 1), np.float32), "at least one sample"),
        (np.array([[0.0], [np.nan]]), np.zeros((2, 1), np.float32), "sample 1 is no number"),
    ],
)
def test_what_is_refused(outputs, targets, words):
    with pytest.raises(DataError, match=words):
        accuracy(outputs, targets, "bit")
