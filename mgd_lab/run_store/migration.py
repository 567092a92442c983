"""Logs of schema version 1: read as they are, brought to version 2 when they are written again.

Version 2 adds telemetry, checksums, and the mark of records that were written only because the
run ended there.
"""

from __future__ import annotations

import json
import sqlite3

from mgd_lab.run_store.schema import SCHEMA_VERSION, TELEMETRY_TABLES

_ADDED = {
    "step_blocks": ("crc INTEGER",),
    "window_means": ("crc INTEGER",),
    "parameter_blocks": ("closing INTEGER NOT NULL DEFAULT 0", "crc INTEGER"),
    "evaluations": ("closing INTEGER NOT NULL DEFAULT 0",),
    "state": ("crc INTEGER",),
}

# A view in the connection's own memory hides the table of the same name.
_VIEWS = """
CREATE TEMP VIEW step_blocks AS SELECT first_step, count, batch, sample_bytes, utc_seconds,
    monotonic_seconds, samples, costs, baselines, NULL AS crc FROM main.step_blocks;
CREATE TEMP VIEW window_means AS SELECT first_window, last_window, count, utc_seconds,
    monotonic_seconds, last_steps, costs, baselines, NULL AS crc FROM main.window_means;
CREATE TEMP VIEW parameter_blocks AS SELECT id, first_step, last_step, count, parameters, steps,
    updates, theta, 0 AS closing, NULL AS crc FROM main.parameter_blocks;
CREATE TEMP VIEW evaluations AS SELECT id, step, update_count, split, samples, cost, accuracy,
    utc_seconds, 0 AS closing FROM main.evaluations;
CREATE TEMP VIEW state AS SELECT name, dtype, shape, data, NULL AS crc FROM main.state;
CREATE TEMP VIEW telemetry_channels AS SELECT 0 AS id, '[]' AS names WHERE 0;
CREATE TEMP VIEW telemetry AS
    SELECT 0 AS id, 0 AS step, 0.0 AS utc_seconds, 0 AS channels, x'' AS readings WHERE 0;
"""


def read_as_current(connection: sqlite3.Connection, version: int) -> None:
    """Let a read-only connection see an older log as one of today's; the file stays as it is."""
    if version >= SCHEMA_VERSION:
        return
    connection.execute("PRAGMA query_only=OFF")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.executescript(_VIEWS)
    connection.execute("PRAGMA query_only=ON")


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring an older log to today's schema in one transaction; rows keep what they hold."""
    if version >= SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table, columns in _ADDED.items():
            for column in columns:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
        for statement in TELEMETRY_TABLES:
            connection.execute(statement)
        connection.execute(
            "UPDATE meta SET value = ? WHERE key = 'schema'", (json.dumps(SCHEMA_VERSION),)
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
