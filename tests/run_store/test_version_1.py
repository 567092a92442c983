"""Logs that the first version of the schema was used for."""

import json
import sqlite3

import numpy as np
import pytest

from mgd_lab.records import (
    Checkpoint,
    Counters,
    Evaluation,
    ParameterSnapshot,
    StepBlock,
    Telemetry,
)
from mgd_lab.run_store import RunWriter, export_run, open_run
from mgd_lab.run_store.schema import SCHEMA_VERSION

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE step_blocks (
    first_step INTEGER PRIMARY KEY, count INTEGER NOT NULL, batch INTEGER NOT NULL,
    sample_bytes INTEGER NOT NULL, utc_seconds REAL NOT NULL, monotonic_seconds REAL NOT NULL,
    samples BLOB NOT NULL, costs BLOB NOT NULL, baselines BLOB NOT NULL
);
CREATE TABLE window_means (
    first_window INTEGER PRIMARY KEY, last_window INTEGER NOT NULL, count INTEGER NOT NULL,
    utc_seconds REAL NOT NULL, monotonic_seconds REAL NOT NULL, last_steps BLOB NOT NULL,
    costs BLOB NOT NULL, baselines BLOB NOT NULL
);
CREATE TABLE parameter_blocks (
    id INTEGER PRIMARY KEY, first_step INTEGER NOT NULL, last_step INTEGER NOT NULL,
    count INTEGER NOT NULL, parameters INTEGER NOT NULL, steps BLOB NOT NULL,
    updates BLOB NOT NULL, theta BLOB NOT NULL
);
CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, update_count INTEGER NOT NULL,
    split TEXT NOT NULL, samples INTEGER NOT NULL, cost REAL, accuracy REAL,
    utc_seconds REAL NOT NULL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
    utc_seconds REAL NOT NULL, details TEXT NOT NULL
);
CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY, steps INTEGER NOT NULL, probes INTEGER NOT NULL,
    evaluation_probes INTEGER NOT NULL, remeasured_probes INTEGER NOT NULL,
    samples INTEGER NOT NULL, updates INTEGER NOT NULL,
    utc_seconds REAL NOT NULL, monotonic_seconds REAL NOT NULL, final TEXT NOT NULL
);
CREATE TABLE state (
    name TEXT PRIMARY KEY, dtype TEXT NOT NULL, shape TEXT NOT NULL, data BLOB NOT NULL
);
"""


@pytest.fixture
def folder(make_run):
    """Ten steps, two snapshots, an evaluation, window means, a state."""
    folder = make_run()
    with sqlite3.connect(folder.log) as new:
        meta = dict(new.execute("SELECT key, value FROM meta"))
    new.close()
    folder.log.unlink()
    connection = sqlite3.connect(folder.log, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(TABLES)
    ten, two = np.arange(10.0), np.array([0, 10])
    rows = {
        "step_blocks": (0, 10, 0, 1, 1.0, 2.0, bytes(10), ten.tobytes(), (-ten).tobytes()),
        "window_means": (4, 8, 2, 0.0, 0.0, two.tobytes(), bytes(16), bytes(16)),
        "parameter_blocks": (
            1, 0, 10, 2, 3, two.tobytes(), two.tobytes(), np.arange(6.0).tobytes(),
        ),
        "evaluations": (1, 10, 10, "train", 4, 0.5, 0.75, 3.0),
        "events": (1, 3, "timeout", "late", 4.0, "{}"),
        "checkpoints": (1, 10, 20, 4, 0, 10, 10, 5.0, 6.0, "interrupted"),
        "state": ("theta", "<f8", "[3]", np.ones(3).tobytes()),
    }  # fmt: skip
    for table, row in rows.items():
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    connection.executemany("INSERT INTO meta VALUES (?, ?)", {**meta, "schema": "1"}.items())
    connection.close()
    return folder


def everything(run):
    return {
        "cost": run.costs().cost.tolist(),
        "theta": run.parameters().theta.tolist(),
        "snapshots": run.snapshot_count(),
        "means": run.window_means().step.tolist(),
        "evaluations": run.evaluations().cost.tolist(),
        "events": run.events().kind.tolist(),
        "telemetry": run.telemetry().step.tolist(),
        "state": run.state()["theta"].tolist(),
        "counters": run.counters,
        "damaged": run.damaged_blocks(),
    }


EXPECTED = {
    "cost": list(range(10)),
    "theta": [[0, 1, 2], [3, 4, 5]],
    "snapshots": 2,
    "means": [0, 10],
    "evaluations": [0.5],
    "events": ["timeout"],
    "telemetry": [],
    "state": [1, 1, 1],
    "counters": Counters(10, 20, 4, 0, 10, 10),
    "damaged": [],
}


def test_it_is_read_as_it_is(folder, tmp_path):
    before = folder.log.read_bytes()
    with open_run(folder.path) as run:
        assert run.meta["schema"] == 1
        assert everything(run) == EXPECTED
        assert run.to_xarray().sizes["telemetry"] == 0
        export_run(run, tmp_path / "x.nc")
    assert folder.log.read_bytes() == before


def test_writing_goes_on_in_todays_schema(folder):
    with open_run(folder.path) as reader, RunWriter(folder) as writer:
        assert everything(reader) == EXPECTED  # it was opened before, and reads on
        writer.write(StepBlock(10, np.zeros(2, np.uint8), np.ones(2), np.ones(2), 0.0, 0.0))
        writer.write(ParameterSnapshot(12, 12, np.ones(3), closing=True))
        writer.write(Evaluation(12, 12, "train", 4, 0.25, 1.0, 0.0, closing=True))
        writer.write(Telemetry(12, ("t",), np.ones(1), 0.0))
        writer.write(Checkpoint(Counters(12), 0.0, 0.0, {"theta": np.zeros(3)}, "finished"))
    with open_run(folder.path) as run:
        assert run.meta["schema"] == SCHEMA_VERSION
        assert run.costs().step.tolist() == list(range(12))
        assert run.parameters().step.tolist() == [0, 10, 12]
        assert run.evaluations().cost.tolist() == [0.5, 0.25]
        assert run.telemetry().name.tolist() == ["t"]
        assert run.state()["theta"].tolist() == [0, 0, 0]


def test_what_is_migrated_and_what_is_new_hold_the_same_columns(folder, make_run):
    with RunWriter(folder):
        pass

    def columns(log):
        with sqlite3.connect(log) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema")]
            found = {
                name: {row[1:6] for row in connection.execute(f"PRAGMA table_info({name})")}
                for name in names
            }
        connection.close()
        return found

    assert columns(folder.log) == columns(make_run().log)


def test_a_migration_that_fails_leaves_the_log_as_it_was(folder, monkeypatch):
    monkeypatch.setattr("mgd_lab.run_store.migration.TELEMETRY_TABLES", ("CREATE NONSENSE",))
    with pytest.raises(Exception, match="syntax error"), RunWriter(folder):
        pass
    with open_run(folder.path) as run:
        assert run.meta["schema"] == 1
        assert everything(run) == EXPECTED


def test_the_fixture_is_of_version_1(folder):
    with sqlite3.connect(folder.log) as connection:
        (text,) = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    connection.close()
    assert json.loads(text) == 1 < SCHEMA_VERSION
