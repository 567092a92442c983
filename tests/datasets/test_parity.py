import numpy as np
import pytest

from mgd_lab.datasets import parity
from mgd_lab.errors import DataError


def test_two_bits_are_exclusive_or():
    data = parity(2)
    np.testing.assert_array_equal(data.inputs, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(data.targets, [[0], [1], [1], [0]])
    assert data.inputs.dtype == data.targets.dtype == np.float32
    assert data.target_kind == "bit"


@pytest.mark.parametrize("bits", [1, 3, 4, 16])
def test_all_patterns_most_significant_bit_first(bits):
    data = parity(bits)
    assert data.inputs.shape == (2**bits, bits)
    values = data.inputs @ 2.0 ** np.arange(bits - 1, -1, -1)
    np.testing.assert_array_equal(values, np.arange(2**bits))
    expected = [bin(k).count("1") % 2 for k in range(2**bits)]
    np.testing.assert_array_equal(data.targets[:, 0], expected)


@pytest.mark.parametrize("bits", [-1, 0, 17])
def test_other_widths_are_refused(bits):
    with pytest.raises(DataError, match="between 1 and 16"):
        parity(bits)


def test_an_empty_split_says_what_to_set():
    data = parity(2)
    inputs, _ = data.split("train")
    assert len(inputs) == 4
    with pytest.raises(DataError, match=r"no validation samples.*set task\.split\.validation"):
        data.split("validation")


def test_a_split_is_contiguous_and_keeps_pairs():
    data = parity(4, seed=2, validation=0.25, test=0.25)
    for name in ("train", "validation", "test"):
        inputs, targets = data.split(name)
        assert inputs.flags.c_contiguous
        assert targets.flags.c_contiguous
        np.testing.assert_array_equal(inputs.sum(axis=1) % 2, targets[:, 0])
