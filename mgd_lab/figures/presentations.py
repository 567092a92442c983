"""Presentations of samples in place of steps: what runs of different algorithms share.

A step of MGD costs a probe, a baseline and a batch of them; a step of backpropagation presents a
whole batch, forward and backward.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.figures.run_curves import RunCurves


def over_presentations(curves: RunCurves) -> RunCurves:
    """The same curves, each place a number of presentations; between checkpoints evenly."""
    steps, counts = curves.presented

    def at(places: NDArray[Any]) -> Any:
        return np.interp(places.astype(np.float64), steps, counts)

    costs, gradient, paths = curves.costs, curves.gradient, curves.parameters
    return replace(
        curves,
        extent=float(at(np.array(curves.steps))),
        costs=None if costs is None else replace(costs, step=at(costs.step)),
        evaluations=curves.evaluations._replace(step=at(curves.evaluations.step)),
        gradient=(
            None
            if gradient is None
            else replace(gradient, start=at(gradient.start), stop=at(gradient.stop))
        ),
        parameters=None if paths is None else replace(paths, step=at(paths.step)),
        telemetry=tuple(replace(channel, step=at(channel.step)) for channel in curves.telemetry),
    )
