"""Training time on other hardware, from what runs have counted."""

from mgd_lab.projection.counts import BothCounts, Counts, counts_of
from mgd_lab.projection.hardware import NAMED, PAPER, Hardware
from mgd_lab.projection.hardware_file import HardwareSettings, load_hardware
from mgd_lab.projection.projecting import (
    Backpropagation,
    ProjectedTime,
    Projection,
    ProjectionReport,
    project_paper,
    project_runs,
)
from mgd_lab.projection.target import Target
from mgd_lab.projection.units import time_text

__all__ = [
    "NAMED",
    "PAPER",
    "Backpropagation",
    "BothCounts",
    "Counts",
    "Hardware",
    "HardwareSettings",
    "ProjectedTime",
    "Projection",
    "ProjectionReport",
    "Target",
    "counts_of",
    "load_hardware",
    "project_paper",
    "project_runs",
    "time_text",
]
