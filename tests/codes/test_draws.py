"""Uniform and normal numbers, and permutations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.codes import Stream, normals, permutation, permutations, uniforms


def _scalar_uniform(scalar_word, seed: int, stream: int, index: int, j: int) -> float:
    outputs = scalar_word(seed, index, j // 2, stream)
    integer = outputs[2 * (j % 2)] + (outputs[2 * (j % 2) + 1] << 32)
    return (integer >> 11) / 2**53


@pytest.mark.parametrize("index", [0, 2**32, 2**64 - 1])
def test_uniforms_take_the_upper_53_bits(scalar_word, index: int) -> None:
    drawn = uniforms(2**33, Stream.INITIAL_VALUES, index, 9)
    expected = [_scalar_uniform(scalar_word, 2**33, 2, index, j) for j in range(9)]
    assert drawn.tolist() == expected


def test_uniforms_fill_the_unit_interval() -> None:
    drawn = uniforms(1, Stream.INITIAL_VALUES, 0, 100_000)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    # Mean ± 0.00091, variance ± 0.00024.
    assert abs(drawn.mean() - 0.5) < 0.005
    assert abs(drawn.var() - 1 / 12) < 0.0015
    assert np.abs(np.histogram(drawn, 10, (0, 1))[0] - 10_000).max() < 500


def test_normals_are_box_and_muller(scalar_word) -> None:
    drawn = normals(4, Stream.CHIP_NOISE, 12, 7)
    for pair in range(4):
        u = _scalar_uniform(scalar_word, 4, 4, 12, 2 * pair)
        v = _scalar_uniform(scalar_word, 4, 4, 12, 2 * pair + 1)
        radius = math.sqrt(-2 * math.log1p(-u))
        both = [radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)]
        np.testing.assert_allclose(drawn[2 * pair : 2 * pair + 2], both[: 7 - 2 * pair], rtol=1e-13)


def test_normals_have_the_moments_of_normals() -> None:
    drawn = normals(1, Stream.CHIP_NOISE, 3, 200_000)
    assert np.isfinite(drawn).all()
    # Five standard errors each.
    assert abs(drawn.mean()) < 0.0112
    assert abs(drawn.var() - 1) < 0.0158
    assert abs(np.mean(drawn**3)) < 0.0434
    assert abs(np.mean(drawn**4) - 3) < 0.110


@pytest.mark.parametrize("draw", [uniforms, normals])
@settings(deadline=None, derandomize=True)
@given(few=st.integers(1, 30), many=st.integers(30, 60))
def test_more_numbers_leave_the_first_ones_as_they_are(draw, few: int, many: int) -> None:
    np.testing.assert_allclose(draw(8, 2, 0, few), draw(8, 2, 0, many)[:few], rtol=1e-15)


@settings(deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**64 - 1), index=st.integers(0, 2**64 - 1), count=st.integers(1, 200))
def test_permutation_is_one(seed: int, index: int, count: int) -> None:
    drawn = permutation(seed, Stream.SPLIT, index, count)
    assert sorted(drawn.tolist()) == list(range(count))


def test_permutations_are_neighbouring_indices() -> None:
    table = permutations(6, Stream.SAMPLE_ORDER, 2**32 - 3, 8, 13)
    for row in range(8):
        np.testing.assert_array_equal(
            table[row], permutation(6, Stream.SAMPLE_ORDER, 2**32 - 3 + row, 13)
        )
