"""What a sample costs does not depend, to the last bit, on how many are computed together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.costs import CostFunction

COSTS = [
    CostFunction("mse"),
    CostFunction("cross_entropy"),
    CostFunction("cross_entropy", 0.1),
    CostFunction("cross_entropy", probabilities=True),
    CostFunction("cross_entropy", 0.05, probabilities=True),
]


@pytest.mark.parametrize("cost", COSTS, ids=str)
@settings(deadline=None, derandomize=True)
@given(
    width=st.integers(1, 20),
    count=st.integers(1, 70),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.1, 1.0, 30.0, 1e4]),
    cuts=st.lists(st.integers(0, 70), max_size=5),
)
def test_any_cut_gives_the_same_costs(cost, width, count, seed, spread, cuts) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(0, spread, size=(count, width))
    if cost.probabilities:
        outputs = np.abs(outputs) / np.abs(outputs).sum(axis=1, keepdims=True)
    targets = np.eye(width, dtype=np.float32)[rng.integers(0, width, count)]
    whole = cost(outputs, targets)
    assert whole.shape == (count,)
    assert np.isfinite(whole).all()
    edges = sorted({0, count, *(cut for cut in cuts if cut < count)})
    pieces = [cost(outputs[a:b], targets[a:b]) for a, b in itertools.pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    alone = [cost(outputs[k : k + 1], targets[k : k + 1])[0] for k in range(count)]
    np.testing.assert_array_equal(alone, whole)
