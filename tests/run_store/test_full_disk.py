"""A disk with no room left: told at once, nothing lost that was kept, and the run can go on."""

import itertools
import shutil
import subprocess

import numpy as np
import pytest

from mgd_lab.errors import RunStoreError
from mgd_lab.records import Checkpoint, Counters, ParameterSnapshot, StepBlock
from mgd_lab.run_store import RunWriter, create_run, list_runs, open_run

STEPS = 1000


def records(block):
    step = STEPS * block
    costs = np.arange(step, step + STEPS, dtype=float)
    yield StepBlock(step, np.zeros(STEPS, np.uint8), costs, -costs, 0.0, 0.0)
    yield ParameterSnapshot(step, block, np.full(9, float(block)))
    yield Checkpoint(Counters(steps=step + STEPS), 0.0, 0.0, {"theta": np.full(9, float(block))})


def write(folder, blocks):
    with RunWriter(folder) as writer:
        for block in blocks:
            for record in records(block):
                writer.write(record)


def whole_blocks(folder):
    with open_run(folder.path) as run:
        costs, parameters = run.costs(), run.parameters()
        blocks = len(parameters.step)
        assert run.counters.steps == STEPS * blocks
        assert np.array_equal(costs.cost, np.arange(float(STEPS * blocks)))
        assert run.damaged_blocks() == []
        assert run.state()["theta"][0] == blocks - 1
    return blocks


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB of its own."""
    program = shutil.which("mount")
    if program is None:
        pytest.skip("no mount here")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        [program, "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("only root can mount a file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def new_run(runs_dir):
    return create_run(runs_dir, "r", files={}, resolved={}, environment={}, simulated=True)


def test_a_run_on_a_full_disk_ends_whole_and_goes_on_when_there_is_room(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    folder = new_run(small_disk)
    with pytest.raises(RunStoreError, match=r"cannot write .*log\.sqlite.*Free the disk"):
        write(folder, itertools.count())
    kept = whole_blocks(folder)
    assert 5 < kept < 100
    assert list_runs(small_disk)[0].status == "crashed"

    # Nothing has been freed: it says so again, and what is there stays.
    with pytest.raises(RunStoreError, match="cannot write"):
        write(folder, itertools.count(kept))
    kept = whole_blocks(folder)

    ballast.unlink()
    write(folder, range(kept, kept + 5))
    assert whole_blocks(folder) == kept + 5


def test_no_room_for_the_summary_is_said_so_and_leaves_the_log(small_disk):
    folder = new_run(small_disk)
    write(folder, range(3))
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(bytes(4_000_000))
    with pytest.raises(RunStoreError, match=r"summary\.json: No space left"):
        folder.finish({"status": "finished", "message": "x" * 10_000})
    assert not folder.summary.exists()
    assert whole_blocks(folder) == 3
