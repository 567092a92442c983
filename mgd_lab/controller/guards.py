"""Costs that are no measurement: NaN, overflow, out of range, at a rail, stuck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import MeasurementError
from mgd_lab.experiment import CostBounds

Float64 = NDArray[np.float64]

# SCPI instruments answer 9.9e37 for infinity and 9.91e37 for what is no number (SCPI-99, volume 1,
# 7.2.1.4 and 7.2.1.5); nothing that is measured comes near.
OVERFLOW = 9.9e37
_LARGEST = math.nextafter(OVERFLOW, 0.0)
_FEW = 16


@dataclass(frozen=True, slots=True)
class Trip:
    """A cost that was refused.

    Attributes:
        place: of the cost in its block.
        kind: "number" where it is none, whatever the experiment says; otherwise the bound.
        why: the end of a message that has named cost and probe.
    """

    place: int
    kind: Literal["number", "range", "rail", "stuck"]
    why: str


class CostGuard:
    """Looks at costs in the order in which they were measured, before they are used."""

    def __init__(self, bounds: CostBounds) -> None:
        self._bounds = bounds
        low, high = bounds.low, bounds.high
        self._low = -_LARGEST if low is None else max(low, -_LARGEST)
        self._high = _LARGEST if high is None else min(high, _LARGEST)
        self._rails = frozenset(bounds.rails)
        self._most: float = math.inf if bounds.stuck_probes is None else bounds.stuck_probes
        self._last = math.nan
        self._same = 0

    @property
    def pauses(self) -> bool:
        """Whether a trip pauses the run, rather than ending it."""
        return self._bounds.action == "pause"

    def forget(self) -> None:
        """Neighbours are counted anew."""
        self._last, self._same = math.nan, 0

    def look(self, costs: Float64) -> Trip | None:
        """The first of neighbouring training costs (n,) to be refused; None: all are good."""
        trip = self._look(costs)
        if trip is not None:
            self.forget()
        return trip

    def judge(self, costs: Float64) -> Trip | None:
        """As `look` for costs (n,) of an evaluation, which may well be the same."""
        good = (costs >= self._low) & (costs <= self._high)
        for rail in self._rails:
            good &= costs != rail
        if good.all():
            return None
        place = int(np.argmin(good))
        return self._trip(place, float(costs[place]))

    def _look(self, costs: Float64) -> Trip | None:
        if len(costs) > _FEW:
            return self.judge(costs) or self._look_for_same(costs)
        # The same, several times faster on a handful. NaN compares false with everything.
        low, high, rails, last = self._low, self._high, self._rails, self._last
        for place, cost in enumerate(costs.tolist()):
            if not low <= cost <= high or (rails and cost in rails):
                return self._trip(place, cost)
            if cost != last:
                last, self._same = cost, 1
            else:
                self._same += 1
                if self._same >= self._most:
                    return self._stuck(place)
        self._last = last
        return None

    def _look_for_same(self, costs: Float64) -> Trip | None:
        last, most = float(costs[-1]), self._most
        if self._same + len(costs) < most and last != costs[-2]:
            self._last, self._same = last, 1
            return None
        same = costs[1:] == costs[:-1]
        # The run that the block begins with goes on from the block before.
        carried = self._same if costs[0] == self._last else 0
        if carried + np.count_nonzero(same) + 1 >= most:
            edges = np.concatenate([[-carried], np.flatnonzero(~same) + 1, [len(costs)]])
            long = np.flatnonzero(np.diff(edges) >= most)
            if len(long):
                return self._stuck(int(edges[long[0]] + most - 1))
        run = len(costs) + carried if same.all() else int(np.argmin(same[::-1])) + 1
        self._last, self._same = last, run
        return None

    def _stuck(self, place: int) -> Trip:
        return Trip(
            place,
            "stuck",
            f"as did the {self._bounds.stuck_probes} probes up to it, bit for bit "
            f"(guards.cost.stuck_probes: {self._bounds.stuck_probes})",
        )

    def _trip(self, place: int, cost: float) -> Trip:
        if not math.isfinite(cost):
            return Trip(place, "number", "which is no number")
        if abs(cost) >= OVERFLOW:
            return Trip(place, "number", "the value by which instruments tell an overflow")
        if self._low <= cost <= self._high:
            return Trip(place, "rail", "which guards.cost.rails names as a rail of an instrument")
        low = "" if self._bounds.low is None else f"{self._bounds.low:g}"
        high = "" if self._bounds.high is None else f"{self._bounds.high:g}"
        return Trip(place, "range", f"outside guards.cost, [{low} … {high}]")


def check_overflow(values: Float64, what: str, chip_name: str) -> None:
    """MeasurementError where outputs hold a value by which instruments tell an overflow.

    A cost need not show it: softmax of nothing but 9.9e37 is as good as any. What is not finite it
    does show.
    """
    if values.size <= _FEW:
        if all(-OVERFLOW < value < OVERFLOW for value in values.ravel().tolist()):
            return
    elif np.abs(values).max() < OVERFLOW:
        return
    overflown = np.argwhere(np.isfinite(values) & (np.abs(values) >= OVERFLOW))
    if len(overflown):
        place = tuple(overflown[0].tolist())
        raise MeasurementError(
            f"chip {chip_name!r} returned {what} of {values[place]:g} at {list(place)}, the value "
            "by which instruments tell an overflow; nothing was computed with it. Check the "
            "instrument's range and the chip's outputs"
        )
