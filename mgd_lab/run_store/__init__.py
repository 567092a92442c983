"""Runs on disk: one folder each, with an append-only log that survives `kill -9`.

`create_run` makes the folder, `RunWriter` keeps the records of a run in it, `open_run` reads it
(also while it is written), `list_runs` looks over a folder of runs, `export_run` writes other
formats.
"""

from mgd_lab.run_store.environment import environment_record
from mgd_lab.run_store.export import export_run
from mgd_lab.run_store.folder import RunFolder, create_run
from mgd_lab.run_store.listing import RunListing, list_runs
from mgd_lab.run_store.lock import writer_is_alive
from mgd_lab.run_store.run import Run, open_run
from mgd_lab.run_store.tables import (
    Checkpoints,
    CostMeans,
    Costs,
    Evaluations,
    Events,
    Parameters,
    Telemetry,
)
from mgd_lab.run_store.writer import RunWriter

__all__ = [
    "Checkpoints",
    "CostMeans",
    "Costs",
    "Evaluations",
    "Events",
    "Parameters",
    "Run",
    "RunFolder",
    "RunListing",
    "RunWriter",
    "Telemetry",
    "create_run",
    "environment_record",
    "export_run",
    "list_runs",
    "open_run",
    "writer_is_alive",
]
