"""Paths of the parameters, thinned in time and, where there are many, in number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.run_store import Run

Float64 = NDArray[np.float64]

MOST_PARAMETERS = 50
_MOST_SNAPSHOTS = 400
_SAMPLE = 12
_QUANTILES = (5.0, 25.0, 50.0, 75.0, 95.0)


@dataclass(frozen=True)
class Trajectories:
    """θ along a run.

    Attributes:
        step: (n,) of each snapshot that is kept.
        theta: (n, k) the parameters that are drawn one by one.
        shown: (k,) which these are.
        quantiles: (n, 5), 5, 25, 50, 75 and 95 % over all parameters; None where all are drawn.
        parameters: P.
    """

    step: NDArray[np.int64]
    theta: Float64
    shown: NDArray[np.int64]
    quantiles: Float64 | None
    parameters: int


def trajectories(run: Run) -> Trajectories | None:
    """None where the log holds no snapshot. About 1 MiB beside the result is in memory."""
    count = run.snapshot_count()
    if not count:
        return None
    every = -(-count // _MOST_SNAPSHOTS)
    steps: list[NDArray[np.int64]] = []
    drawn: list[Float64] = []
    quantiles: list[Float64] = []
    shown, parameters, seen = np.empty(0, np.int64), 0, 0
    for chunk in run.parameter_chunks():
        parameters = chunk.theta.shape[1]
        shown = _shown(parameters)
        index = seen + np.arange(len(chunk.step))
        kept = (index % every == 0) | (index == count - 1)
        seen += len(chunk.step)
        theta = chunk.theta[kept]
        steps.append(chunk.step[kept])
        drawn.append(theta[:, shown])
        if parameters > MOST_PARAMETERS and len(theta):
            quantiles.append(np.percentile(theta, _QUANTILES, axis=1).T)
    return Trajectories(
        step=np.concatenate(steps),
        theta=np.concatenate(drawn),
        shown=shown,
        quantiles=np.concatenate(quantiles) if quantiles else None,
        parameters=parameters,
    )


def _shown(parameters: int) -> NDArray[np.int64]:
    if parameters <= MOST_PARAMETERS:
        return np.arange(parameters)
    return np.linspace(0, parameters - 1, _SAMPLE).astype(np.int64)
