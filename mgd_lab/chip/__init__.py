"""The chip as the controller sees it: its description and its capabilities."""

from mgd_lab.chip.capabilities import (
    Chip,
    GeneratesProbes,
    HoldsParameters,
    HoldsSamples,
    Learns,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
)
from mgd_lab.chip.description import ALL_RUNGS, ChipDescription, OutputKind, ParameterGroup, Rung
from mgd_lab.chip.programs import SNAPSHOT_HEAD, LearningProgram, ProbeProgram, snapshot_length
from mgd_lab.chip.recovery import Recovery, ReportsRecoveries

__all__ = [
    "ALL_RUNGS",
    "SNAPSHOT_HEAD",
    "Chip",
    "ChipDescription",
    "GeneratesProbes",
    "HoldsParameters",
    "HoldsSamples",
    "LearningProgram",
    "Learns",
    "MeasuresCost",
    "MeasuresDense",
    "MeasuresOutputs",
    "MeasuresSigns",
    "OutputKind",
    "ParameterGroup",
    "ProbeProgram",
    "Recovery",
    "ReportsRecoveries",
    "Rung",
    "snapshot_length",
]
