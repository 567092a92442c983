"""Telemetry of a run, thinned to a few hundred bins a channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.run_store import Run

Float64 = NDArray[np.float64]

_BINS = 400


@dataclass(frozen=True)
class ChannelBins:
    """One channel: mean, lowest and highest reading of each bin, at its mean step, (n,) all."""

    name: str
    unit: str
    step: Float64
    mean: Float64
    low: Float64
    high: Float64


def bins_of_telemetry(run: Run) -> tuple[ChannelBins, ...]:
    """Channels in the order in which they came; bins of equally many instants.

    About a megabyte beside the result is in memory.
    """
    instants, _ = run.telemetry_counts()
    every = max(1, -(-instants // _BINS))
    bins = -(-instants // every)
    channels: dict[str, _Bins] = {}
    seen = 0
    for block in run.telemetry_blocks():
        places = (seen + np.arange(len(block.step))) // every
        seen += len(block.step)
        for k, name in enumerate(block.names):
            if name not in channels:
                channels[name] = _Bins(bins)
            channels[name].add(places, block.step, block.value[:, k])
    return tuple(
        found.result(name, run.telemetry_units.get(name, "")) for name, found in channels.items()
    )


class _Bins:
    def __init__(self, bins: int) -> None:
        self._count = np.zeros(bins)
        self._steps, self._values = np.zeros(bins), np.zeros(bins)
        self._low, self._high = np.full(bins, np.nan), np.full(bins, np.nan)

    def add(self, places: NDArray[np.int64], steps: NDArray[np.int64], values: Float64) -> None:
        read = np.isfinite(values)
        places, values = places[read], values[read]
        np.add.at(self._count, places, 1)
        np.add.at(self._steps, places, steps[read])
        np.add.at(self._values, places, values)
        np.fmin.at(self._low, places, values)
        np.fmax.at(self._high, places, values)

    def result(self, name: str, unit: str) -> ChannelBins:
        some = self._count > 0
        count = self._count[some]
        return ChannelBins(
            name=name,
            unit=unit,
            step=self._steps[some] / count,
            mean=self._values[some] / count,
            low=self._low[some],
            high=self._high[some],
        )
