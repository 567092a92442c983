"""What the log holds beside the costs: means, snapshots, evaluations, events, checkpoints."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.run_store.array_bytes import FLOAT64, INT64, STATE_KINDS, from_bytes
from mgd_lab.run_store.checksums import row_crc, verify_crc
from mgd_lab.run_store.tables import (
    Checkpoints,
    CostMeans,
    Evaluations,
    Events,
    Parameters,
)

_FOREVER = 1 << 61

# Every transaction ends with a checkpoint, so its steps tell whether the run went on.
_LATEST_STEPS = "(SELECT steps FROM checkpoints ORDER BY id DESC LIMIT 1)"
# What was written only because the run ended there, and the run did not end there: one that was
# never interrupted does not have it.
_NO_END_SNAPSHOT = (
    f"closing AND (last_step < {_LATEST_STEPS}"  # noqa: S608 (constants)
    " OR id < (SELECT max(id) FROM parameter_blocks))"
)
_NO_END_EVALUATION = (
    f"closing AND (step < {_LATEST_STEPS} OR EXISTS ("  # noqa: S608 (constants)
    "SELECT 1 FROM evaluations AS later"
    " WHERE later.id > evaluations.id AND later.split = evaluations.split))"
)


def mean_chunks(connection: sqlite3.Connection) -> Iterator[CostMeans]:
    """Window means in order, a row of the log at a time."""
    rows = connection.execute(
        "SELECT first_window, last_window, count, crc, last_steps, costs, baselines"
        " FROM window_means ORDER BY first_window"
    )
    for first, last, count, crc, steps, costs, baselines in rows:
        verify_crc(crc, (count,), steps, costs, baselines, steps=(first, last))
        yield CostMeans(
            from_bytes(steps, INT64, count, "a row of window means"),
            from_bytes(costs, FLOAT64, count, "a row of window means"),
            from_bytes(baselines, FLOAT64, count, "a row of window means"),
        )


def read_means(connection: sqlite3.Connection) -> CostMeans:
    chunks = list(mean_chunks(connection))
    return CostMeans(
        _joined([chunk.step for chunk in chunks], np.int64),
        _joined([chunk.cost for chunk in chunks], np.float64),
        _joined([chunk.baseline for chunk in chunks], np.float64),
    )


def parameter_chunks(
    connection: sqlite3.Connection, start: int = 0, stop: int | None = None
) -> Iterator[Parameters]:
    """Snapshots with start <= step < stop in order, at most about 1 MiB at a time."""
    if start < 0 or (stop is not None and stop < 0):
        raise ConfigurationError(
            f"parameters(start={start}, stop={stop}): start and stop count from step 0"
        )
    low, high = min(start, _FOREVER), _FOREVER if stop is None else min(stop, _FOREVER)
    rows = connection.execute(
        "SELECT crc, first_step, last_step, count, parameters, steps, updates, theta"  # noqa: S608
        " FROM parameter_blocks WHERE last_step >= ? AND first_step < ?"
        f" AND NOT ({_NO_END_SNAPSHOT}) ORDER BY id",
        (low, high),
    )
    for crc, *layout, step_bytes, update_bytes, theta_bytes in rows:
        first, last, count, parameters = layout
        blobs = (step_bytes, update_bytes, theta_bytes)
        verify_crc(crc, (first, last, count, parameters), *blobs, steps=(first, last))
        what = "a row of parameters"
        steps = from_bytes(step_bytes, INT64, count, what)
        theta = from_bytes(theta_bytes, FLOAT64, count * parameters, what)
        wanted = slice(*np.searchsorted(steps, [low, high]).tolist())
        yield Parameters(
            steps[wanted],
            from_bytes(update_bytes, INT64, count, what)[wanted],
            theta.reshape(count, parameters)[wanted],
        )


def read_parameters(connection: sqlite3.Connection, start: int, stop: int | None) -> Parameters:
    chunks = list(parameter_chunks(connection, start, stop))
    row = connection.execute("SELECT parameters FROM parameter_blocks LIMIT 1").fetchone()
    empty = np.empty((0, 0 if row is None else row[0]))
    return Parameters(
        _joined([chunk.step for chunk in chunks], np.int64),
        _joined([chunk.update for chunk in chunks], np.int64),
        np.concatenate([empty, *(chunk.theta for chunk in chunks)]),
    )


def snapshot_count(connection: sqlite3.Connection) -> int:
    row = connection.execute(
        "SELECT coalesce(sum(count), 0) FROM parameter_blocks"  # noqa: S608 (constants)
        f" WHERE NOT ({_NO_END_SNAPSHOT})"
    ).fetchone()
    return int(row[0])


def read_evaluations(connection: sqlite3.Connection) -> Evaluations:
    rows = connection.execute(
        "SELECT step, cost, accuracy, update_count, split, samples, utc_seconds"  # noqa: S608
        f" FROM evaluations WHERE NOT ({_NO_END_EVALUATION}) ORDER BY id"
    ).fetchall()
    step, cost, accuracy, update, split, samples, utc = _columns(rows, 7)
    return Evaluations(
        np.array(step, dtype=np.int64),
        _floats(cost),
        _floats(accuracy),
        np.array(update, dtype=np.int64),
        np.array(split, dtype=np.str_),
        np.array(samples, dtype=np.int64),
        _floats(utc),
    )


def read_events(connection: sqlite3.Connection, last: int | None = None) -> Events:
    """All of them, or the last so many, in order."""
    rows = connection.execute(
        "SELECT step, kind, message, utc_seconds, details FROM events ORDER BY id DESC LIMIT ?",
        (-1 if last is None else last,),
    ).fetchall()[::-1]
    step, kind, message, utc, details = _columns(rows, 5)
    return Events(
        np.array(step, dtype=np.int64),
        np.array(kind, dtype=np.str_),
        np.array(message, dtype=np.str_),
        _floats(utc),
        tuple(_details(text) for text in details),
    )


def event_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Number of events by kind, in the order in which each kind came first."""
    return dict(
        connection.execute("SELECT kind, count(*) FROM events GROUP BY kind ORDER BY min(id)")
    )


def read_checkpoints(connection: sqlite3.Connection) -> Checkpoints:
    rows = connection.execute(
        "SELECT steps, probes, evaluation_probes, remeasured_probes, samples, updates,"
        " utc_seconds, monotonic_seconds, final FROM checkpoints ORDER BY id"
    ).fetchall()
    columns = _columns(rows, 9)
    step, probes, evaluation_probes, remeasured_probes, samples, updates = (
        np.array(column, dtype=np.int64) for column in columns[:6]
    )
    return Checkpoints(
        step=step,
        probes=probes,
        evaluation_probes=evaluation_probes,
        remeasured_probes=remeasured_probes,
        samples=samples,
        updates=updates,
        utc_seconds=_floats(columns[6]),
        monotonic_seconds=_floats(columns[7]),
        final=np.array(columns[8], dtype=np.str_),
    )


def read_state(connection: sqlite3.Connection) -> dict[str, NDArray[Any]]:
    """The arrays of the latest checkpoint, in native byte order, free to change."""
    state: dict[str, NDArray[Any]] = {}
    rows = connection.execute("SELECT name, dtype, shape, crc, data FROM state")
    for name, dtype_text, shape_text, crc, data in rows:
        try:
            dtype = np.dtype(dtype_text)
            shape = tuple(int(size) for size in json.loads(shape_text))
        except (TypeError, ValueError) as error:
            raise RunStoreError(f"state array {name!r} is damaged: {error}") from error
        if dtype.kind not in STATE_KINDS:
            raise RunStoreError(f"state array {name!r} has dtype {dtype}: the log is damaged")
        values = from_bytes(data, dtype, math.prod(shape), f"state array {name!r}")
        if crc is not None and row_crc(shape, data) != crc:
            raise RunStoreError(
                f"state array {name!r} is not what was written: the log is damaged. Restore it "
                "from a copy."
            )
        state[name] = values.reshape(shape).astype(dtype.newbyteorder("="))
    return state


def _details(text: str) -> Mapping[str, Any]:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise RunStoreError(
            f"the details of an event are no JSON ({error}): the log is damaged. Restore it from a "
            "copy."
        ) from error


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _floats(values: tuple[float | None, ...]) -> NDArray[np.float64]:
    # SQLite has no NaN and keeps it as NULL.
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _joined(arrays: list[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=dtype), *arrays])
