"""A writing process that is killed, or whose disk is full."""

import subprocess
import sys

import numpy as np
import pytest

from mgd_lab.records import Checkpoint, Counters, Evaluation, ParameterSnapshot, StepBlock
from mgd_lab.run_store import RunWriter, list_runs, open_run

WRITING = """
import itertools, resource, sys
from pathlib import Path
import numpy as np
from mgd_lab.errors import RunStoreError
from mgd_lab.records import *
from mgd_lab.run_store import RunFolder, RunWriter
from mgd_lab.run_store.log_writer import LogWriter

def records(i):
    step = 1000 * i
    costs = np.arange(step, step + 1000.0)
    yield StepBlock(step, np.zeros(1000, np.uint8), costs, -costs, 0.0, 0.0)
    yield ParameterSnapshot(step, i, np.full(9, float(i)))
    yield Evaluation(step, i, "train", 4, float(i), None, 0.0)
    yield Checkpoint(Counters(steps=step + 1000), 0.0, 0.0, {"theta": np.full(9, float(i))})

def run(sink):
    for i in itertools.count():
        for record in records(i):
            sink.write(record)
        print(i, flush=True)

folder = RunFolder(Path(sys.argv[1]))
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
if sys.argv[2] == "direct":  # each print follows the commit
    run(LogWriter(folder.log))
try:
    with RunWriter(folder) as writer:
        run(writer)
except RunStoreError as error:
    print("RunStoreError", error, flush=True)
"""


def whole_checkpoints(path) -> int:
    """The checkpoints in the log, each with all of its records and nothing more."""
    with open_run(path) as run:
        count = len(run.checkpoints().step)
        costs, parameters = run.costs(), run.parameters()
        assert run.counters.steps == 1000 * count
        assert np.array_equal(costs.cost, np.arange(1000.0 * count))
        assert np.array_equal(costs.baseline, -costs.cost)
        assert parameters.theta.tolist() == [[float(i)] * 9 for i in range(count)]
        assert run.evaluations().cost.tolist() == list(range(count))
        assert not count or run.state()["theta"][0] == count - 1
    return count


@pytest.mark.parametrize("mode", ["direct", "thread"])
@pytest.mark.parametrize("lines", [0, 1, 30, 200])
def test_after_kill_9_the_log_ends_at_a_checkpoint(make_run, mode, lines):
    folder = make_run()
    with subprocess.Popen(
        [sys.executable, "-c", WRITING, str(folder.path), mode], stdout=subprocess.PIPE, text=True
    ) as process:
        printed = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
        printed += [int(line) for line in process.stdout]
    kept = whole_checkpoints(folder.path)
    if mode == "direct":
        assert kept >= len(printed)
    with open_run(folder.path) as run:
        assert run.summary["status"] == "crashed"
    with RunWriter(folder):
        pass  # the kernel has freed the lock, and the log takes records again
    assert whole_checkpoints(folder.path) == kept


def test_a_full_disk_is_reported_and_the_log_is_whole(make_run):
    folder = make_run()
    done = subprocess.run(
        [sys.executable, "-c", WRITING, str(folder.path), "full"],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    assert "RunStoreError cannot write" in done.stdout.splitlines()[-1]
    assert str(folder.log) in done.stdout
    assert done.stderr == ""
    kept = whole_checkpoints(folder.path)
    assert 5 < kept < 40
    assert list_runs(folder.path.parent)[0].status == "crashed"
    # This process has room, and the log goes on.
    step, costs = 1000 * kept, np.arange(1000.0 * kept, 1000.0 * kept + 1000.0)
    with RunWriter(folder) as writer:
        writer.write(StepBlock(step, np.zeros(1000, np.uint8), costs, -costs, 0.0, 0.0))
        writer.write(ParameterSnapshot(step, kept, np.full(9, float(kept))))
        writer.write(Evaluation(step, kept, "train", 4, float(kept), None, 0.0))
        theta = np.full(9, float(kept))
        writer.write(Checkpoint(Counters(steps=step + 1000), 0.0, 0.0, {"theta": theta}))
    assert whole_checkpoints(folder.path) == kept + 1
