"""Stop rules, evaluations, snapshots, counters and what the log keeps."""

import sys

import numpy as np
import pytest

from mgd_lab.controller import ChunkSource
from mgd_lab.errors import MeasurementError
from mgd_lab.records import Checkpoint, Evaluation, ParameterSnapshot, StepBlock

SOLVES = {"update": {"learning_rate": 1.0}, "initial": {"low": -2.0, "high": 2.0}}
LONG = {"time_constants": {"tau_theta": 500}}


def _first_update_at_or_after(every, window, steps):
    """Steps at which evaluations are due, one a multiple, and the one at the end."""
    due, next_multiple = [0], every
    for step in range(window, steps + 1, window):
        if step >= next_multiple:
            due.append(step)
            next_multiple = (step // every + 1) * every
    return due if due[-1] == steps else [*due, steps]


@pytest.mark.parametrize("window", [1, 3, 7, 64, 200])
@pytest.mark.parametrize("every", [1, 5, 10, 33, 1000])
@pytest.mark.parametrize("steps", [70, 100, 199])
def test_evaluations_come_with_updates(train, window, every, steps):
    run = train(
        training={"time_constants": {"tau_theta": window}, "update": {"learning_rate": 0.1}},
        stop={"steps": steps},
        evaluate={"every_steps": every},
    )
    assert [step for step, _ in run.evaluations] == _first_update_at_or_after(every, window, steps)
    assert all(update == step // window for step, update in run.evaluations)
    assert run.outcome.counters.evaluation_probes == 4 * len(run.evaluations)


@pytest.mark.parametrize("algorithm", ["discrete", "analog"])
def test_evaluations_disturb_nothing(train, algorithm):
    times = {"tau_x": 4, "tau_theta": 3, **({"tau_hp": 2} if algorithm == "analog" else {})}
    training = {"algorithm": algorithm, "time_constants": times}
    runs = [
        train(training=training, stop={"steps": 300}, evaluate={"every_steps": every})
        for every in (1, 7, 1000)
    ]
    for other in runs[1:]:
        np.testing.assert_array_equal(runs[0].theta, other.theta)
        np.testing.assert_array_equal(runs[0].column("costs"), other.column("costs"))
        assert runs[0].outcome.counters.probes == other.outcome.counters.probes


@pytest.mark.parametrize("steps", [1, 63, 64, 65, 320, 321, 999])
@pytest.mark.parametrize("window", [1, 7, 500])
def test_steps_need_not_be_a_multiple_of_the_window(train, steps, window):
    run = train(training={"time_constants": {"tau_theta": window}}, stop={"steps": steps})
    counters = run.outcome.counters
    assert counters.steps == len(run.column("costs")) == steps
    assert counters.updates == steps // window
    assert counters.samples == steps
    assert counters.probes == 2 * steps
    assert run.outcome.status == "finished"
    assert run.final.final == "finished"
    firsts = [block.first_step for block in run.of(StepBlock)]
    lengths = [len(block.costs) for block in run.of(StepBlock)]
    assert firsts == [0, *np.cumsum(lengths)[:-1]]


def test_counters_with_every_time_constant_at_work(train):
    run = train(
        training={
            "time_constants": {"tau_p": 2, "tau_x": 5, "tau_theta": 3},
            "batch": 3,
            "baseline_refresh_steps": 2,
        },
        stop={"steps": 100},
        evaluate={"every_steps": 30},
    )
    fresh, age = 0, 0
    for step in range(100):
        age = 0 if step % 5 == 0 or step % 3 == 0 else age + 1
        fresh += age % 2 == 0
    counters = run.outcome.counters
    assert counters.probes == 3 * (100 + fresh)
    assert counters.samples == 3 * 20
    assert counters.updates == 33
    assert counters.evaluation_probes == 4 * 5
    assert counters.remeasured_probes == 0
    assert run.final.counters == counters


@pytest.mark.parametrize(("limit", "window"), [(1, 1), (90, 1), (91, 1), (90, 7), (91, 7)])
def test_stop_after_probes(train, limit, window):
    run = train(
        training={"time_constants": {"tau_theta": window}}, stop={"probes": limit, "steps": None}
    )
    assert limit <= run.outcome.counters.probes < limit + 2 * window
    assert run.outcome.status == "finished"


def test_stop_after_probes_does_not_depend_on_chunks(train, monkeypatch):
    runs = []
    for most in (1, 10, 64, 4096):
        monkeypatch.setattr(ChunkSource, "most_steps", lambda _, most=most: most)
        runs.append(train(training=LONG, stop={"probes": 301, "steps": None}))
    assert {run.outcome.counters.probes for run in runs} == {302}


@pytest.mark.parametrize("updates", [1, 9, 70])
def test_stop_after_updates(train, updates):
    run = train(
        training={"time_constants": {"tau_theta": 7}}, stop={"updates": updates, "steps": None}
    )
    assert run.outcome.counters.updates == updates
    assert run.outcome.counters.steps == 7 * updates


def test_stop_after_seconds(train, fake_clock):
    run = train(clock=fake_clock(0.125), stop={"seconds": 30, "steps": None})
    assert 30 <= run.outcome.seconds < 32
    assert run.outcome.status == "finished"
    assert run.outcome.counters.steps > 10


def test_the_first_limit_met_ends_the_run(train):
    run = train(stop={"steps": 1000, "updates": 40, "probes": 500})
    assert run.outcome.counters.steps == 40


def test_a_target_of_cost(train):
    run = train(
        stop={"steps": 5000, "cost_below": 0.04},
        evaluate={"every_steps": 100},
        training=SOLVES,
        seed=1,
    )
    assert run.outcome.status == "target_reached"
    evaluations = run.of(Evaluation)
    assert evaluations[-1].cost == run.outcome.cost < 0.04
    assert all(evaluation.cost >= 0.04 for evaluation in evaluations[:-1])
    assert evaluations[-1].step == run.outcome.counters.steps
    assert run.final.final == "target_reached"


def test_a_target_of_accuracy(train):
    run = train(
        stop={"steps": 5000, "accuracy_at_least": 1.0},
        evaluate={"every_steps": 100},
        training=SOLVES,
        seed=1,
    )
    assert run.outcome.status == "target_reached"
    assert run.outcome.accuracy == 1.0


def test_a_target_that_is_met_at_the_very_end(train):
    cost = train(stop={"steps": 600}, training=SOLVES, seed=1).outcome.cost
    reached, missed = (
        train(stop={"steps": 600, "cost_below": target}, training=SOLVES, seed=1)
        for target in (np.nextafter(cost, 1), cost)
    )
    assert reached.outcome.status == "target_reached"
    assert missed.outcome.status == missed.final.final == "target_missed"


def test_a_target_that_is_met_at_the_start(train):
    run = train(stop={"steps": 500, "cost_below": 10.0})
    assert run.outcome.status == "target_reached"
    assert run.outcome.counters.steps == 0


def test_a_cost_of_exactly_the_target_is_not_below_it(train):
    assert train(stop={"cost_below": 1e-9}).outcome.status == "target_missed"


@pytest.mark.parametrize("every", [1, 3, 10, 1000])
def test_snapshots(train, every):
    run = train(
        training={"time_constants": {"tau_theta": 2}},
        stop={"steps": 100},
        logging={"parameters_every_updates": every},
    )
    expected = sorted({*range(0, 51, every), 50})
    snapshots = run.of(ParameterSnapshot)
    assert [snapshot.update for snapshot in snapshots] == expected
    assert [snapshot.step for snapshot in snapshots] == [2 * update for update in expected]
    np.testing.assert_array_equal(snapshots[-1].theta, run.state.theta)


@pytest.mark.parametrize("window", [1, 7, 100])
@pytest.mark.parametrize("baseline", ["measured", "paired"])
def test_means_of_windows(train, window, baseline):
    training = {"time_constants": {"tau_theta": window}, "baseline": baseline}
    whole = train(training=training, stop={"steps": 250})
    means = train(training=training, stop={"steps": 250}, logging={"costs": "window_mean"})
    none = train(training=training, stop={"steps": 250}, logging={"costs": "none"})
    assert means.of(StepBlock) == none.of(StepBlock) == none.means == []
    for run in (means, none):
        np.testing.assert_array_equal(run.theta, whole.theta)
    count = 250 // window
    last = np.concatenate([block.last_steps for block in means.means])
    np.testing.assert_array_equal(last, window * np.arange(1, count + 1))
    for name in ("costs", "baselines"):
        got = np.concatenate([getattr(block, name) for block in means.means])
        expected = whole.column(name)[: count * window].reshape(count, window).mean(axis=1)
        np.testing.assert_allclose(got, expected, rtol=1e-13)
    # What a window has come to is kept for going on.
    assert means.final.state["open_window"][2] == 250 % window


def test_means_of_an_analog_run_have_no_baseline(train):
    run = train(
        training={"algorithm": "analog", "time_constants": {"tau_x": 5, "tau_hp": 1}},
        logging={"costs": "window_mean"},
    )
    assert np.isnan(np.concatenate([block.baselines for block in run.means])).all()
    assert np.isfinite(np.concatenate([block.costs for block in run.means])).all()


def test_means_of_windows_do_not_depend_on_chunks(train, monkeypatch):
    means = []
    for most in (1, 37, 4096):
        monkeypatch.setattr(ChunkSource, "most_steps", lambda _, most=most: most)
        run = train(training=LONG, stop={"steps": 1000}, logging={"costs": "window_mean"})
        means.append([block.costs.tolist() for block in run.means])
    flat = [[cost for block in blocks for cost in block] for blocks in means]
    assert flat[0] == flat[1] == flat[2]


def test_checkpoints_come_by_the_clock(train, fake_clock):
    run = train(
        clock=fake_clock(0.125),
        stop={"steps": 400},
        logging={"checkpoint_every_seconds": 5.0},
    )
    times = [record.monotonic_seconds for record in run.of(Checkpoint)]
    assert len(times) > 3
    assert (np.diff(times)[:-1] >= 5.0).all()
    assert (np.diff(times) < 7.0).all()
    # All that a checkpoint counts has been written before it.
    steps = 0
    for record in run.records:
        if isinstance(record, StepBlock):
            steps += len(record.costs)
        elif isinstance(record, Checkpoint):
            assert record.counters.steps == steps


def test_records_are_not_written_again(train):
    """Arrays handed to the sink stay as they were when they were handed over."""
    run = train(stop={"steps": 2000}, evaluate={"every_steps": 13})
    again = train(stop={"steps": 2000}, evaluate={"every_steps": 1000})
    np.testing.assert_array_equal(run.column("costs"), again.column("costs"))
    assert not np.isnan(run.column("baselines")).any()


def test_progress_is_reported(train, fake_clock):
    seen = []
    train(clock=fake_clock(0.05), stop={"steps": 300}, observe=seen.append)
    steps = [progress.counters.steps for progress in seen]
    assert len(seen) > 10
    assert steps == sorted(steps)
    assert all(0 <= progress.fraction <= 1 for progress in seen)
    assert all(progress.cost is not None for progress in seen)


def test_an_observer_that_fails_ends_the_log_properly(train, fake_clock):
    def observe(_):
        raise MeasurementError("seen enough")

    run = train(clock=fake_clock(0.05), observe=observe, catch=MeasurementError)
    assert run.final.final == "failed"


@pytest.mark.parametrize("rung", ["forward", "dense", "signs"])
def test_chip_and_host_work_at_once_without_mixing_pages(train, rung):
    """Threads that change places as often as Python lets them."""
    changes = {
        "chip": {"network": {"layers": [49, 4, 4]}, "rung": rung},
        "task": {"dataset": "nist7x7"},
        "training": {"time_constants": {"tau_theta": 1000}, "update": {"learning_rate": 1e-3}},
        "stop": {"steps": 2000},
        "evaluate": {"samples": 1, "every_steps": 9999},
    }
    quiet = train(**{**changes, "chip": {"network": {"layers": [49, 4, 4]}}})
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        hurried = train(**changes)
    finally:
        sys.setswitchinterval(interval)
    np.testing.assert_array_equal(quiet.theta, hurried.theta)
    np.testing.assert_array_equal(quiet.column("costs"), hurried.column("costs"))
