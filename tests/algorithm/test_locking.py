"""Locked settings against a list of all that ever meets."""

from __future__ import annotations

from math import lcm

from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.algorithm import locked

NUMBERS = st.integers(1, 9)


def _meetings(
    code_period: int, tau_p: int, samples: int, batch: int, tau_x: int
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Pairs (set presented together, code) and (sample, code) that occur, ever."""
    steps = lcm(code_period * tau_p, samples * tau_x)
    together: set[tuple[int, int]] = set()
    single: set[tuple[int, int]] = set()
    for step in range(steps):
        code = step // tau_p % code_period
        first = step // tau_x * batch % samples
        together.add((first, code))
        single.update(((first + b) % samples, code) for b in range(batch))
    return together, single


@settings(max_examples=400, deadline=None, derandomize=True)
@given(code_period=NUMBERS, tau_p=NUMBERS, samples=NUMBERS, tau_x=NUMBERS)
def test_one_sample_at_a_time(code_period, tau_p, samples, tau_x) -> None:
    _, single = _meetings(code_period, tau_p, samples, 1, tau_x)
    assert locked(
        code_period=code_period, tau_p=tau_p, samples=samples, batch=1, tau_x=tau_x, cyclic=True
    ) == (len(single) < samples * code_period)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    code_period=NUMBERS,
    tau_p=st.integers(1, 5),
    samples=NUMBERS,
    batch=st.integers(1, 6),
    tau_x=st.integers(1, 5),
)
def test_batches(code_period, tau_p, samples, batch, tau_x) -> None:
    together, single = _meetings(code_period, tau_p, samples, batch, tau_x)
    sets = len({first for first, _ in together})
    verdict = locked(
        code_period=code_period, tau_p=tau_p, samples=samples, batch=batch, tau_x=tau_x, cyclic=True
    )
    assert verdict == (len(together) < sets * code_period)
    # A sample that never meets some code is never missed.
    assert verdict or len(single) == samples * code_period


@settings(deadline=None, derandomize=True)
@given(code_period=st.none() | NUMBERS, tau_p=NUMBERS, samples=NUMBERS, tau_x=NUMBERS)
def test_drawn_samples_and_random_codes_never_lock(code_period, tau_p, samples, tau_x) -> None:
    numbers = {"tau_p": tau_p, "samples": samples, "batch": 1, "tau_x": tau_x}
    assert not locked(code_period=code_period, cyclic=False, **numbers)
    assert not locked(code_period=None, cyclic=True, **numbers)


def test_parity_with_walsh_codes_and_its_three_ways_out() -> None:
    parity = {"code_period": 32, "samples": 4, "batch": 1}
    assert locked(**parity, tau_p=1, tau_x=1, cyclic=True)
    assert not locked(**parity, tau_p=1, tau_x=1, cyclic=False)
    assert not locked(**parity, tau_p=1, tau_x=32, cyclic=True)
    assert not locked(**parity, tau_p=4, tau_x=1, cyclic=True)
