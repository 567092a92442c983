"""Ramps end where they should, step evenly, and are never faster than the parameters may move."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mgd_lab.controller import Ramp, ramp
from mgd_lab.controller.ramp import ramp_steps
from mgd_lab.errors import LimitError

values = st.floats(-1e3, 1e3)
slews = st.sampled_from([0.0]) | st.floats(0.5, 1e4)
vectors = st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        *[st.lists(kind, min_size=n, max_size=n) for kind in (values, values, slews)]
    )
)


class Clock:
    """Time passes only in sleep, and a little more than was asked for."""

    def __init__(self) -> None:
        self.now = 5.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


class Registers:
    """Keeps what is written, and when."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.trace: list[tuple[float, np.ndarray]] = []

    def write_parameters(self, values):
        self.trace.append((self.clock.now, values.copy()))

    def read_parameters(self):
        return self.trace[-1][1].copy()


@given(vectors, st.sampled_from([0.02, 0.5]))
def test_no_step_is_longer_than_slew_and_interval_allow(vectors, interval):
    start, end, slew = map(np.array, vectors)
    assume(ramp_steps(start, end, slew, interval) < 5000)
    rows = ramp(start, end, slew, interval)
    if np.array_equal(start, end):
        assert rows.shape == (0, len(start))
        return
    path = np.concatenate([start[None], rows])
    steps = np.abs(np.diff(path, axis=0))
    rounding = 4 * np.spacing(np.abs(path).max())
    allowed = np.where(slew > 0, slew * interval, np.inf)
    assert (steps <= allowed + rounding).all()
    assert np.ptp(steps, axis=0).max() <= rounding * len(rows)
    assert rows[-1].tobytes() == end.tobytes()
    low, high = np.minimum(start, end), np.maximum(start, end)
    assert ((rows >= low) & (rows <= high)).all()
    # No more steps than it takes.
    if len(rows) > 1:
        fewer = np.abs(end - start) / (len(rows) - 1)
        assert (fewer > allowed * (1 - 1e-9)).any()


def test_without_limits_of_slew_it_is_one_write():
    rows = ramp(np.zeros(2), np.array([5.0, -7.0]), np.zeros(2), 0.02)
    np.testing.assert_array_equal(rows, [[5.0, -7.0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_ends_that_are_no_numbers(bad):
    with pytest.raises(LimitError, match="no numbers"):
        ramp(np.array([bad]), np.zeros(1), np.ones(1), 0.02)
    with pytest.raises(LimitError, match="1e\\+20 steps"):
        ramp(np.array([2e18]), np.zeros(1), np.ones(1), 0.02)


@given(vectors)
def test_a_move_takes_the_time_that_its_slew_demands(vectors):
    start, end, slew = map(np.array, vectors)
    assume(ramp_steps(start, end, slew, 0.02) < 2000)
    clock = Clock()
    chip = Registers(clock)
    began = clock.now
    Ramp(slew, clock=clock, sleep=clock.sleep).to(chip, start, end)
    written = [(began, start), *chip.trace]
    for (t0, before), (t1, after) in pairwise(written):
        allowed = np.where(slew > 0, slew * (t1 - t0), np.inf)
        assert (np.abs(after - before) <= allowed + 1e-9).all()
    if not np.array_equal(start, end):
        assert chip.trace[-1][1].tobytes() == end.tobytes()
    assert len(chip.trace) == len(ramp(start, end, slew, 0.02))


def test_without_limits_no_time_passes():
    clock = Clock()
    chip = Registers(clock)
    Ramp(np.zeros(1), clock=clock, sleep=clock.sleep).to(chip, np.zeros(1), np.ones(1))
    assert [(when, what.tolist()) for when, what in chip.trace] == [(5.0, [1.0])]
