"""Schedules against a step-by-step reading of the rules, and cut anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from math import lcm

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.algorithm import Plan, Schedule
from mgd_lab.errors import ConfigurationError

TAUS = st.one_of(st.integers(1, 7), st.sampled_from([16, 30, 100]))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    baseline = draw(st.sampled_from(["measured", "paired", "none"]))
    refresh = draw(st.none() | st.integers(1, 9)) if baseline == "measured" else None
    unperturbed = baseline == "paired" and draw(st.booleans())
    taus = draw(TAUS), draw(TAUS), draw(TAUS)
    return Schedule(*taus, draw(st.integers(1, 4)), baseline, refresh, unperturbed)


Probe = tuple[int, int, int, int]


def _probes(schedule: Schedule, steps: int) -> Iterator[Probe]:
    """(step, draw, code, sign) of each probe, as a person with a notebook would work."""
    sample_period, baseline_age, theta_moved = -1, 0, True
    for step in range(steps):
        sample_changed = step // schedule.tau_x != sample_period
        sample_period = step // schedule.tau_x
        draws = [sample_period * schedule.batch + b for b in range(schedule.batch)]
        code = step // schedule.tau_p
        baseline_age += 1
        old = baseline_age == schedule.baseline_refresh_steps
        has_unperturbed = schedule.baseline == "measured" or schedule.unperturbed
        if has_unperturbed and (sample_changed or theta_moved or old):
            yield from ((step, draw, code, 0) for draw in draws)
            baseline_age = 0
        for draw in draws:
            yield (step, draw, code, 1)
            if schedule.baseline == "paired":
                yield (step, draw, code, -1)
        theta_moved = (step + 1) % schedule.tau_theta == 0


def _listed(schedule: Schedule, plan: Plan) -> list[Probe]:
    steps = plan.probe_steps
    draws = plan.first_draw + plan.sample_rows[steps] * schedule.batch + plan.probe_slots
    codes = plan.first_code + plan.code_rows[steps]
    columns = (plan.first_step + steps, draws, codes, plan.signs)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@settings(deadline=None, derandomize=True)
@given(schedule=schedules(), steps=st.integers(1, 130))
def test_plan_lists_the_probes_of_the_rules(schedule: Schedule, steps: int) -> None:
    plan = schedule.plan(0, steps)
    expected = list(_probes(schedule, steps))
    assert _listed(schedule, plan) == expected
    assert plan.codes == max(code for _, _, code, _ in expected) + 1
    assert plan.periods * schedule.batch == max(draw for _, draw, _, _ in expected) + 1
    assert schedule.draws(steps) == plan.periods * schedule.batch
    counts = np.bincount([step for step, *_ in expected], minlength=steps)
    np.testing.assert_array_equal(np.diff(plan.probe_starts), counts)
    measured = {step for step, _, _, sign in expected if sign == 0}
    assert np.flatnonzero(plan.fresh).tolist() == sorted(measured)


@settings(deadline=None, derandomize=True)
@given(
    schedule=schedules(),
    far=st.sampled_from([0, 0, 2**33, 10**12 + 7]),
    cuts=st.lists(st.integers(0, 150), max_size=6),
)
def test_plans_cut_anywhere_list_the_same_probes(schedule, far, cuts) -> None:
    whole = _listed(schedule, schedule.plan(far, 150))
    edges = sorted({0, 150, *cuts})
    pieces: list[Probe] = []
    for a, b in itertools.pairwise(edges):
        plan = schedule.plan(far + a, b - a)
        assert plan.probe_starts[0] == 0
        assert plan.probe_starts[-1] == len(plan.probe_steps)
        assert plan.code_rows.max() == plan.codes - 1
        assert plan.sample_rows.max() == plan.periods - 1
        pieces += _listed(schedule, plan)
    assert pieces == whole


@pytest.mark.parametrize("baseline", ["measured", "paired", "none"])
def test_a_plan_of_no_steps_is_empty(baseline) -> None:
    plan = Schedule(2, 3, 4, 2, baseline).plan(5, 0)
    assert (plan.codes, plan.periods, len(plan.signs)) == (0, 0, 0)
    assert plan.probe_starts.tolist() == [0]


@settings(deadline=None, derandomize=True)
@given(schedule=schedules())
def test_probes_per_window_is_the_mean_over_windows(schedule: Schedule) -> None:
    steps = lcm(schedule.tau_x, schedule.tau_theta)
    total = len(list(_probes(schedule, steps)))
    mean = Fraction(total * schedule.tau_theta, steps)
    assert schedule.probes_per_window() == pytest.approx(float(mean), rel=1e-12)


def test_probes_per_window_of_very_long_periods_is_near() -> None:
    # The common period has 3·10⁹ steps; a fresh baseline comes about every 29,126 of them.
    schedule = Schedule(tau_x=30_000, tau_theta=1_000_001)
    assert schedule.probes_per_window() == pytest.approx(1_000_001 * (1 + 1 / 29_126), rel=1e-4)


@pytest.mark.parametrize(
    ("schedule", "probes"),
    [
        # Every step its own baseline.
        (Schedule(), 2),
        # A batch costs its size twice.
        (Schedule(batch=1000), 2000),
        # The honest equal of it: as many probes, each sample under its own perturbation.
        (Schedule(tau_theta=1000), 2000),
        # One baseline serves a held sample.
        (Schedule(tau_x=10, tau_theta=10), 11),
        (Schedule(tau_x=10, tau_theta=10, baseline_refresh_steps=5), 12),
        (Schedule(tau_x=10, tau_theta=10, baseline="paired"), 20),
    ],
)
def test_probes_that_the_design_names(schedule: Schedule, probes: int) -> None:
    assert schedule.probes_per_window() == probes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tau_p": 0}, "tau_p is 0"),
        ({"tau_x": 0}, "tau_x is 0"),
        ({"tau_theta": -3}, "tau_theta is -3"),
        ({"batch": 0}, "batch is 0"),
        ({"baseline_refresh_steps": 0}, "at least 1"),
        ({"baseline": "paired", "baseline_refresh_steps": 3}, "goes with a measured baseline"),
        ({"baseline": "none", "baseline_refresh_steps": 3}, "goes with a measured baseline"),
        ({"unperturbed": True}, "unperturbed goes with a paired baseline"),
    ],
)
def test_impossible_schedules_are_refused(arguments, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Schedule(**arguments)
