"""How large the log of a run will be."""

from __future__ import annotations

import numpy as np

from mgd_lab.bench.assembly import Fitted

# What a log takes before anything is measured: its tables, their indices, the write-ahead log.
_EMPTY_BYTES = 180_000
# Rows without their arrays, as SQLite packs them.
_SNAPSHOT_BYTES = 32
_EVALUATION_BYTES = 64
_TELEMETRY_BYTES = 20
_CHECKPOINT_BYTES = 50
_WINDOW_MEAN_BYTES = 40
_PAGE_BYTES = 4096


def log_bytes(
    fitted: Fitted, *, steps: int, updates: int, evaluations: int, seconds: float | None
) -> int:
    """Bytes of log.sqlite when the run ends.

    `seconds` is None where nobody knows how long the run takes; what is written by the clock,
    checkpoints and telemetry, is then left out.
    """
    parameters = fitted.description.parameters
    snapshots = 2 + updates // fitted.cadence.parameters_every_updates
    return round(
        _EMPTY_BYTES
        + _costs(fitted, steps, updates)
        + snapshots * (8 * parameters + _SNAPSHOT_BYTES)
        + evaluations * _EVALUATION_BYTES
        + (0.0 if seconds is None else _by_the_clock(fitted, seconds))
    )


def telemetry_bytes(channels: int) -> int:
    """Of one reading of all channels."""
    return _packed(8 * channels + _TELEMETRY_BYTES)


def _packed(row_bytes: int) -> int:
    """What a row takes where SQLite puts whole rows into pages."""
    if row_bytes >= _PAGE_BYTES:
        return -(-row_bytes // _PAGE_BYTES) * _PAGE_BYTES
    return _PAGE_BYTES // (_PAGE_BYTES // row_bytes)


def _costs(fitted: Fitted, steps: int, updates: int) -> int:
    if fitted.rung == "learns":
        return 0
    samples, batch = len(fitted.train_inputs), fitted.schedule.batch
    match fitted.experiment.logging.costs:
        case "all":
            return steps * (16 + np.min_scalar_type(samples - 1).itemsize * batch)
        case "window_mean":
            return updates * _WINDOW_MEAN_BYTES
        case "none":
            return 0


def _by_the_clock(fitted: Fitted, seconds: float) -> float:
    logging, channels = fitted.experiment.logging, len(fitted.description.telemetry)
    checkpoints = 1 + seconds / fitted.cadence.checkpoint_every_seconds
    readings = 2 + seconds / logging.telemetry_every_seconds if channels else 0.0
    return checkpoints * _CHECKPOINT_BYTES + readings * telemetry_bytes(channels)
