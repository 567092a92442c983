import shutil
import threading

import numpy as np
import pytest

from mgd_lab.errors import RunStoreError
from mgd_lab.records import Checkpoint, Counters, StepBlock
from mgd_lab.run_store import RunWriter, list_runs, open_run
from mgd_lab.run_store.log_writer import LogWriter


def steps(first, count=1000):
    return StepBlock(
        first, np.zeros(count, np.uint8), np.arange(first, first + count, dtype=float),
        np.zeros(count), 0.0, 0.0,
    )  # fmt: skip


def checkpoint(number, final=""):
    return Checkpoint(Counters(steps=number), 0.0, 0.0, {"n": np.array(number)}, final)


def write_and_raise(folder, error):
    with RunWriter(folder) as writer:
        writer.write(steps(0))
        writer.write(checkpoint(1000))
        raise error


def write_many(writer):
    for number in range(10_000):  # far more than the queue holds
        writer.write(checkpoint(number))


def test_the_log_is_one_plain_file_after_the_end(make_run):
    folder = make_run()
    with RunWriter(folder) as writer:
        writer.write(steps(0))
        writer.write(checkpoint(1000))
    assert not list(folder.path.glob("log.sqlite-*"))


def test_a_slow_disk_blocks_the_loop_and_nothing_is_dropped(make_run, monkeypatch):
    go, real, done = threading.Event(), LogWriter.write, []

    def gated(self, record):
        assert go.wait(60)
        real(self, record)

    monkeypatch.setattr(LogWriter, "write", gated)
    folder = make_run()

    def loop():
        with RunWriter(folder) as writer:
            for i in range(40):
                writer.write(steps(1000 * i))
                writer.write(checkpoint(1000 * (i + 1)))
                done.append(i)

    thread = threading.Thread(target=loop)
    thread.start()
    thread.join(0.2)
    assert len(done) < 12  # as many as the queue holds, and those in hand
    go.set()
    thread.join(60)
    with open_run(folder.path) as run:
        assert np.array_equal(run.costs().cost, np.arange(40_000.0))


def test_an_error_of_the_loop_keeps_what_was_checkpointed(make_run):
    folder = make_run()
    with pytest.raises(KeyboardInterrupt):
        write_and_raise(folder, KeyboardInterrupt())
    with open_run(folder.path) as run:
        assert run.counters.steps == 1000


def test_writing_needs_an_open_writer(make_run):
    writer = RunWriter(make_run())
    with pytest.raises(RunStoreError, match="not open"):
        writer.write(steps(0))
    with writer:
        pass
    with pytest.raises(RunStoreError, match="not open"):
        writer.write(steps(0))
    writer.close()
    with pytest.raises(RunStoreError, match="opened for writing before"), writer:
        pass


def test_a_run_has_one_writer(make_run, monkeypatch):
    monkeypatch.setattr("mgd_lab.run_store.lock._PATIENCE_SECONDS", 0.0)
    folder = make_run()
    with (
        RunWriter(folder),
        pytest.raises(RunStoreError, match="another process is writing"),
        RunWriter(folder),
    ):
        pass
    with RunWriter(folder):
        pass


@pytest.mark.parametrize("what", ["folder", "log"])
def test_a_deleted_run_is_noticed(make_run, what):
    folder = make_run()
    writer = RunWriter(folder)
    writer.__enter__()
    writer.write(checkpoint(0))
    if what == "folder":
        shutil.rmtree(folder.path)
    else:
        folder.log.unlink()
    with pytest.raises(RunStoreError, match=r"log\.sqlite was deleted"):
        write_many(writer)
    with pytest.raises(RunStoreError, match="deleted"):
        writer.close()


def test_the_thread_raises_at_the_next_write_and_at_close(make_run, monkeypatch):
    failed = threading.Event()

    def fail(self, record):
        failed.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LogWriter, "write", fail)
    writer = RunWriter(make_run())
    writer.__enter__()
    writer.write(checkpoint(0))
    assert failed.wait(60)
    with pytest.raises(RunStoreError, match=r"log\.sqlite: No space left.*Free the disk"):
        write_many(writer)
    with pytest.raises(RunStoreError, match="No space left"):
        writer.close()


def test_the_loops_own_error_is_not_hidden_by_the_logs(make_run, monkeypatch):
    def fail(self, record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LogWriter, "write", fail)
    with pytest.raises(ZeroDivisionError) as caught:
        write_and_raise(make_run(), ZeroDivisionError())
    assert "No space left" in caught.value.__notes__[0]


def test_an_interrupt_while_waiting_for_the_disk_leaves_no_gap(make_run, monkeypatch):
    folder = make_run()
    writer = RunWriter(folder)
    writer.__enter__()
    writer.write(checkpoint(0))
    put = writer._queue.put

    def interrupted(batch):
        monkeypatch.setattr(writer._queue, "put", put)
        raise KeyboardInterrupt

    monkeypatch.setattr(writer._queue, "put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writer.write(steps(0, 50_000))
    with pytest.raises(RunStoreError, match="interrupted"):
        writer.write(checkpoint(50_000))
    with pytest.raises(RunStoreError, match="interrupted"):
        writer.close()
    with open_run(folder.path) as run:
        assert run.counters.steps == 0


def test_a_reader_sees_whole_checkpoints_while_another_writes(make_run):
    folder = make_run()
    seen = []
    with RunWriter(folder) as writer:
        for i in range(60):
            writer.write(steps(1000 * i))
            writer.write(checkpoint(1000 * (i + 1)))
            with open_run(folder.path) as run, run.one_moment():
                number = run.counters.steps
                assert len(run.costs().step) == number
                assert run.state().get("n", 0) == number
                assert run.summary["status"] == "running"
            seen.append(number)
    assert seen == sorted(seen)
    with open_run(folder.path) as run:
        assert run.counters.steps == 60_000


def test_the_status_follows_the_log_until_a_summary_says_it(make_run):
    def status():
        with open_run(folder.path) as run:
            return run.summary["status"]

    folder = make_run()
    with RunWriter(folder) as writer:
        assert status() == "running"
        writer.write(checkpoint(1))
    assert status() == "crashed"
    with RunWriter(folder) as writer:
        writer.write(checkpoint(2, "target_reached"))
    assert status() == "target_reached"
    folder.finish({"status": "interrupted"})
    assert status() == "interrupted"
    assert list_runs(folder.path.parent)[0].status == "interrupted"
    with RunWriter(folder) as writer:
        writer.write(checkpoint(3))
        assert not folder.summary.exists()
