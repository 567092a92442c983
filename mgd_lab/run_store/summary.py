"""The summary of a run that has written none: it goes on, or it was killed."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mgd_lab.records import Counters
from mgd_lab.run_store.lock import writer_is_alive


def latest_counters(connection: sqlite3.Connection) -> Counters:
    """Totals at the latest checkpoint; zeros before the first."""
    row = connection.execute(
        "SELECT steps, probes, evaluation_probes, remeasured_probes, samples, updates"
        " FROM checkpoints ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return Counters() if row is None else Counters(*row)


def rebuilt_summary(
    path: Path,
    connection: sqlite3.Connection,
    meta: Mapping[str, Any],
    experiment: Mapping[str, Any],
) -> dict[str, Any]:
    """What summary.json would say, as far as the log knows."""
    end = connection.execute(
        "SELECT final, utc_seconds FROM checkpoints ORDER BY id DESC LIMIT 1"
    ).fetchone()
    final, last_seconds = ("", None) if end is None else end
    # While somebody writes, an end that the log tells of is that of an earlier session.
    status = "running" if writer_is_alive(path) else final or "crashed"
    evaluation = connection.execute(
        "SELECT cost, accuracy FROM evaluations ORDER BY id DESC LIMIT 1"
    ).fetchone()
    cost, accuracy = (None, None) if evaluation is None else evaluation
    return {
        "run": str(path),
        "status": status,
        **dataclasses.asdict(latest_counters(connection)),
        "cost": cost,
        "accuracy": accuracy,
        "wall_seconds": _since(meta.get("created_utc"), last_seconds),
        "seed": experiment.get("seed"),
        "simulated": bool(meta.get("simulated", False)),
        **({"reference": meta["reference"]} if "reference" in meta else {}),
    }


def _since(created: object, seconds: float | None) -> float | None:
    if seconds is None or not isinstance(created, str):
        return None
    return seconds - datetime.fromisoformat(created).timestamp()
