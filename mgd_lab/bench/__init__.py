"""Composition: the one place that knows experiment, data, chip, controller and run store."""

from mgd_lab.bench.checking import CheckReport, check
from mgd_lab.bench.registry import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.result import EXIT_CODES, RunResult, RunStatus
from mgd_lab.bench.resuming import Resumption, resumption
from mgd_lab.bench.running import (
    execute,
    execute_resumption,
    load_experiment,
    resume,
    run,
)

__all__ = [
    "EXIT_CODES",
    "CheckReport",
    "Resumption",
    "RunResult",
    "RunStatus",
    "SettingsOfDrivers",
    "check",
    "chip_drivers",
    "execute",
    "execute_resumption",
    "load_experiment",
    "resume",
    "resumption",
    "run",
]
