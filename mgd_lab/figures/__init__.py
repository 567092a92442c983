"""Pictures of runs, as a good paper would print them (extra "plot")."""

from mgd_lab.figures.plotting import plot_runs

__all__ = ["plot_runs"]
