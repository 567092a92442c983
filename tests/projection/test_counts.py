"""Counting changes of sample and perturbation, and what they take."""

import itertools

import numpy as np
import pytest

from mgd_lab.algorithm import Schedule
from mgd_lab.projection import Counts, Hardware, counts_of
from mgd_lab.projection.counts import changes_per_step


def counted(schedule, steps):
    """Changes among the probes of so many steps, one by one."""
    plan = schedule.plan(0, steps)
    shown = []
    for probe, step in enumerate(plan.probe_steps):
        sample = plan.sample_rows[step] * schedule.batch + plan.probe_slots[probe]
        sign = int(plan.signs[probe])
        shown.append((sample, (sign, plan.code_rows[step]) if sign else None))
    pairs = list(itertools.pairwise(shown))
    samples = sum(before[0] != after[0] for before, after in pairs)
    perturbations = sum(before[1] != after[1] for before, after in pairs)
    return samples / steps, perturbations / steps


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(),
        Schedule(tau_p=1, tau_x=5, tau_theta=5),
        Schedule(tau_p=4, tau_x=6, tau_theta=10, baseline_refresh_steps=3),
        Schedule(tau_theta=3, baseline="paired"),
        Schedule(tau_x=7, baseline="none"),
        Schedule(tau_theta=2, batch=5),
        Schedule(tau_x=3, tau_theta=3, batch=4, baseline="paired"),
    ],
)
def test_changes_are_those_of_the_probes(schedule):
    steps = 6000
    np.testing.assert_allclose(changes_per_step(schedule), counted(schedule, steps), rtol=2e-3)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        # Each step: the sample changes, θ̃ goes (the baseline) and comes.
        (Schedule(), (1.0, 2.0)),
        # One sample and one baseline a window of 5, then a new perturbation at each step.
        (Schedule(tau_x=5, tau_theta=5), (0.2, 1.2)),
        # +θ̃, −θ̃ of each step.
        (Schedule(tau_theta=4, baseline="paired"), (1.0, 2.0)),
        # The batch is shown twice, without θ̃ and with it.
        (Schedule(batch=3), (6.0, 2.0)),
    ],
)
def test_changes_that_one_can_count_by_hand(schedule, expected):
    assert changes_per_step(schedule) == pytest.approx(expected)


def test_each_thing_takes_its_time():
    counts = Counts(probes=2.0, sample_changes=3.0, perturbation_changes=5.0, updates=7.0)
    hardware = Hardware(
        "x", read_seconds=1.0, input_seconds=10.0, perturbation_seconds=100.0, write_seconds=1000.0
    )
    assert counts.seconds(hardware) == 7532.0


def test_a_batch_is_counted_twice():
    schedule = Schedule(batch=10)
    counts = counts_of(schedule, steps=100.0, probes=2000.0, updates=100.0)
    assert counts.as_one == Counts(200.0, 100.0, 200.0, 100.0)
    assert counts.as_presentations == Counts(2000.0, 2000.0, 200.0, 100.0)


def test_long_periods_are_cut():
    samples, perturbations = changes_per_step(Schedule(tau_theta=999_983, tau_x=1000, batch=1000))
    assert samples == pytest.approx(1000, rel=0.01)
    assert perturbations == pytest.approx(1, rel=0.01)
