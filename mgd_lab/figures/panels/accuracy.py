"""Accuracy of the evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgd_lab.figures.panels.panel import common, points, target_line
from mgd_lab.figures.run_curves import RunCurves
from mgd_lab.figures.scales import round_ticks
from mgd_lab.figures.style import Axes

_MARGIN = 6.0


class AccuracyPanel:
    """In per cent, with the split that it was measured on."""

    def shows(self, run: RunCurves) -> bool:
        """Only where the chip returns outputs and the targets are classes."""
        return bool(np.isfinite(run.evaluations.accuracy).any())

    def draw(self, axes: Axes, runs: Sequence[RunCurves]) -> None:
        """All runs that have one."""
        shown = [run for run in runs if self.shows(run)]
        split = common(name for run in shown for name in run.evaluations.split.tolist())
        axes.set_ylabel(f"Accuracy, {split} split (%)")
        lowest = 100.0
        for k, run in enumerate(runs):
            if self.shows(run):
                percent = 100.0 * run.evaluations.accuracy
                points(axes, k, run.evaluations.step, percent)
                lowest = min(lowest, float(np.nanmin(percent)))
        targets = {run.stop.accuracy_at_least for run in runs}
        for target in targets - {None}:
            target_line(axes, 100.0 * float(target or 0.0), f"{100.0 * float(target or 0.0):g} %")
            lowest = min(lowest, 100.0 * float(target or 0.0))
        axes.set_ylim(max(-2.0, lowest - _MARGIN), 103.0)
        round_ticks(axes)
