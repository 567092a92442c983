"""Sample orders: pure functions of seed and draw number."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.codes import sample_order
from mgd_lab.errors import ConfigurationError

ORDERS = ["shuffled", "random", "cyclic"]


@settings(deadline=None, derandomize=True)
@given(
    order=st.sampled_from(ORDERS),
    seed=st.integers(0, 2**64 - 1),
    samples=st.integers(1, 50),
    first=st.one_of(st.integers(0, 500), st.integers(2**32 - 60, 2**40), st.just(2**63 - 30)),
    cuts=st.lists(st.integers(0, 120), max_size=4),
)
def test_any_split_gives_the_same_draws(order, seed, samples, first, cuts) -> None:
    whole = sample_order(order, seed, samples, first, 120)
    assert whole.dtype == np.uint32
    assert whole.max() < samples
    edges = sorted({0, 120, *cuts})
    pieces = [
        sample_order(order, seed, samples, first + a, b - a) for a, b in itertools.pairwise(edges)
    ]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("samples", [1, 2, 4, 5, 123])
def test_shuffled_presents_each_sample_once_an_epoch(samples: int) -> None:
    epochs = sample_order("shuffled", 3, samples, 0, 60 * samples).reshape(60, samples)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.arange(samples), (60, 1)))
    if samples > 100:
        assert len({epoch.tobytes() for epoch in epochs}) == 60


def test_shuffled_sorts_64_bit_integers(scalar_word) -> None:
    seed, samples, epoch = 2**32 + 3, 11, 2**32 + 1
    keys = []
    for j in range(samples):
        outputs = scalar_word(seed, epoch, j // 2, 1)
        low, high = outputs[2 * (j % 2)], outputs[2 * (j % 2) + 1]
        keys.append(low + (high << 32))
    expected = sorted(range(samples), key=lambda j: keys[j])
    drawn = sample_order("shuffled", seed, samples, epoch * samples, samples)
    assert drawn.tolist() == expected


def test_every_permutation_comes_equally_often() -> None:
    epochs = sample_order("shuffled", 1, 3, 0, 3 * 6000).reshape(6000, 3)
    counts = np.unique(epochs, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    # 1000 ± 29 each.
    assert np.abs(counts - 1000).max() < 130


def test_random_scales_the_first_output(scalar_word) -> None:
    for draw in (0, 5, 2**32 + 5, 2**63):
        expected = scalar_word(77, draw, 0, 1)[0] * 1000 >> 32
        assert sample_order("random", 77, 1000, draw, 1).tolist() == [expected]


def test_random_is_close_to_uniform() -> None:
    counts = np.bincount(sample_order("random", 5, 10, 0, 50_000), minlength=10)
    # 5000 ± 67 each.
    assert np.abs(counts - 5000).max() < 5 * 67


def test_random_reaches_the_largest_data_set() -> None:
    drawn = sample_order("random", 5, 2**32 - 1, 0, 1000)
    assert drawn.max() > 0.99 * 2**32


@pytest.mark.parametrize("first", [0, 5, 2**32 + 1, 2**64 - 20])
def test_cyclic_counts_modulo_the_samples(first: int) -> None:
    drawn = sample_order("cyclic", 9, 7, first, 20)
    assert drawn.tolist() == [(first + k) % 7 for k in range(20)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sorted", 0, 4, 0, 1), "unknown sample order 'sorted'; known: shuffled, random, cyclic"),
        (("shuffled", 0, 0, 0, 1), "0 samples"),
        (("random", 0, 2**32, 0, 1), "4294967296 samples"),
        (("cyclic", 0, 4, -1, 1), "indices -1"),
        (("shuffled", -1, 4, 0, 1), "seed is -1"),
        (("random", 2**64, 4, 0, 1), "seed is"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        sample_order(*arguments)
