"""How a probe becomes steps of lists: how many, how long each, and how many fit at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.bench.boxes import Boxes
from drivers.bench.wiring import Meters, Sources
from mgd_lab.chip.instruments import DelaysReadings
from mgd_lab.errors import CapabilityError

_READING_MARGIN = 1.05
"""A trigger that comes while the reading before it is being finished would be lost."""


@dataclass(frozen=True)
class ListPlan:
    """Steps of the conductor's list.

    Attributes:
        steps_per_probe: each gives a marker, and every meter a reading.
        dropped: readings at the beginning of a probe that were taken while levels settled.
        dwell_seconds: of one step.
        largest_probes: most probes that lists and buffers hold.
    """

    steps_per_probe: int
    dropped: int
    dwell_seconds: float
    largest_probes: int


def list_plan(
    boxes: Boxes, sources: Sources, meters: Meters, playing: Sequence[str], asked: float | None
) -> ListPlan:
    """The quickest that settling, readings and the instruments' shortest steps allow.

    Args:
        boxes: the instruments.
        sources: what is driven.
        meters: what is read.
        playing: instruments that play lists.
        asked: no step is shorter, in seconds.
    """
    settling = max(float(sources.settle_seconds[sources.columns[name]].max()) for name in playing)
    reading = max(boxes.all[name].times.reading for name in meters.names)
    shortest = max(boxes.all[name].times.list_step for name in playing)
    dwell = max(settling, _READING_MARGIN * reading, shortest, asked or 0.0)
    if not dwell > 0:
        raise CapabilityError(
            "timing: hardware: nothing says how long a step of the lists lasts; give "
            "list_dwell_seconds"
        )
    # Where a meter reads at once, the first step of a probe is for settling.
    dropped = 0 if all(_delay(boxes, name) >= settling for name in meters.names) else 1
    if not dropped:
        dwell = max(_READING_MARGIN * reading, shortest, asked or 0.0)
    steps = dropped + meters.reads
    holds = min(
        min(boxes.players[name].largest_list for name in playing),
        min(boxes.buffers[name].largest_buffer for name in meters.names),
    )
    if holds < steps:
        raise CapabilityError(
            f"timing: hardware: a probe takes {steps} steps, {dropped} of them for settling; lists "
            f"and buffers hold {holds}. Use fewer reads_per_probe"
        )
    return ListPlan(steps, dropped, dwell, holds // steps)


def _delay(boxes: Boxes, name: str) -> float:
    meter = boxes.all[name]
    return meter.trigger_delay_seconds if isinstance(meter, DelaysReadings) else 0.0
