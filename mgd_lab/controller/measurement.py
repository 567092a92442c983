"""Measures the probes of a chunk in blocks up to the chip's largest, and judges the costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, wait
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.probers import Prober
from mgd_lab.errors import MeasurementError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# A window that takes so long is measured in so many blocks or more, so that host and chip
# overlap. On shorter ones, handing over between threads costs more than it gains.
_WORTH_OVERLAPPING_SECONDS = 0.01
_OVERLAPPED = 4
_SMALLEST_OVERLAPPED = 256
_FEW = 16


class Measurement:
    """Blocks cut a window's probes anywhere; the costs do not depend on where.

    While the chip measures one block, in a thread of its own, the host works on the costs of the
    last. At most one block is under way, and none is when control returns to the caller for good.
    """

    def __init__(
        self,
        prober: Prober,
        largest_block: int,
        interrupt: threading.Event,
        chip_name: str,
        workers: Executor,
    ) -> None:
        self._prober = prober
        self._largest = largest_block
        self._interrupted: Callable[[], bool] = interrupt.is_set
        self._chip_name = chip_name
        self._workers = workers
        self._seconds_per_probe = 0.0

    def fits_one_block(self, probes: int) -> bool:
        """Whether so many probes are measured in one request."""
        return probes <= self._size(probes)

    def blocks(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Iterator[Float64]:
        """Costs of the probes `first` … `stop − 1` at θ (P,), block after block, all finite.

        Ends early, after a whole block, where training has been interrupted.
        """
        size = self._size(stop - first)
        if stop - first <= size:
            yield self.block(theta, chunk, first, stop)
            return
        pending = self._workers.submit(self.block, theta, chunk, first, first + size)
        try:
            for start in range(first + size, stop, size):
                costs = pending.result()
                if self._interrupted():
                    yield costs
                    return
                end = min(start + size, stop)
                pending = self._workers.submit(self.block, theta, chunk, start, end)
                yield costs
            yield pending.result()
        finally:
            # Whatever ended this, the chip is not spoken to by anyone else before it is done.
            wait([pending])

    def _size(self, probes: int) -> int:
        """Probes of a block: the largest, or fewer where host and chip are worth overlapping."""
        if probes * self._seconds_per_probe < _WORTH_OVERLAPPING_SECONDS:
            return self._largest
        return min(self._largest, max(_SMALLEST_OVERLAPPED, -(-probes // _OVERLAPPED)))

    def block(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Float64:
        """Costs of the probes `first` … `stop − 1` in one request, all finite."""
        began = time.perf_counter()
        costs = self._prober.measure(theta, chunk, first, stop)
        self._seconds_per_probe = (time.perf_counter() - began) / (stop - first)
        self._check(costs, chunk, first, stop)
        return costs

    def _check(self, costs: Float64, chunk: Chunk, first: int, stop: int) -> None:
        if len(costs) != stop - first:
            raise MeasurementError(
                f"chip {self._chip_name!r} returned {len(costs)} costs for a block of "
                f"{stop - first} probes; the block was not used"
            )
        if len(costs) <= _FEW and all(map(isfinite, costs.tolist())):
            # The same as below, several times faster on a handful.
            return
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
