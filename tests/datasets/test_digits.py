import sys

import numpy as np
import pytest

from mgd_lab.datasets import digits
from mgd_lab.errors import MissingExtraError


def test_digits():
    pytest.importorskip("sklearn")
    data = digits(seed=2, validation=0.1)
    assert data.inputs.shape == (1797, 64)
    assert (data.inputs.min(), data.inputs.max()) == (0, 1)
    assert set(np.unique(data.inputs * 16)) == set(range(17))
    # As scikit-learn's description counts them.
    assert data.targets.sum(axis=0).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [1258, 180, 359]
    # The first image is a zero: dark in the middle, from the third row on.
    assert data.targets[0].argmax() == 0
    assert data.inputs[0].reshape(8, 8)[2:6, 3:5].sum() < 1


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mgd-lab\[data\]"'):
        digits()
