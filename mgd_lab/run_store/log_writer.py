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
    Rollback,
    StepBlock,
    Telemetry,
    WindowMeans,
)
from mgd_lab.run_store.array_bytes import (
    FLOAT64,
    INT64,
    smallest_unsigned,
    state_dtype,
    to_bytes,
)
from mgd_lab.run_store.checksums import row_crc
from mgd_lab.run_store.documents import json_text
from mgd_lab.run_store.migration import migrate
from mgd_lab.run_store.schema import MEAN_BLOBS, STEP_BLOBS, STEP_LAYOUT, read_meta
from mgd_lab.run_store.snapshot_block import SnapshotBlock

# At the end of a run a reader may still hold the log; the WAL is then left for the next opener.
_BUSY_SECONDS = 2.0


class LogWriter:
    """The only writer of a log. Not thread-safe: one thread at a time uses it.

    A log that holds records goes on behind its last checkpoint; one of an older version is brought
    to today's first.

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
            meta = read_meta(self._connection, path)
            self._connection.execute("PRAGMA synchronous=FULL")
            migrate(self._connection, meta["schema"])
            self._recall()
        except BaseException:
            self._connection.close()
            raise
        self._file = _identity(path)

    def write(self, record: Record) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
        match record:
            case StepBlock():
                self._write_steps(record)
            case ParameterSnapshot():
                self._write_snapshot(record)
            case WindowMeans():
                self._write_window_means(record)
            case Evaluation():
                self._write_evaluation(record)
            case Telemetry():
                self._write_telemetry(record)
            case Event():
                self._write_event(record)
            case Checkpoint():
                self._flush_snapshots()
                self._write_checkpoint(record)
                self._commit()
            case Rollback():
                self._connection.execute("ROLLBACK")
                self._recall()

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

    def _recall(self) -> None:
        """What the next records must fit to, from the log as of its last checkpoint."""
        self._next_step: int
        self._batch: int | None
        self._next_step, self._batch = self._end_of_steps()
        self._snapshots = SnapshotBlock(*self._last_snapshot())
        self._channels: tuple[str, int] | None = None

    def _end_of_steps(self) -> tuple[int, int | None]:
        row = self._connection.execute(
            "SELECT first_step + count, batch FROM step_blocks ORDER BY first_step DESC LIMIT 1"
        ).fetchone()
        return (0, None) if row is None else (int(row[0]), int(row[1]))

    def _last_snapshot(self) -> tuple[int | None, int]:
        row = self._connection.execute(
            "SELECT parameters, last_step FROM parameter_blocks ORDER BY id DESC LIMIT 1"
        ).fetchone()
        return (None, -1) if row is None else (int(row[0]), int(row[1]))

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
        layout = (first, count, batch, samples.dtype.itemsize)
        blobs = (
            samples.tobytes(),
            to_bytes(record.costs, FLOAT64),
            to_bytes(record.baselines, FLOAT64),
        )
        self._insert(
            "step_blocks",
            **dict(zip(STEP_LAYOUT, layout, strict=True)),
            utc_seconds=float(record.utc_seconds),
            monotonic_seconds=float(record.monotonic_seconds),
            crc=row_crc(layout, *blobs),
            **dict(zip(STEP_BLOBS, blobs, strict=True)),
        )
        self._next_step, self._batch = first + count, batch

    def _write_window_means(self, record: WindowMeans) -> None:
        count = len(record.last_steps)
        if count == 0:
            return
        _same_length(count, costs=record.costs, baselines=record.baselines)
        blobs = (
            to_bytes(record.last_steps, INT64),
            to_bytes(record.costs, FLOAT64),
            to_bytes(record.baselines, FLOAT64),
        )
        self._insert(
            "window_means",
            first_window=int(record.last_steps[0]),
            last_window=int(record.last_steps[-1]),
            count=count,
            utc_seconds=float(record.utc_seconds),
            monotonic_seconds=float(record.monotonic_seconds),
            crc=row_crc((count,), *blobs),
            **dict(zip(MEAN_BLOBS, blobs, strict=True)),
        )

    def _write_snapshot(self, record: ParameterSnapshot) -> None:
        if not self._snapshots.takes(record):
            self._flush_snapshots()
        self._snapshots.add(record)

    def _flush_snapshots(self) -> None:
        row = self._snapshots.take_row()
        if row is not None:
            self._insert("parameter_blocks", **row)

    def _write_evaluation(self, record: Evaluation) -> None:
        self._insert(
            "evaluations",
            step=int(record.step),
            update_count=int(record.update),
            split=record.split,
            samples=int(record.samples),
            cost=float(record.cost),
            accuracy=None if record.accuracy is None else float(record.accuracy),
            utc_seconds=float(record.utc_seconds),
            closing=int(record.closing),
        )

    def _write_telemetry(self, record: Telemetry) -> None:
        _same_length(len(record.names), what="channels", values=record.values)
        names = json_text(record.names)
        if self._channels is None or self._channels[0] != names:
            self._channels = names, self._channel_set(names)
        self._insert(
            "telemetry",
            step=int(record.step),
            utc_seconds=float(record.utc_seconds),
            channels=self._channels[1],
            readings=to_bytes(record.values, FLOAT64),
        )

    def _channel_set(self, names: str) -> int:
        select = "SELECT id FROM telemetry_channels WHERE names = ?"
        row = self._connection.execute(select, (names,)).fetchone()
        if row is None:
            self._insert("telemetry_channels", names=names)
            row = self._connection.execute(select, (names,)).fetchone()
        return int(row[0])

    def _write_event(self, record: Event) -> None:
        self._insert(
            "events",
            step=int(record.step),
            kind=record.kind,
            message=record.message,
            utc_seconds=float(record.utc_seconds),
            details=json_text(record.details),
        )

    def _write_checkpoint(self, record: Checkpoint) -> None:
        counters = record.counters
        self._insert(
            "checkpoints",
            steps=int(counters.steps),
            probes=int(counters.probes),
            evaluation_probes=int(counters.evaluation_probes),
            remeasured_probes=int(counters.remeasured_probes),
            samples=int(counters.samples),
            updates=int(counters.updates),
            utc_seconds=float(record.utc_seconds),
            monotonic_seconds=float(record.monotonic_seconds),
            final=record.final,
        )
        self._replace_state(record.state)

    def _replace_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._connection.execute("DELETE FROM state")
        for name, given in state.items():
            values = np.asarray(given)
            dtype = state_dtype(name, values)
            data = to_bytes(values, dtype)
            self._insert(
                "state",
                name=name,
                dtype=dtype.str,
                shape=json.dumps(values.shape),
                crc=row_crc(values.shape, data),
                data=data,
            )

    def _insert(self, table: str, **columns: object) -> None:
        """One row; table and columns are this module's own words."""
        names, places = ", ".join(columns), ", ".join("?" * len(columns))
        self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608 (our own names)
            tuple(columns.values()),
        )


def _same_length(count: int, *, what: str = "steps", **arrays: NDArray[Any]) -> None:
    for name, values in arrays.items():
        if len(values) != count:
            raise RunStoreError(f"a record holds {count} {what} and {len(values)} {name}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino
