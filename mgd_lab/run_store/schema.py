"""The tables of a run's log, and its version.

All arrays are little-endian, in C order. One row holds many steps. `meta` holds text; everything
else is written between two checkpoints in one transaction. `crc` is the CRC-32 that
`mgd_lab.run_store.checksums` makes; `closing` marks what was written only because the run ended
there. Small columns stand before the arrays, so that SQLite finds them without reading those; in
a log that was begun with version 1 they stand behind, hence all access is by name.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgd_lab.errors import RunStoreError

SCHEMA_VERSION = 2

# What the checksum of a row covers: whole numbers, then arrays.
STEP_LAYOUT = ("first_step", "count", "batch", "sample_bytes")
STEP_BLOBS = ("samples", "costs", "baselines")
MEAN_BLOBS = ("last_steps", "costs", "baselines")
SNAPSHOT_LAYOUT = ("first_step", "last_step", "count", "parameters")
SNAPSHOT_BLOBS = ("steps", "updates", "theta")

TELEMETRY_TABLES = (
    """
CREATE TABLE telemetry_channels (
    id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE  -- JSON, a list of names
)""",
    """
CREATE TABLE telemetry (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, utc_seconds REAL NOT NULL,
    channels INTEGER NOT NULL,      -- id of telemetry_channels
    readings BLOB NOT NULL          -- float64, one a channel
)""",
)

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE step_blocks (
    first_step INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    batch INTEGER NOT NULL,         -- samples a step; 0: one, and samples are one-dimensional
    sample_bytes INTEGER NOT NULL,  -- samples are unsigned integers of 1, 2, 4 or 8 bytes
    utc_seconds REAL NOT NULL,
    monotonic_seconds REAL NOT NULL,
    crc INTEGER,
    samples BLOB NOT NULL,
    costs BLOB NOT NULL,            -- float64; C+ where the baseline is paired
    baselines BLOB NOT NULL         -- float64; C- where the baseline is paired
);

CREATE TABLE window_means (
    first_window INTEGER PRIMARY KEY,  -- last step of the first window in this row
    last_window INTEGER NOT NULL,
    count INTEGER NOT NULL,
    utc_seconds REAL NOT NULL,
    monotonic_seconds REAL NOT NULL,
    crc INTEGER,
    last_steps BLOB NOT NULL,       -- int64
    costs BLOB NOT NULL,            -- float64
    baselines BLOB NOT NULL         -- float64
);

CREATE TABLE parameter_blocks (
    id INTEGER PRIMARY KEY,
    first_step INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    count INTEGER NOT NULL,
    parameters INTEGER NOT NULL,
    closing INTEGER NOT NULL DEFAULT 0,  -- of all snapshots in the row
    crc INTEGER,
    steps BLOB NOT NULL,            -- int64
    updates BLOB NOT NULL,          -- int64
    theta BLOB NOT NULL             -- float64, count x parameters
);

CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, update_count INTEGER NOT NULL,
    split TEXT NOT NULL, samples INTEGER NOT NULL, cost REAL, accuracy REAL,
    utc_seconds REAL NOT NULL, closing INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE events (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
    utc_seconds REAL NOT NULL, details TEXT NOT NULL  -- JSON
);

CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY, steps INTEGER NOT NULL, probes INTEGER NOT NULL,
    evaluation_probes INTEGER NOT NULL, remeasured_probes INTEGER NOT NULL,
    samples INTEGER NOT NULL, updates INTEGER NOT NULL,
    utc_seconds REAL NOT NULL, monotonic_seconds REAL NOT NULL, final TEXT NOT NULL
);

-- The arrays of the latest checkpoint, replaced in its transaction.
CREATE TABLE state (
    name TEXT PRIMARY KEY, dtype TEXT NOT NULL, shape TEXT NOT NULL, crc INTEGER,
    data BLOB NOT NULL
);
"""


def create_log(path: Path, meta: Mapping[str, Any]) -> None:
    """Create an empty log with `meta` (values become JSON); raises `sqlite3.Error`, `OSError`."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise OSError(
                "the file system offers no write-ahead log (shared memory); choose a local one"
            )
        connection.execute("PRAGMA synchronous=FULL")
        telemetry = "".join(f"{table};" for table in TELEMETRY_TABLES)
        connection.executescript(f"BEGIN; {TABLES} {telemetry} COMMIT;")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [(key, json.dumps(value)) for key, value in {**meta, "schema": SCHEMA_VERSION}.items()],
        )
        connection.execute("COMMIT")
    finally:
        connection.close()


def read_meta(connection: sqlite3.Connection, path: Path) -> dict[str, Any]:
    """The meta table, decoded; `RunStoreError` where the log is newer than this program."""
    rows: list[tuple[str, str]] = connection.execute("SELECT key, value FROM meta").fetchall()
    try:
        meta = {key: json.loads(value) for key, value in rows}
        version = int(meta["schema"])
    except (ValueError, TypeError, KeyError) as error:
        raise RunStoreError(
            f"{path} does not say its schema version: the log is damaged. Restore it from a copy."
        ) from error
    if version > SCHEMA_VERSION:
        raise RunStoreError(
            f"{path} has schema version {version}, and this MGD Lab reads up to "
            f"{SCHEMA_VERSION}. Update MGD Lab to read this run."
        )
    meta["schema"] = version
    return meta
