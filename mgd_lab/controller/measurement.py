"""Measures the probes of a chunk in blocks up to the chip's largest, and judges the costs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.probers import Prober
from mgd_lab.errors import MeasurementError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class InterruptedBetweenBlocksError(Exception):
    """Training was asked to stop in the middle of a window; `measured` costs had come in."""

    def __init__(self, measured: Float64) -> None:
        super().__init__("interrupted between two blocks")
        self.measured = measured


class Measurement:
    """Blocks cut a window's probes anywhere; the costs do not depend on where."""

    def __init__(
        self, prober: Prober, largest_block: int, interrupt: threading.Event, chip_name: str
    ) -> None:
        self._prober = prober
        self._largest = largest_block
        self._interrupted: Callable[[], bool] = interrupt.is_set
        self._chip_name = chip_name

    def costs(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Float64:
        """Costs of the probes `first` … `stop − 1` at θ (P,), every one of them finite."""
        if stop - first <= self._largest:
            costs = self._prober.measure(theta, chunk, first, stop)
            self._check(costs, chunk, first, stop)
            return costs
        costs = np.empty(stop - first)
        for start in range(first, stop, self._largest):
            if start > first and self._interrupted():
                raise InterruptedBetweenBlocksError(costs[: start - first])
            end = min(start + self._largest, stop)
            block = self._prober.measure(theta, chunk, start, end)
            self._check(block, chunk, start, end)
            costs[start - first : end - first] = block
        return costs

    def _check(self, costs: Float64, chunk: Chunk, first: int, stop: int) -> None:
        if len(costs) != stop - first:
            raise MeasurementError(
                f"chip {self._chip_name!r} returned {len(costs)} costs for a block of "
                f"{stop - first} probes; the block was not used"
            )
        finite = np.isfinite(costs)
        if finite.all():
            return
        k = int(np.argmin(finite))
        probe = first + k
        step = int(chunk.plan.probe_steps[probe])
        raise MeasurementError(
            f"chip {self._chip_name!r} returned a cost of {costs[k]} at step "
            f"{chunk.plan.first_step + step} (sample {int(chunk.samples[probe])}, code "
            f"{chunk.plan.first_code + int(chunk.rows[probe])}, sign "
            f"{int(chunk.plan.signs[probe]):+d}); nothing was updated with it. Check the chip's "
            "outputs and ranges; if training diverged, lower the learning rate"
        )
