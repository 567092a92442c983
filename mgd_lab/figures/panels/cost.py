"""Cost: of the training steps, and of the evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgd_lab.figures.panels.panel import (
    Float64,
    common,
    legend_above,
    plain_number,
    points,
    target_line,
)
from mgd_lab.figures.run_curves import RunCurves
from mgd_lab.figures.scales import scale_values
from mgd_lab.figures.style import Axes, colour

_NAMES = {"mse": "mean square error", "cross_entropy": "cross-entropy, nat"}


class CostPanel:
    """Training cost with the band of 10 to 90 % of its steps, evaluations, target."""

    def shows(self, run: RunCurves) -> bool:
        """Also a run that has measured nothing yet: it is what the figure is about."""
        return run.steps >= 0

    def draw(self, axes: Axes, runs: Sequence[RunCurves]) -> None:
        """An overlay shows training costs only of runs that were not evaluated."""
        name = common(_NAMES.get(run.cost_name, run.cost_name) for run in runs)
        axes.set_ylabel(f"Cost ({name})")
        for k, run in enumerate(runs):
            if len(runs) == 1 or len(run.evaluations.step) < 2:
                _draw_training(axes, k, run, alone=len(runs) == 1)
            evaluations = run.evaluations
            if len(evaluations.step):
                split = common(evaluations.split.tolist())
                points(axes, k, evaluations.step, evaluations.cost, f"evaluation ({split})")
        if not any(run.costs is not None or len(run.evaluations.step) for run in runs):
            axes.text(0.5, 0.5, "nothing measured yet", ha="center", transform=axes.transAxes)
        targets = sorted({run.stop.cost_below for run in runs if run.stop.cost_below is not None})
        for target in targets:
            target_line(axes, target, plain_number(target))
        scale_values(axes, [*_limits(runs), np.array(targets, np.float64)])
        if len(runs) == 1 and axes.get_legend_handles_labels()[0]:
            legend_above(axes, 3)


def _draw_training(axes: Axes, k: int, run: RunCurves, *, alone: bool) -> None:
    bins = run.costs
    if bins is None:
        return
    if not alone:
        axes.plot(bins.step, bins.mean, color=colour(k), lw=0.6, alpha=0.6, zorder=2)
        return
    axes.fill_between(bins.step, bins.low, bins.high, color="0.88", lw=0, label="training: 10–90 %")
    axes.plot(bins.step, bins.mean, color="0.5", lw=0.7, label="mean", zorder=2)


def _limits(runs: Sequence[RunCurves]) -> list[Float64]:
    evaluated = [run.evaluations.cost for run in runs]
    means = [run.costs.mean for run in runs if run.costs is not None and len(run.costs.mean)]
    if any(map(len, evaluated)):
        # Costs of single samples may reach decades below the mean over the set.
        means = [mean.max(keepdims=True) for mean in means]
    return evaluated + means
