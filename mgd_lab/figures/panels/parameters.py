"""Paths of the parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgd_lab.figures.panels.panel import common, legend_above
from mgd_lab.figures.run_curves import RunCurves
from mgd_lab.figures.scales import round_ticks
from mgd_lab.figures.style import GREY, PALETTE, Axes, colour, dashes

_LEGEND_COLUMNS = 7


class ParametersPanel:
    """Every θ where there are few; beyond that a sample, over the quantiles of all."""

    def shows(self, run: RunCurves) -> bool:
        """Where the log holds a snapshot."""
        return run.parameters is not None

    def draw(self, axes: Axes, runs: Sequence[RunCurves]) -> None:
        """A single run has a colour for each group of parameters."""
        units = common(
            "units of the groups" if run.unit is None else run.unit for run in runs
        ).strip(", ")
        axes.set_ylabel(f"Parameters θ{f' ({units})' if units else ''}")
        for k, run in enumerate(runs):
            if len(runs) == 1:
                _draw_groups(axes, run)
            else:
                _draw_run(axes, k, run)
        round_ticks(axes)


def _draw_groups(axes: Axes, run: RunCurves) -> None:
    paths = run.parameters
    if paths is None:
        return
    if paths.quantiles is not None:
        q = paths.quantiles
        axes.fill_between(
            paths.step, q[:, 0], q[:, 4], color="0.90", lw=0, label=f"5–95 % of {paths.parameters}"
        )
        axes.fill_between(paths.step, q[:, 1], q[:, 3], color="0.78", lw=0, label="25–75 %")
        axes.plot(paths.step, q[:, 2], color=GREY, lw=1.2, label="median")
    marker = "o" if len(paths.step) == 1 else ""
    named: set[int] = set()
    for column, parameter in enumerate(map(int, paths.shown)):
        group = run.groups[parameter]
        label = run.group_names[group] if group not in named else None
        named.add(group)
        axes.plot(
            paths.step,
            paths.theta[:, column],
            color=PALETTE[group % len(PALETTE)],
            lw=0.7,
            marker=marker,
            label=label,
        )
    legend_above(axes, _LEGEND_COLUMNS)


def _draw_run(axes: Axes, k: int, run: RunCurves) -> None:
    paths = run.parameters
    if paths is None:
        return
    if paths.quantiles is not None:
        q = paths.quantiles
        axes.fill_between(paths.step, q[:, 0], q[:, 4], color=colour(k), alpha=0.15, lw=0)
        axes.plot(paths.step, q[:, 2], color=colour(k), ls=dashes(k))
        return
    marker = "o" if len(paths.step) == 1 else ""
    for theta in np.transpose(paths.theta):
        axes.plot(
            paths.step, theta, color=colour(k), ls=dashes(k), lw=0.5, alpha=0.8, marker=marker
        )
