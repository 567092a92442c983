import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.records import Checkpoint, Counters, StepBlock
from mgd_lab.run_store import RunWriter, list_runs, open_run


@pytest.fixture
def folder(make_run):
    folder = make_run()
    with RunWriter(folder) as writer:
        costs = np.ones(1000)
        writer.write(StepBlock(0, np.zeros(1000, np.uint8), costs, costs, 0.0, 0.0))
        writer.write(Checkpoint(Counters(1000), 0.0, 0.0, {"a": np.ones(3)}))
    return folder


def read_all(path):
    with open_run(path) as run:
        run.costs()
        run.state()


def test_a_run_opens_by_its_folder_and_by_any_file_in_it(folder):
    for path in (folder.path, str(folder.path), folder.log, folder.path / "resolved.json"):
        with open_run(path) as run:
            assert run.path == folder.path


def test_what_is_no_run_is_said_so(tmp_path):
    with pytest.raises(RunStoreError, match="missing: the path does not exist"):
        open_run(tmp_path / "missing")
    with pytest.raises(RunStoreError, match=r"is no run: it has no log\.sqlite"):
        open_run(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_log_is_said_so(folder, content):
    folder.log.write_bytes(content)
    with pytest.raises(RunStoreError, match=r"log\.sqlite"):
        open_run(folder.path)
    with pytest.raises(RunStoreError, match=r"log\.sqlite"), RunWriter(folder):
        pass


def test_a_truncated_log_is_said_so(folder):
    folder.log.write_bytes(folder.log.read_bytes()[: folder.log.stat().st_size // 2])
    with pytest.raises(RunStoreError, match="damaged"):
        read_all(folder.path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE step_blocks SET costs = x'00'",
        "UPDATE step_blocks SET sample_bytes = 3",
        "DROP TABLE step_blocks",
    ],
)
def test_damaged_rows_are_said_so(folder, change, statement):
    change(folder, statement)
    with open_run(folder.path) as run, pytest.raises(RunStoreError, match="damaged"):
        run.costs()


@pytest.mark.parametrize("column", ["dtype = '|O'", "shape = '[7]'", "dtype = 'nonsense'"])
def test_a_damaged_state_is_said_so(folder, change, column):
    change(folder, f"UPDATE state SET {column}")
    with open_run(folder.path) as run, pytest.raises(RunStoreError, match="state array 'a'"):
        run.state()


def test_a_newer_log_is_refused_by_reader_and_writer(folder, change):
    change(folder, "UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(RunStoreError, match=r"schema version 99.*Update MGD Lab"):
        open_run(folder.path)
    with pytest.raises(RunStoreError, match="schema version 99"), RunWriter(folder):
        pass


def test_a_closed_run_says_so(folder):
    run = open_run(folder.path)
    run.close()
    with pytest.raises(RunStoreError, match="closed"):
        run.costs()


def test_reading_changes_nothing(folder):
    before = folder.log.read_bytes()
    with open_run(folder.path) as run:
        run.costs()
        with pytest.raises(RunStoreError), run.one_moment() as connection:
            connection.execute("DELETE FROM step_blocks")
    assert folder.log.read_bytes() == before


def test_the_list_of_runs_reports_broken_ones_and_skips_the_rest(folder, make_run):
    make_run("broken").log.write_bytes(b"no database")
    make_run("lost").log.unlink()
    folder.finish({"status": "finished"})
    runs_dir = folder.path.parent
    (runs_dir / "notes").mkdir()
    (runs_dir / "file").write_text("")
    found = {run.name.split("-")[0]: run for run in list_runs(runs_dir)}
    assert {name: run.status for name, run in found.items()} == {
        "parity2": "finished", "broken": "broken", "lost": "broken",
    }  # fmt: skip
    assert found["parity2"].simulated is True
    assert "log.sqlite" in found["lost"].problem


def test_a_damaged_summary_is_said_so(folder):
    folder.summary.write_text("{")
    assert list_runs(folder.path.parent)[0].status == "broken"


def test_a_missing_folder_of_runs_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot list the runs"):
        list_runs(tmp_path / "missing")


READ = """
import os, sys
from mgd_lab.run_store import open_run
if os.geteuid() == 0:  # root may write anywhere
    os.setgid(65534)
    os.setuid(65534)
with open_run(sys.argv[1]) as run:
    print(len(run.costs().step), run.summary["status"])
"""


def test_an_archived_run_opens_in_a_read_only_folder(folder):
    archive = Path(tempfile.mkdtemp())
    try:
        copy = shutil.copytree(folder.path, archive / "run")
        archive.chmod(0o755)
        for path in copy.iterdir():
            path.chmod(0o444)
        copy.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ, str(copy)], capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("1000 crashed\n", "")
    finally:
        (archive / "run").chmod(0o755)
        shutil.rmtree(archive)
