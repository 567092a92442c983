"""The panels of a figure: one quantity each, drawn for all runs."""

from mgd_lab.figures.panels.accuracy import AccuracyPanel
from mgd_lab.figures.panels.cost import CostPanel
from mgd_lab.figures.panels.gradient import GradientPanel, NoisePanel
from mgd_lab.figures.panels.panel import Panel
from mgd_lab.figures.panels.parameters import ParametersPanel

PANELS: tuple[Panel, ...] = (
    CostPanel(),
    AccuracyPanel(),
    GradientPanel(),
    NoisePanel(),
    ParametersPanel(),
)

__all__ = ["PANELS", "Panel"]
