import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.codes import Stream, permutation
from mgd_lab.datasets import split_by_name, split_indices
from mgd_lab.errors import DataError


@given(
    count=st.integers(1, 500),
    seed=st.integers(0, 2**64 - 1),
    validation=st.floats(0, 0.4),
    test=st.floats(0, 0.4),
)
@settings(deadline=None, derandomize=True)
def test_splits_are_a_partition(count, seed, validation, test):
    try:
        parts = split_indices(count, seed, validation, test)
    except DataError:
        # Roundings may leave nothing where samples are few.
        assert count <= 5
        return
    together = np.concatenate(parts)
    np.testing.assert_array_equal(np.sort(together), np.arange(count))
    for part, fraction in zip(parts[1:], (validation, test), strict=True):
        assert part.dtype == np.uint32
        assert abs(len(part) - count * fraction) <= 0.5 + 1e-9
        assert (np.diff(part.astype(np.int64)) > 0).all()


def test_the_draw_is_the_specified_one():
    order = permutation(7, Stream.SPLIT, 0, 20)
    train, validation, test = split_indices(20, 7, 0.1, 0.2)
    np.testing.assert_array_equal(test, np.sort(order[:4]))
    np.testing.assert_array_equal(validation, np.sort(order[4:6]))
    np.testing.assert_array_equal(train, np.sort(order[6:]))


def test_no_fractions_leave_everything_to_train():
    train, validation, test = split_indices(4, 1, 0, 0)
    np.testing.assert_array_equal(train, [0, 1, 2, 3])
    assert validation.size == test.size == 0
    assert list(split_by_name(4, 1, 0.25, 0)) == ["train", "validation", "test"]


@pytest.mark.parametrize(
    ("count", "validation", "test", "words"),
    [
        (4, 0.5, 0.5, "nothing to train on: of 4 samples, 2 are for validation and 2 for test"),
        (1, 0.5, 0.0, "nothing to train on"),
        (4, -0.1, 0.0, r"task\.split\.validation is -0\.1"),
        (4, 0.0, 1.0, r"task\.split\.test is 1\.0"),
        (4, 0.0, float("nan"), r"task\.split\.test is nan"),
    ],
)
def test_what_is_refused(count, validation, test, words):
    with pytest.raises(DataError, match=words):
        split_indices(count, 1, validation, test)
