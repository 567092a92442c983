"""Measures the probes of a chunk in blocks up to the chip's largest, and judges the costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, wait

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.guards import CostGuard, Trip
from mgd_lab.controller.pausing import Cause, PauseControl
from mgd_lab.controller.probers import Prober
from mgd_lab.errors import GuardError, MeasurementError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# A window that takes so long is measured in so many blocks or more, so that host and chip
# overlap. On shorter ones, handing over between threads costs more than it gains.
_WORTH_OVERLAPPING_SECONDS = 0.01
_OVERLAPPED = 4
_SMALLEST_OVERLAPPED = 256


class Measurement:
    """Blocks cut a window's probes anywhere; the costs do not depend on where.

    While the chip measures one block, in a thread of its own, the host works on the costs of the
    last. At most one block is under way, and none is when control returns to the caller for good,
    nor while `held_up` is asked whether to leave off between two blocks.
    """

    def __init__(
        self,
        prober: Prober,
        largest_block: int,
        held_up: Callable[[], bool],
        chip_name: str,
        workers: Executor,
        guard: CostGuard,
        pause: PauseControl,
    ) -> None:
        self._prober = prober
        self._largest = largest_block
        self._held_up = held_up
        self._chip_name = chip_name
        self._workers = workers
        self._guard = guard
        self._pause = pause
        self._refused = 0
        self._seconds_per_probe = 0.0

    def fits_one_block(self, probes: int) -> bool:
        """Whether so many probes are measured in one request."""
        return probes <= self._size(probes)

    def blocks(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Iterator[Float64]:
        """Costs of the probes `first` … `stop − 1` at θ (P,), block after block, all good.

        Ends early, after a whole block, where training is held up, or before a block that a guard
        refused.
        """
        size = self._size(stop - first)
        if stop - first <= size:
            yield self.block(theta, chunk, first, stop)
            return
        pending = self._workers.submit(self.block, theta, chunk, first, first + size)
        try:
            for start in range(first + size, stop, size):
                costs = pending.result()
                if not len(costs) or self._held_up():
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
        """Costs of the probes `first` … `stop − 1` in one request, all good.

        None at all where a guard refused one of them and asked for a pause: the block is to be
        measured again.
        """
        began = time.perf_counter()
        costs = self._prober.measure(theta, chunk, first, stop)
        self._seconds_per_probe = (time.perf_counter() - began) / (stop - first)
        if len(costs) != stop - first:
            raise MeasurementError(
                f"chip {self._chip_name!r} returned {len(costs)} costs for a block of "
                f"{stop - first} probes; the block was not used"
            )
        trip = self._guard.look(costs)
        if trip is None:
            return costs
        message = self._refusal(trip, float(costs[trip.place]), chunk, first + trip.place)
        if self._guard.pauses:
            self._refused += len(costs)
            self._pause.ask(Cause(message, "cost"))
            return costs[:0]
        if trip.kind == "number":
            raise MeasurementError(message)
        raise GuardError(message)

    def take_refused(self) -> int:
        """Probes since the last call whose costs a guard refused: they are measured again."""
        refused, self._refused = self._refused, 0
        return refused

    def _refusal(self, trip: Trip, cost: float, chunk: Chunk, probe: int) -> str:
        step = int(chunk.plan.probe_steps[probe])
        return (
            f"chip {self._chip_name!r} returned a cost of {cost} at step "
            f"{chunk.plan.first_step + step} (sample {int(chunk.samples[probe])}, code "
            f"{chunk.plan.first_code + int(chunk.rows[probe])}, sign "
            f"{int(chunk.plan.signs[probe]):+d}), {trip.why}; nothing was updated with it. Check "
            "the chip's outputs and ranges; if training diverged, lower the learning rate"
        )
