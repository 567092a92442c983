"""Ways from one θ to another that are no faster than the parameters may move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import HoldsParameters
from mgd_lab.controller.clock import Clock, SystemClock
from mgd_lab.errors import LimitError

Float64 = NDArray[np.float64]

INTERVAL_SECONDS = 0.02
"""Between two steps of a ramp: what is slower than a parameter follows in this is smooth to it."""

_MOST_STEPS = 10**9


def seconds_for(change: NDArray[Any], slew: Float64) -> float:
    """Least time for parameters to change by `change` (P,) at most at `slew` (P,); 0 is any."""
    limited = slew > 0
    if not limited.any():
        return 0.0
    return float(np.max(np.abs(change[limited]) / slew[limited]))


def ramp_steps(start: Float64, end: Float64, slew: Float64, interval_seconds: float) -> int:
    """Fewest equal steps from `start` to `end`, one an interval, that keep `slew`; 0 for no way."""
    if np.array_equal(start, end):
        return 0
    steps = np.ceil(seconds_for(end - start, slew) / interval_seconds)
    # NaN and infinity come from ends that are no numbers.
    if not steps <= _MOST_STEPS:
        raise LimitError(
            f"a ramp would take {steps:g} steps of {interval_seconds:g} s: its ends are no "
            "numbers, or slew_per_second is too slow for them. Check what the chip reads back"
        )
    return max(1, int(steps))


def ramp_rows(start: Float64, end: Float64, steps: int) -> Iterator[Float64]:
    """`steps` rows (P,), made one by one; the last is `end` itself."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    for k in range(1, steps):
        # Rounding may not carry a row beyond the ends.
        yield np.clip(start + (end - start) * (k / steps), low, high)
    if steps:
        yield end.copy()


def ramp(start: Float64, end: Float64, slew: Float64, interval_seconds: float) -> Float64:
    """Values to be written one an interval: float64 (n, P), equal steps, the last exactly `end`.

    No step moves a parameter by more than slew · interval (beyond rounding); n is 0 where `start`
    is `end`, and 1 where nothing limits the slew (P,), in units a second, 0 for any.

    Raises:
        LimitError: an end is no number.
    """
    steps = ramp_steps(start, end, slew, interval_seconds)
    rows = np.empty((steps, len(start)))
    for k, row in enumerate(ramp_rows(start, end, steps)):
        rows[k] = row
    return rows


def wait_until(due: float, clock: Clock, sleep: Callable[[float], None]) -> None:
    """Sleeps until the clock has come to `due`."""
    while (left := due - clock.monotonic()) > 0:
        sleep(left)


class Ramp:
    """Takes a chip's registers from one θ to another.

    Args:
        slew: (P,), units a second, 0 for any: `description.slew_per_second`.
        interval_seconds: between two writes.
        clock, sleep: how time is told and spent.
    """

    def __init__(
        self,
        slew: Float64,
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._slew = slew
        self._interval = interval_seconds
        self._clock = clock or SystemClock()
        self._sleep = sleep

    def to(self, chip: HoldsParameters, start: Float64, end: Float64) -> None:
        """From `start`, which the chip holds now, to `end`, (P,) each, in float64.

        A change of δ takes at least |δ| / slew seconds; without limits of slew it is one write.
        Every row is written through `chip`, which judges it where it is a gate.
        """
        steps = ramp_steps(start, end, self._slew, self._interval)
        before, since = start, self._clock.monotonic()
        for row in ramp_rows(start, end, steps):
            wait_until(since + seconds_for(row - before, self._slew), self._clock, self._sleep)
            chip.write_parameters(row)
            before, since = row, self._clock.monotonic()
