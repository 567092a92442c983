"""The panels of a figure: one quantity each, drawn for all runs."""

from collections.abc import Sequence

from mgd_lab.figures.panels.accuracy import AccuracyPanel
from mgd_lab.figures.panels.cost import CostPanel
from mgd_lab.figures.panels.gradient import GradientPanel, NoisePanel
from mgd_lab.figures.panels.panel import Panel
from mgd_lab.figures.panels.parameters import ParametersPanel
from mgd_lab.figures.panels.telemetry import telemetry_panels
from mgd_lab.figures.run_curves import RunCurves

_ALWAYS: tuple[Panel, ...] = (
    CostPanel(),
    AccuracyPanel(),
    GradientPanel(),
    NoisePanel(),
    ParametersPanel(),
)


def panels_of(runs: Sequence[RunCurves]) -> list[Panel]:
    """Those that have something to show of at least one run."""
    return [
        panel
        for panel in (*_ALWAYS, *telemetry_panels(runs))
        if any(panel.shows(run) for run in runs)
    ]


__all__ = ["Panel", "panels_of"]
