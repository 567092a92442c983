"""Norm of the gradient, and how far it stands out of the noise of an update."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mgd_lab.figures.gradient_series import GradientSeries
from mgd_lab.figures.panels.panel import common, legend_above
from mgd_lab.figures.run_curves import RunCurves
from mgd_lab.figures.scales import scale_values
from mgd_lab.figures.style import GREY, Axes, colour, dashes

Float64 = NDArray[np.float64]

_LIMIT = {"marker": "v", "ms": 2.8, "mfc": "white", "mew": 0.5, "alpha": 0.7}


class GradientPanel:
    """|∇C|, averaged over spans of the run."""

    def shows(self, run: RunCurves) -> bool:
        """Where the log holds every cost of the discrete algorithm."""
        return run.gradient is not None

    def draw(self, axes: Axes, runs: Sequence[RunCurves]) -> None:
        """In cost per parameter unit."""
        units = common(_per_unit(run) for run in runs if run.gradient is not None)
        axes.set_ylabel(f"Gradient norm |∇C|{f' ({units})' if units else ''}")
        _draw(axes, [(k, series, series.norm) for k, series in _gradients(runs)])


class NoisePanel:
    """|∇C| over the standard deviation of the estimate that one update takes."""

    def shows(self, run: RunCurves) -> bool:
        """Where the gradient is known."""
        return run.gradient is not None

    def draw(self, axes: Axes, runs: Sequence[RunCurves]) -> None:
        """For a window of τ_θ steps, which the label states."""
        windows = sorted({run.window for run in runs if run.gradient is not None})
        steps = ", ".join(f"{window:g}" for window in windows)
        axes.set_ylabel(f"SNR of an update ({steps} step{'' if steps == '1' else 's'})")
        _draw(axes, [(k, series, series.ratio) for k, series in _gradients(runs)])


def _gradients(runs: Sequence[RunCurves]) -> list[tuple[int, GradientSeries]]:
    return [(k, run.gradient) for k, run in enumerate(runs) if run.gradient is not None]


def _draw(axes: Axes, series: Sequence[tuple[int, GradientSeries, Float64]]) -> None:
    for k, gradient, value in series:
        seen = gradient.seen
        step, error = gradient.step, value * gradient.error
        line = np.where(seen, value, np.nan)
        span = 0.5 * (gradient.stop - gradient.start)
        axes.plot(step, line, color=colour(k), ls=dashes(k), marker="o", ms=2.2, lw=0.5)
        axes.errorbar(step, line, error, span, ls="", ecolor=colour(k), elinewidth=0.6)
        axes.plot(step[~seen], value[~seen], ls="", color=colour(k), **_LIMIT)
    if any(not gradient.seen.all() for _, gradient, _ in series):
        axes.plot([], [], ls="", color=GREY, label="upper limit (2σ)", **_LIMIT)
        legend_above(axes, 1)
    tops = [value * (1.0 + np.nan_to_num(gradient.error)) for _, gradient, value in series]
    scale_values(axes, [*tops, *(value for _, _, value in series)], from_zero=True)


def _per_unit(run: RunCurves) -> str:
    if run.unit is None:
        return "cost per unit of θ"
    return f"1/{run.unit}" if run.unit else ""
