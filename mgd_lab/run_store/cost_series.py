"""Costs by range of steps. One row of the log (about a thousand steps) is in memory at a time,
beside the result.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np

from mgd_lab.errors import ConfigurationError
from mgd_lab.run_store.array_bytes import FLOAT64, from_bytes, unsigned_dtype
from mgd_lab.run_store.checksums import row_crc, verify_crc
from mgd_lab.run_store.tables import Costs

# Beyond any step; keeps the sums in the query within 64 bits.
_LAST = 1 << 61

# Of the wanted steps start + k stride, a row holds those with low <= k < high. Rows do not
# overlap, so the one with the largest first step at or below `start` is the first of interest.
_WANTED_ROWS = """
SELECT *, (max(first_step, :start) - :start + :stride - 1) / :stride AS low,
    (min(first_step + count, :stop) - :start + :stride - 1) / :stride AS high
FROM step_blocks WHERE first_step < :stop AND first_step >= coalesce(
    (SELECT max(first_step) FROM step_blocks WHERE first_step <= :start), 0)
"""
_SIZES = (
    "SELECT coalesce(sum(high - low), 0), coalesce(max(sample_bytes), 1),"  # noqa: S608 (constants)
    " coalesce((SELECT batch FROM step_blocks LIMIT 1), 0)"
    f" FROM ({_WANTED_ROWS}) WHERE high > low"
)
_FIRST = (
    f"SELECT max(first_step, :start) FROM ({_WANTED_ROWS})"  # noqa: S608 (constants)
    " WHERE high > low"
    " ORDER BY first_step LIMIT 1"
)
_BLOCKS = (
    "SELECT first_step, count, batch, sample_bytes, low, high,"  # noqa: S608 (constants)
    " samples, costs, baselines, crc"
    f" FROM ({_WANTED_ROWS}) WHERE high > low ORDER BY first_step"
)


def read_costs(
    connection: sqlite3.Connection,
    start: int = 0,
    stop: int | None = None,
    stride: int = 1,
    *,
    verify: bool = True,
) -> Costs:
    """Steps start, start + stride, … below stop, as far as the log holds them.

    `verify=False` reads what is there, whatever the checksums say.
    """
    if start < 0 or stride < 1 or (stop is not None and stop < 0):
        raise ConfigurationError(
            f"costs(start={start}, stop={stop}, stride={stride}): start and stop count from "
            "step 0, and stride is at least 1"
        )
    bounds = {
        "start": min(int(start), _LAST),
        "stop": _LAST if stop is None else min(int(stop), _LAST),
        "stride": min(int(stride), _LAST),
    }
    total, sample_bytes, batch = connection.execute(_SIZES, bounds).fetchone()
    costs = Costs(
        np.empty(total, dtype=np.int64),
        np.empty(
            (total, batch) if batch else total, dtype=unsigned_dtype(sample_bytes).newbyteorder("=")
        ),
        np.empty(total, dtype=np.float64),
        np.empty(total, dtype=np.float64),
    )
    at = 0
    for row in connection.execute(_BLOCKS, bounds):
        at += _fill(costs, at, row, bounds["start"], bounds["stride"], verify=verify)
    return costs


def cost_layout(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """How many steps the log holds, the bytes of a sample index, and the batch (0: none)."""
    bounds = {"start": 0, "stop": _LAST, "stride": 1}
    total, sample_bytes, batch = connection.execute(_SIZES, bounds).fetchone()
    return int(total), int(sample_bytes), int(batch)


def cost_chunks(
    connection: sqlite3.Connection, steps: int, *, verify: bool = True
) -> Iterator[Costs]:
    """All costs in order, `steps` steps of the run at a time."""
    start = 0
    while True:
        # The first step at or after `start` that the log holds: gaps cost nothing.
        bounds = {"start": start, "stop": _LAST, "stride": 1}
        row = connection.execute(_FIRST, bounds).fetchone()
        if row is None:
            return
        first = int(row[0])
        start = first + steps
        yield read_costs(connection, first, start, verify=verify)


def damaged_blocks(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    """First step and number of steps of each row that is not what was written."""
    rows = connection.execute(
        "SELECT first_step, count, batch, sample_bytes, crc, samples, costs, baselines"
        " FROM step_blocks ORDER BY first_step"
    )
    return [
        (int(first), int(count))
        for first, count, batch, width, crc, *blobs in rows
        if (crc is not None and row_crc((first, count, batch, width), *blobs) != crc)
        or [len(blob) for blob in blobs] != [count * max(batch, 1) * width, 8 * count, 8 * count]
    ]


def _fill(
    costs: Costs, at: int, row: tuple[Any, ...], start: int, stride: int, *, verify: bool
) -> int:
    first_step, count, batch, sample_bytes, low, high, samples, values, baselines, crc = row
    what = f"the log at step {first_step}"
    layout = (first_step, count, batch, sample_bytes)
    steps = (first_step, first_step + count - 1)
    if verify:
        verify_crc(crc, layout, samples, values, baselines, steps=steps)
    offset = start + low * stride - first_step
    wanted, place = slice(offset, count, stride), slice(at, at + high - low)
    drawn = from_bytes(samples, unsigned_dtype(sample_bytes), count * max(batch, 1), what)
    drawn = drawn.reshape(count, batch) if batch else drawn
    number = high - low
    costs.step[place] = start + stride * np.arange(low, high)
    costs.sample[place] = drawn[wanted][:number]
    costs.cost[place] = from_bytes(values, FLOAT64, count, what)[wanted][:number]
    costs.baseline[place] = from_bytes(baselines, FLOAT64, count, what)[wanted][:number]
    return number
