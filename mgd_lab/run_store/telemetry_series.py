"""Telemetry: readings of named channels, a row of the log an instant."""

from __future__ import annotations

import itertools
import json
import math
import operator
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import RunStoreError
from mgd_lab.run_store.array_bytes import FLOAT64, from_bytes
from mgd_lab.run_store.tables import Telemetry

# Readings in one piece.
_PIECE = 16_384

Row = tuple[int, int, float, bytes]


class TelemetryBlock(NamedTuple):
    """Neighbouring instants with the same channels.

    `step` (n,) int64 and `utc_seconds` (n,) float64, `value` (n, T) float64 with NaN where a
    channel gave none.
    """

    names: tuple[str, ...]
    step: NDArray[np.int64]
    utc_seconds: NDArray[np.float64]
    value: NDArray[np.float64]


def telemetry_blocks(connection: sqlite3.Connection) -> Iterator[TelemetryBlock]:
    """All of it in order, at most about 16,000 readings at a time."""
    sets = {
        key: tuple(json.loads(text))
        for key, text in connection.execute("SELECT id, names FROM telemetry_channels")
    }
    rows = connection.execute(
        "SELECT channels, step, utc_seconds, readings FROM telemetry ORDER BY id"
    )
    for channels, neighbours in itertools.groupby(rows, key=operator.itemgetter(0)):
        names = sets.get(channels)
        for block in _batches(neighbours, max(1, _PIECE // max(1, len(names or ())))):
            yield _block(names, block)


def telemetry_chunks(
    connection: sqlite3.Connection, units: Mapping[str, str]
) -> Iterator[Telemetry]:
    """The long form, likewise."""
    return (_long_form(block, units) for block in telemetry_blocks(connection))


def read_telemetry(connection: sqlite3.Connection, units: Mapping[str, str]) -> Telemetry:
    chunks = [_NOTHING, *telemetry_chunks(connection, units)]
    return Telemetry(*(np.concatenate(column) for column in zip(*chunks, strict=True)))


def telemetry_counts(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many instants, and how many readings in all."""
    instants, size = connection.execute(
        "SELECT count(*), coalesce(sum(length(readings)), 0) FROM telemetry"
    ).fetchone()
    return int(instants), int(size) // FLOAT64.itemsize


def telemetry_units(environment: Mapping[str, Any]) -> dict[str, str]:
    """Units by channel, as far as the chip stated them."""
    description = environment.get("chip", {}).get("description", {})
    return {channel["name"]: channel["unit"] for channel in description.get("telemetry", ())}


def _block(names: tuple[str, ...] | None, rows: Sequence[Row]) -> TelemetryBlock:
    what = f"telemetry of step {rows[0][1]}"
    if names is None:
        raise RunStoreError(
            f"{what} names channels that are not in the log: it is damaged. Restore it from a copy."
        )
    shape = len(rows), len(names)
    readings = from_bytes(b"".join(row[3] for row in rows), FLOAT64, math.prod(shape), what)
    return TelemetryBlock(
        names,
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.float64),
        readings.reshape(shape),
    )


def _batches(rows: Iterator[Row], size: int) -> Iterator[Sequence[Row]]:
    while batch := tuple(itertools.islice(rows, size)):
        yield batch


def _long_form(block: TelemetryBlock, units: Mapping[str, str]) -> Telemetry:
    instants, channels = block.value.shape
    return Telemetry(
        step=np.repeat(block.step, channels),
        utc_seconds=np.repeat(block.utc_seconds, channels),
        name=np.tile(np.array(block.names, dtype=np.str_), instants),
        value=block.value.reshape(-1),
        unit=np.tile(np.array([units.get(name, "") for name in block.names], np.str_), instants),
    )


_NOTHING = _long_form(TelemetryBlock((), np.empty(0, np.int64), np.empty(0), np.empty((0, 0))), {})
