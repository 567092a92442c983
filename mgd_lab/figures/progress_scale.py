"""The x axis that all panels share: logarithmic where a reference is far shorter than a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgd_lab.figures.number_text import steps_text
from mgd_lab.figures.run_curves import RunCurves
from mgd_lab.figures.scales import scale_steps
from mgd_lab.figures.style import Axes

# On a linear axis, the shorter run would be a stroke at its left end.
_LOGARITHMIC_FROM = 8.0


def scale_progress(axes: Axes, runs: Sequence[RunCurves]) -> None:
    """Linear from 0, or logarithmic from the first evaluation behind it."""
    extents = [run.extent for run in runs if run.extent > 0]
    last = max(extents, default=0.0)
    firsts = [first for run in runs if (first := _first(run)) is not None]
    mixed = len({run.reference for run in runs}) > 1
    if not (mixed and firsts and last / min(extents) >= _LOGARITHMIC_FROM):
        scale_steps(axes, int(last))
        return
    # A beginning at 0 has no place: a line drawn from there would look level.
    axes.set_xscale("log", nonpositive="mask")
    axes.set_xlim(min(firsts), 1.1 * last)
    axes.xaxis.set_major_formatter(steps_text)
    axes.xaxis.set_minor_formatter("")


def _first(run: RunCurves) -> float | None:
    """The earliest place of a run that is not its beginning."""
    step = np.asarray(run.evaluations.step, np.float64)
    behind = step[step > 0]
    return float(behind.min()) if len(behind) else None
