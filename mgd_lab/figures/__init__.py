"""Pictures of runs, as a good paper would print them (extra "plot")."""

from mgd_lab.figures.plotting import plot_runs
from mgd_lab.figures.projection_figure import plot_projection

__all__ = ["plot_projection", "plot_runs"]
