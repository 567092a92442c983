"""When a target was reached."""

import numpy as np
import pytest

from mgd_lab.projection import Target, time_text
from mgd_lab.projection.target import steps_to

NAN = float("nan")
STEP = np.array([0, 100, 200, 300])
COST = np.array([1.0, 0.5, 0.1, 0.2])
ACCURACY = np.array([0.1, 0.5, 0.9, 0.8])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target(accuracy=0.7), 150.0),
        (Target(accuracy=0.9), 200.0),
        (Target(accuracy=0.05), 0.0),
        (Target(accuracy=0.95), None),
        (Target(cost=0.3), 150.0),
        (Target(cost=0.5), 100.0),
        (Target(cost=0.05), None),
        (Target(cost=2.0), 0.0),
    ],
)
def test_between_evaluations(target, expected):
    found = steps_to(target, STEP, COST, ACCURACY)
    assert found == (None if expected is None else pytest.approx(expected))


def test_an_accuracy_that_is_not_known_is_not_reached():
    unknown = np.full(4, NAN)
    assert steps_to(Target(accuracy=0.1), STEP, COST, unknown) is None
    later = np.array([NAN, NAN, 0.9, 0.9])
    assert steps_to(Target(accuracy=0.5), STEP, COST, later) == 200.0


def test_no_evaluations():
    nothing = np.empty(0)
    assert steps_to(Target(cost=1.0), np.empty(0, np.int64), nothing, nothing) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (200e-12, "200 ps"),
        (9.96e-10, "1 ns"),
        (1.3e-6, "1.3 µs"),
        (4e-3, "4 ms"),
        (0.2, "200 ms"),
        (1.0, "1 s"),
        (480.0, "480 s"),
        (1234.0, "21 min"),
        (20_000.0, "5.6 h"),
        (2e7, "230 d"),
        (2e11, "6,300 years"),
        (0.0, "0 s"),
    ],
)
def test_times_are_told_with_units(seconds, text):
    assert time_text(seconds) == text
