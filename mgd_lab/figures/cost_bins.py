"""Training costs of a run, thinned to a few hundred bins."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.run_store import Run
from mgd_lab.run_store.sparse_series import mean_chunks

Float64 = NDArray[np.float64]

_BINS = 200
_LEAST_STEPS = 20
_MOST_VALUES = 16_384
_LOW, _HIGH = 10.0, 90.0


@dataclass(frozen=True)
class CostBins:
    """Mean and 10 % and 90 % quantiles of the cost in each bin; `step` is its middle, (n,) all."""

    step: Float64
    mean: Float64
    low: Float64
    high: Float64


def bins_of_costs(run: Run, total_steps: int, *, paired: bool) -> CostBins:
    """From logged steps; of a bin of more than 16,384 steps the middle is read."""
    edges = _edges(total_steps)
    rows: list[tuple[float, ...]] = []
    for start, stop in itertools.pairwise(edges):
        skipped = max(0, stop - start - _MOST_VALUES) // 2
        costs = run.costs(start + skipped, stop - skipped)
        values = 0.5 * (costs.cost + costs.baseline) if paired else costs.cost
        if len(values):
            rows.append(_row(0.5 * (start + stop), values))
    return _table(rows)


def bins_of_means(run: Run, total_steps: int) -> CostBins:
    """From means over windows, read as a stream; of a bin at most 16,384 windows count."""
    edges = np.array(_edges(total_steps))
    kept: list[list[Float64]] = [[] for _ in edges[1:]]
    counts = np.zeros(len(kept), np.int64)
    with run.one_moment() as connection:
        for chunk in mean_chunks(connection):
            # A window that closes at an edge belongs to the bin before it.
            places = np.searchsorted(edges, chunk.step, "left") - 1
            for place in map(int, np.unique(places)):
                room = int(_MOST_VALUES - counts[place])
                values = chunk.cost[places == place][:room]
                kept[place].append(values)
                counts[place] += len(values)
    middles = 0.5 * (edges[:-1] + edges[1:])
    return _table(
        [
            _row(float(middle), np.concatenate(values))
            for middle, values in zip(middles, kept, strict=True)
            if values
        ]
    )


def _edges(total_steps: int) -> list[int]:
    bins = max(1, min(_BINS, total_steps // _LEAST_STEPS))
    return [total_steps * k // bins for k in range(bins + 1)]


def _row(step: float, values: Float64) -> tuple[float, ...]:
    low, high = np.percentile(values, [_LOW, _HIGH]).tolist()
    return step, float(values.mean()), low, high


def _table(rows: list[tuple[float, ...]]) -> CostBins:
    table = np.array(rows, np.float64).reshape(-1, 4)
    return CostBins(*(table[:, column] for column in range(4)))
