"""Records into the log's tables: all between two checkpoints is one transaction."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import RunStoreError
from mgd_lab.records import (
    Checkpoint,
    Evaluation,
    Event,
    ParameterSnapshot,
    Record,
    StepBlock,
    WindowMeans,
)
from mgd_lab.run_store.array_bytes import (
    FLOAT64,
    INT64,
    smallest_unsigned,
    state_dtype,
    to_bytes,
)
from mgd_lab.run_store.documents import json_text
from mgd_lab.run_store.schema import read_meta
from mgd_lab.run_store.snapshot_block import SnapshotBlock

# At the end of a run a reader may still hold the log; the WAL is then left for the next opener.
_BUSY_SECONDS = 2.0


class LogWriter:
    """The only writer of a log. Not thread-safe: one thread at a time uses it.

    Methods raise `sqlite3.Error` or `OSError` as they come, and `RunStoreError` for records that
    cannot be part of this log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
        )
        try:
            read_meta(self._connection, path)
            self._connection.execute("PRAGMA synchronous=FULL")
            self._next_step: int
            self._batch: int | None
            self._next_step, self._batch = self._end_of_steps()
        except BaseException:
            self._connection.close()
            raise
        self._file = _identity(path)
        self._snapshots = SnapshotBlock()

    def write(self, record: Record) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
        match record:
            case StepBlock():
                self._write_steps(record)
            case ParameterSnapshot():
                if not self._snapshots.takes(record):
                    self._flush_snapshots()
                self._snapshots.add(record)
            case WindowMeans():
                self._write_window_means(record)
            case Evaluation():
                self._write_evaluation(record)
            case Event():
                self._write_event(record)
            case Checkpoint():
                self._flush_snapshots()
                self._write_checkpoint(record)
                self._commit()

    def close(self) -> None:
        """Drop what no checkpoint closed, fold the write-ahead log into the file, and close."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def abandon(self) -> None:
        """Close after an error that is being reported already; committed records stay."""
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _end_of_steps(self) -> tuple[int, int | None]:
        row = self._connection.execute(
            "SELECT first_step + count, batch FROM step_blocks ORDER BY first_step DESC LIMIT 1"
        ).fetchone()
        return (0, None) if row is None else (int(row[0]), int(row[1]))

    def _commit(self) -> None:
        # An unlinked file takes writes without complaint, and all of them are lost.
        if _identity(self._path) != self._file:
            raise RunStoreError(
                f"{self._path} was deleted or replaced while the run wrote to it: what it held "
                "is lost. Start the run again, and leave its folder alone until it ends."
            )
        self._connection.execute("COMMIT")

    def _write_steps(self, record: StepBlock) -> None:
        count = len(record.costs)
        if count == 0:
            return
        first = int(record.first_step)
        if first < self._next_step:
            raise RunStoreError(
                f"{self._path}: a block starts at step {first}, but steps below "
                f"{self._next_step} are in the log already"
            )
        batch = 0 if record.samples.ndim == 1 else int(record.samples.shape[1])
        if self._batch is not None and batch != self._batch:
            raise RunStoreError(
                f"{self._path}: step {first} draws {batch or 1} samples, earlier ones "
                f"{self._batch or 1}; the batch of a run is fixed"
            )
        _same_length(count, samples=record.samples, baselines=record.baselines)
        samples = smallest_unsigned(record.samples)
        self._connection.execute(
            "INSERT INTO step_blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                first,
                count,
                batch,
                samples.dtype.itemsize,
                float(record.utc_seconds),
                float(record.monotonic_seconds),
                samples.tobytes(),
                to_bytes(record.costs, FLOAT64),
                to_bytes(record.baselines, FLOAT64),
            ),
        )
        self._next_step, self._batch = first + count, batch

    def _write_window_means(self, record: WindowMeans) -> None:
        count = len(record.last_steps)
        if count == 0:
            return
        _same_length(count, costs=record.costs, baselines=record.baselines)
        self._connection.execute(
            "INSERT INTO window_means VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                int(record.last_steps[0]),
                int(record.last_steps[-1]),
                count,
                float(record.utc_seconds),
                float(record.monotonic_seconds),
                to_bytes(record.last_steps, INT64),
                to_bytes(record.costs, FLOAT64),
                to_bytes(record.baselines, FLOAT64),
            ),
        )

    def _flush_snapshots(self) -> None:
        row = self._snapshots.take_row()
        if row is not None:
            self._connection.execute(
                "INSERT INTO parameter_blocks VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row
            )

    def _write_evaluation(self, record: Evaluation) -> None:
        self._connection.execute(
            "INSERT INTO evaluations VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
            (
                int(record.step),
                int(record.update),
                record.split,
                int(record.samples),
                float(record.cost),
                None if record.accuracy is None else float(record.accuracy),
                float(record.utc_seconds),
            ),
        )

    def _write_event(self, record: Event) -> None:
        self._connection.execute(
            "INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?)",
            (
                int(record.step),
                record.kind,
                record.message,
                float(record.utc_seconds),
                json_text(record.details),
            ),
        )

    def _write_checkpoint(self, record: Checkpoint) -> None:
        counters = record.counters
        self._connection.execute(
            "INSERT INTO checkpoints VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                int(counters.steps),
                int(counters.probes),
                int(counters.evaluation_probes),
                int(counters.remeasured_probes),
                int(counters.samples),
                int(counters.updates),
                float(record.utc_seconds),
                float(record.monotonic_seconds),
                record.final,
            ),
        )
        self._replace_state(record.state)

    def _replace_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._connection.execute("DELETE FROM state")
        for name, given in state.items():
            values = np.asarray(given)
            dtype = state_dtype(name, values)
            self._connection.execute(
                "INSERT INTO state VALUES (?, ?, ?, ?)",
                (name, dtype.str, json.dumps(values.shape), to_bytes(values, dtype)),
            )


def _same_length(count: int, **arrays: NDArray[Any]) -> None:
    for name, values in arrays.items():
        if len(values) != count:
            raise RunStoreError(f"a record holds {count} steps and {len(values)} {name}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino
