"""The chip as the controller sees it: its description and its capabilities."""

from mgd_lab.chip.capabilities import (
    Chip,
    HoldsParameters,
    HoldsSamples,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
)
from mgd_lab.chip.description import ChipDescription, OutputKind, ParameterGroup

__all__ = [
    "Chip",
    "ChipDescription",
    "HoldsParameters",
    "HoldsSamples",
    "MeasuresCost",
    "MeasuresDense",
    "MeasuresOutputs",
    "MeasuresSigns",
    "OutputKind",
    "ParameterGroup",
]
