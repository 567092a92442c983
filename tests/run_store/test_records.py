import numpy as np
import pytest

from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.records import (
    Checkpoint,
    Counters,
    Evaluation,
    Event,
    ParameterSnapshot,
    StepBlock,
    WindowMeans,
)
from mgd_lab.run_store import RunWriter, open_run


def checkpoint(steps=0, state=None, final=""):
    return Checkpoint(Counters(steps, 2 * steps), 10.0 + steps, 1.0, state or {}, final)


def steps(first, count, batch=0):
    shape = (count, batch) if batch else count
    return StepBlock(first, np.zeros(shape, np.uint8), np.ones(count), np.ones(count), 0.0, 0.0)


def write(folder, *records):
    with RunWriter(folder) as writer:
        for record in records:
            writer.write(record)


@pytest.mark.parametrize("size", [9, 60_000])
def test_snapshots_come_back_in_order(make_run, size):
    folder = make_run()
    theta = np.random.default_rng(1).random((12, size))
    snapshots = [ParameterSnapshot(10 * i, i, theta[i]) for i in range(12)]
    write(folder, *snapshots[:7], checkpoint(), *snapshots[7:], checkpoint())
    with open_run(folder.path) as run:
        everything = run.parameters()
        some = run.parameters(15, 90)
        none = run.parameters(1000)
    assert np.array_equal(everything.theta, theta)
    assert everything.update.tolist() == list(range(12))
    assert some.step.tolist() == [20, 30, 40, 50, 60, 70, 80]
    assert np.array_equal(some.theta, theta[2:9])
    assert none.theta.shape == (0, size)


def test_window_means_evaluations_and_events(make_run):
    folder = make_run()
    write(
        folder,
        WindowMeans(np.array([16, 32]), np.array([1.0, 2.0]), np.array([3.0, np.nan]), 0.0, 0.0),
        Evaluation(0, 0, "train", 4, 0.5, None, 1.5),
        Evaluation(16, 1, "test", 5, np.float64("nan"), 0.75, 2.5),
        Event(3, "retry", "no reply # twice\n", 1.0, {"value": np.float32(0.5), "bad": np.inf}),
        checkpoint(32),
    )
    with open_run(folder.path) as run:
        means, evaluations, events = run.window_means(), run.evaluations(), run.events()
        assert len(run.costs().step) == len(run.telemetry().step) == 0
    assert means.step.tolist() == [16, 32]
    assert np.array_equal(means.baseline, [3.0, np.nan], equal_nan=True)
    assert np.array_equal(evaluations.accuracy, [np.nan, 0.75], equal_nan=True)
    assert np.array_equal(evaluations.cost, [0.5, np.nan], equal_nan=True)
    assert evaluations.split.tolist() == ["train", "test"]
    assert events.message.tolist() == ["no reply # twice\n"]
    assert events.details == ({"value": 0.5, "bad": "inf"},)


def test_the_state_is_the_latest_checkpoints_with_dtypes_and_shapes(make_run):
    folder = make_run()
    state = {
        "theta": np.arange(6.0).reshape(2, 3),
        "big_endian": np.arange(3, dtype=">f4"),
        "scalar": np.array(2**63, dtype=np.uint64),
        "flags": np.array([[True], [False]]),
        "empty": np.empty((0, 4), dtype=np.int16),
        "nan": np.array([np.nan, -0.0]),
    }
    write(folder, checkpoint(1, {"old": np.ones(1)}), checkpoint(2, state))
    with open_run(folder.path) as run:
        found = run.state()
        assert run.counters == Counters(2, 4)
        assert run.checkpoints().step.tolist() == [1, 2]
        assert run.checkpoints().utc_seconds.tolist() == [11.0, 12.0]
    assert found.keys() == state.keys()
    for name, values in state.items():
        assert found[name].dtype == values.dtype.newbyteorder("=")
        assert found[name].shape == values.shape
        assert found[name].tobytes() == values.astype(found[name].dtype).tobytes()


def test_records_that_no_checkpoint_closes_are_not_kept(make_run):
    folder = make_run()
    write(folder, steps(0, 3), checkpoint(3), steps(3, 3), Event(4, "a", "b", 0.0))
    with open_run(folder.path) as run:
        assert len(run.costs().step) == 3
        assert len(run.events().step) == 0
    write(folder, steps(3, 2), checkpoint(5))
    with open_run(folder.path) as run:
        assert run.costs().step.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([steps(0, 3), steps(2, 3)], "starts at step 2, but steps below 3"),
        ([steps(0, 3), steps(3, 3, batch=2)], "draws 2 samples, earlier ones 1"),
        ([StepBlock(0, np.zeros(2, np.uint8), np.ones(3), np.ones(3), 0, 0)], "3 steps and 2 sam"),
        ([StepBlock(0, np.array([-1]), np.ones(1), np.ones(1), 0, 0)], "below 0"),
        ([StepBlock(0, np.array([0.5]), np.ones(1), np.ones(1), 0, 0)], "float64"),
        ([checkpoint(0, {"a": np.array([{}])})], "'a' has dtype object"),
        ([ParameterSnapshot(0, 0, np.ones(2)), ParameterSnapshot(1, 1, np.ones(3))], "3 param"),
        ([ParameterSnapshot(2, 0, np.ones(2)), ParameterSnapshot(1, 1, np.ones(2))], "step 1 com"),
        ([steps(2**63, 1)], "cannot write"),
    ],
)
def test_records_that_do_not_fit_the_log_are_refused(make_run, records, message):
    folder = make_run()
    with pytest.raises(RunStoreError, match=message):
        write(folder, *records, checkpoint(9))
    with open_run(folder.path) as run:
        assert run.counters == Counters()


def test_a_range_of_parameters_that_makes_no_sense_is_refused(make_run):
    with open_run(make_run().path) as run, pytest.raises(ConfigurationError, match="step 0"):
        run.parameters(-1)
