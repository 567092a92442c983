"""Outliers of C̃ are limited, counted, and cannot open or shut the limit for good."""

import math

import numpy as np
import pytest

from mgd_lab.algorithm import ClampState, ModulationClamp
from mgd_lab.algorithm.modulation_clamp import FIRST_STEPS, MEMORY_STEPS

WINDOW = 10


def through(clamp: ModulationClamp, state: ClampState, modulations: np.ndarray) -> ClampState:
    """Whole windows."""
    for window in modulations.reshape(-1, clamp.window):
        _, state = clamp.limit(state, window)
        state = clamp.close(state)
    return state


def settled(clamp: ModulationClamp, size: float = 1.0) -> ClampState:
    return through(clamp, ClampState(), np.full(FIRST_STEPS, size))


def test_by_its_equation():
    draws = np.random.default_rng(0).normal(size=40 * WINDOW)
    draws[::37] *= 50
    clamp = ModulationClamp(2.5, WINDOW)
    q = w = 0.0
    state, limited = ClampState(), 0
    for n in range(0, len(draws), WINDOW):
        limit = 2.5 * (q / w) if n >= FIRST_STEPS else math.inf
        expected = np.array([min(max(each, -limit), limit) for each in draws[n : n + WINDOW]])
        limited += int((expected != draws[n : n + WINDOW]).sum())
        found, state = clamp.limit(state, draws[n : n + WINDOW])
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        state = clamp.close(state)
        a = WINDOW / (MEMORY_STEPS + WINDOW)
        q, w = (1 - a) * q + a * np.mean(np.abs(expected)), (1 - a) * w + a
    assert state.limited == limited > 5
    assert state.mean / state.weight == pytest.approx(q / w, rel=1e-12)


def test_blocks_cut_a_window_anywhere():
    draws = np.random.default_rng(1).normal(size=WINDOW) * 3
    clamp = ModulationClamp(1.5, WINDOW)
    begin = settled(clamp)
    whole, at_once = clamp.limit(begin, draws)
    for cut in range(1, WINDOW):
        first, middle = clamp.limit(begin, draws[:cut])
        second, end = clamp.limit(middle, draws[cut:])
        np.testing.assert_array_equal(np.concatenate([first, second]), whole)
        assert end == at_once
    assert at_once.limited > 0


def test_the_first_windows_are_not_limited():
    clamp = ModulationClamp(1.01, 1)
    state = ClampState()
    for n in range(FIRST_STEPS):
        size = 1e6 if n == 50 else 1.0
        found, state = clamp.limit(state, np.array([size]))
        assert found[0] == size
        state = clamp.close(state)
    assert clamp.limit(state, np.array([1e9]))[1].limited == 1


def test_a_single_outlier_hardly_moves_the_limit():
    clamp = ModulationClamp(5.0, WINDOW)
    state = settled(clamp)
    spike = np.ones(WINDOW)
    spike[3] = 1e6
    limited, after = clamp.limit(state, spike)
    assert limited[3] == pytest.approx(5.0)
    after = clamp.close(after)
    assert after.limited == 1
    assert clamp.limit_of(after) < 1.2 * clamp.limit_of(state)


def test_a_limit_that_has_become_too_small_grows():
    clamp = ModulationClamp(2.0, WINDOW)
    state = through(clamp, settled(clamp, 1e-3), np.ones(20_000))
    assert clamp.limit_of(state) == pytest.approx(2.0, rel=1e-3)


def test_a_chip_that_stood_still_may_move_again():
    clamp = ModulationClamp(2.0, WINDOW)
    state = settled(clamp, 0.0)
    np.testing.assert_array_equal(clamp.limit(state, np.ones(WINDOW))[0], np.ones(WINDOW))
