"""The published table comes out of its own step count, by the arithmetic that runs go through."""

import pytest

from mgd_lab.algorithm import Schedule
from mgd_lab.projection import NAMED, counts_of, project_paper, time_text


def test_the_published_times():
    (projection,) = project_paper().projections
    assert projection.steps == 2e7
    assert [time_text(time.as_one_seconds) for time in projection.times] == [
        "5.6 h",
        "200 ms",
        "4 ms",
    ]
    for time in projection.times:
        assert time.as_one_seconds == pytest.approx(time.published_seconds, rel=0.01)
        assert time.as_presentations_seconds == pytest.approx(1000 * time.as_one_seconds)


def test_the_published_backpropagation():
    (line,) = project_paper().backpropagation
    assert line.seconds == 480.0
    assert "McCaughan" in line.note


def test_a_run_of_as_many_steps_without_baselines_takes_the_same():
    (projection,) = project_paper().projections
    counts = counts_of(Schedule(batch=1000, baseline="none"), 2e7, 2e10, 2e7)
    assert [counts.as_one.seconds(one) for one in NAMED] == [
        time.as_one_seconds for time in projection.times
    ]
    assert [counts.as_presentations.seconds(one) for one in NAMED] == [
        time.as_presentations_seconds for time in projection.times
    ]
