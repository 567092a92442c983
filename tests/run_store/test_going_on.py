"""A log that is opened for writing again."""

import numpy as np
import pytest

from mgd_lab.errors import RunStoreError
from mgd_lab.records import (
    Checkpoint,
    Counters,
    Evaluation,
    Event,
    ParameterSnapshot,
    Rollback,
    StepBlock,
    Telemetry,
    WindowMeans,
)
from mgd_lab.run_store import RunWriter, open_run
from mgd_lab.run_store.log_writer import LogWriter


def steps(first, count, value=1.0):
    costs = np.full(count, value)
    return StepBlock(first, np.zeros(count, np.uint8), costs, costs, 0.0, 0.0)


def end(step, final=""):
    return Checkpoint(Counters(step), 0.0, 0.0, {"n": np.array(step)}, final)


def of_every_kind(step, value):
    """Records of steps `step` … `step` + 9, without the checkpoint that keeps them."""
    return [
        steps(step, 10, value),
        ParameterSnapshot(step, step, np.full(3, value)),
        Evaluation(step, step, "train", 4, value, None, 0.0),
        WindowMeans(np.array([step + 5]), np.full(1, value), np.full(1, value), 0.0, 0.0),
        Telemetry(step, ("t",), np.full(1, value), 0.0),
        Event(step, "told", "", value),
    ]


def assert_whole(folder, blocks):
    """Each block's records once, with the value that it was measured with."""
    with open_run(folder.path) as run:
        assert run.counters.steps == run.state()["n"] == 10 * len(blocks)
        assert run.costs().step.tolist() == list(range(10 * len(blocks)))
        assert run.costs().cost.tolist() == np.repeat(blocks, 10).tolist()
        assert run.parameters().theta[:, 0].tolist() == blocks
        assert run.evaluations().cost.tolist() == blocks
        assert run.window_means().cost.tolist() == blocks
        assert run.telemetry().value.tolist() == blocks
        assert run.events().utc_seconds.tolist() == blocks


def write(folder, *records):
    with RunWriter(folder) as writer:
        for record in records:
            writer.write(record)


def test_what_no_checkpoint_kept_is_measured_again_once(make_run):
    folder = make_run()
    write(folder, *of_every_kind(0, 1.0), end(10), *of_every_kind(10, 2.0))
    assert_whole(folder, [1.0])
    write(folder, *of_every_kind(10, 3.0), end(20), *of_every_kind(20, 4.0))
    write(folder, *of_every_kind(20, 5.0), end(30))
    assert_whole(folder, [1.0, 3.0, 5.0])


def test_a_rollback_forgets_everything_since_the_last_checkpoint(make_run):
    folder = make_run()
    write(
        folder, Rollback(), *of_every_kind(0, 1.0), end(10), *of_every_kind(10, 2.0), Rollback(),
        *of_every_kind(10, 3.0), end(20), Rollback(), *of_every_kind(20, 4.0), end(30),
    )  # fmt: skip
    assert_whole(folder, [1.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (steps(9, 5), "starts at step 9, but steps below 10"),
        (ParameterSnapshot(10, 10, np.ones(4)), "4 parameters, earlier ones 3"),
        (ParameterSnapshot(8, 8, np.ones(3)), "step 8 comes after one of step 9"),
    ],
)
def test_a_second_session_fits_to_the_first(make_run, record, message):
    folder = make_run()
    write(folder, steps(0, 10), ParameterSnapshot(9, 9, np.ones(3)), end(10))
    with pytest.raises(RunStoreError, match=message):
        write(folder, record, end(20))


def test_the_earlier_summary_stays_until_something_is_written(make_run):
    def status():
        with open_run(folder.path) as run:
            return run.summary["status"]

    folder = make_run()
    write(folder, steps(0, 10), end(10, "interrupted"))
    folder.finish({"status": "interrupted"})
    with RunWriter(folder):
        assert status() == "interrupted"  # it could still fail to arm the chip
    assert folder.summary.exists()
    with RunWriter(folder) as writer:
        writer.write(Event(10, "resumed", "", 0.0))
        assert not folder.summary.exists()
        assert status() == "running"
        writer.write(end(10))
    assert status() == "crashed"


def test_an_end_of_an_earlier_session_is_not_this_ones(make_run):
    folder = make_run()
    write(folder, steps(0, 10), end(10, "finished"))
    with open_run(folder.path) as run:
        assert run.summary["status"] == "finished"
        with RunWriter(folder):
            assert run.summary["status"] == "running"
            assert run.summary["steps"] == 10
        assert run.summary["status"] == "finished"


def test_a_summary_that_cannot_be_removed_is_said_so(make_run):
    folder = make_run()
    folder.summary.mkdir()
    with RunWriter(folder) as writer, pytest.raises(RunStoreError, match="cannot write"):
        writer.write(end(0))


def test_nothing_of_an_open_transaction_is_left_after_a_kill(make_run):
    folder = make_run()
    log = LogWriter(folder.log)
    log._connection.execute("PRAGMA cache_size=4")  # what is not committed is on the disk early
    for record in (*of_every_kind(0, 1.0), end(10), *of_every_kind(10, 2.0)):
        log.write(record)
    before = folder.log.with_name("log.sqlite-wal").stat().st_size
    log.write(steps(20, 10_000))
    assert folder.log.with_name("log.sqlite-wal").stat().st_size > before
    copy = folder.path.parent / "killed"
    copy.mkdir()
    for path in folder.path.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    log.abandon()
    killed = type(folder)(copy)
    write(killed, *of_every_kind(10, 3.0), end(20))
    assert_whole(killed, [1.0, 3.0])
