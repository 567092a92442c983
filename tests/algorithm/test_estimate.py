"""The discrete estimate: added step after step, however a window is cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.algorithm import correlate, mean_square_perturbation


def _window(seed: int, length: int, parameters: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    modulations = rng.normal(0, 1, length) * 10.0 ** rng.integers(-6, 1, length)
    return modulations, rng.normal(0, 0.05, (length, parameters)).astype(np.float32).astype(float)


@pytest.mark.parametrize(
    ("parameters", "length"), [(1, 20_000), (2, 20_000), (3, 999), (9, 20_000), (220, 2_000)]
)
def test_sum_is_that_of_a_scalar_loop(parameters: int, length: int) -> None:
    modulations, perturbations = _window(1, length, parameters)
    result = correlate(np.zeros(parameters), modulations, perturbations)
    for i in {0, parameters // 2, parameters - 1}:
        total = 0.0
        column = perturbations[:, i].tolist()
        for modulation, perturbation in zip(modulations.tolist(), column, strict=True):
            total += modulation * perturbation
        assert result[i] == total


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    parameters=st.sampled_from([1, 2, 9, 220]),
    length=st.integers(1, 3000),
    cuts=st.lists(st.integers(1, 2999), max_size=8),
    carried=st.booleans(),
)
def test_sum_is_the_same_however_it_is_cut(seed, parameters, length, cuts, carried) -> None:
    modulations, perturbations = _window(seed, length, parameters)
    start = np.linspace(-1, 1, parameters) if carried else np.zeros(parameters)
    whole = correlate(start, modulations, perturbations)
    edges = sorted({0, length, *(cut for cut in cuts if cut < length)})
    total = start
    for a, b in itertools.pairwise(edges):
        total = correlate(total, modulations[a:b], perturbations[a:b])
    np.testing.assert_array_equal(total, whole)


@pytest.mark.parametrize("parameters", [1, 2, 9, 220])
def test_sum_step_by_step_is_that_of_the_longest_window(parameters: int) -> None:
    modulations, perturbations = _window(7, 20_000, parameters)
    total = np.zeros(parameters)
    for n in range(20_000):
        total = correlate(total, modulations[n : n + 1], perturbations[n : n + 1])
    np.testing.assert_array_equal(
        total, correlate(np.zeros(parameters), modulations, perturbations)
    )


@pytest.mark.parametrize("length", [1, 2, 50])
def test_arguments_are_left_as_they_are(length: int) -> None:
    modulations, perturbations = _window(3, length, 4)
    total = np.ones(4)
    given = [array.copy() for array in (total, modulations, perturbations)]
    correlate(total, modulations, perturbations)
    for before, after in zip(given, (total, modulations, perturbations), strict=True):
        np.testing.assert_array_equal(before, after)


def test_mean_square_is_that_of_the_float32_amplitudes() -> None:
    amplitudes = np.array([0.05, 1.0, 1e-30], np.float32)
    squares = mean_square_perturbation(0.5, amplitudes)
    assert squares.dtype == np.float64
    expected = [0.5 * (float(a) * float(a)) for a in amplitudes]
    assert squares.tolist() == expected
    assert squares[0] != 0.5 * 0.05**2
