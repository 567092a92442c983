"""A block as lists: loaded, armed, started once and fetched once, and proved by counts.

The conductor's list steps by its own timer and gives a marker at each step; at each marker the
followers take their next level and the meters their next reading. Where a reading begins with its
step, while the levels have not settled, every probe takes one step more than it is read: the
reading of the first is dropped. Meters whose trigger delay covers the settling need no such step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.bench.boxes import Boxes
from drivers.bench.lanes import Lanes
from drivers.bench.levels import Levels
from drivers.bench.list_plan import ListPlan
from drivers.bench.wiring import Meters, Readings, Sources
from mgd_lab.chip.bench_time import BenchTime
from mgd_lab.errors import LinkError

Float64 = NDArray[np.float64]


class HardwareTiming:
    """Blocks longer than a list or a buffer are measured in several.

    Args:
        conductor: the instrument that paces all others.
        plan: steps a probe, and how long each lasts.
    """

    def __init__(
        self,
        conductor: str,
        plan: ListPlan,
        boxes: Boxes,
        sources: Sources,
        levels: Levels,
        meters: Meters,
        lanes: Lanes,
        time: BenchTime,
    ) -> None:
        self._conductor = conductor
        self._plan = plan
        self._boxes = boxes
        self._sources = sources
        self._levels = levels
        self._meters = meters
        self._lanes = lanes
        self._time = time

    def measure(self, levels: Float64) -> Readings:
        """Levels (n, K) → readings of each meter (n, reads, channels)."""
        most = self._plan.largest_probes
        parts = [self._part(levels[k : k + most]) for k in range(0, len(levels), most)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _part(self, levels: Float64) -> Readings:
        playing = self._playing(levels)
        columns = np.concatenate([self._sources.columns[name] for name in playing])
        still = np.ones(levels.shape[1], np.bool_)
        still[columns] = False
        self._levels.set(levels[0], np.flatnonzero(still))
        steps = len(levels) * self._plan.steps_per_probe
        # Wherever this ends, nobody knows at which step the lists stand.
        self._levels.doubt(columns)
        try:
            self._play(playing, np.repeat(levels, self._plan.steps_per_probe, axis=0))
            found = self._fetched(steps)
            self._prove(playing, steps)
        except LinkError:
            # Any of them may still wait for triggers of this block.
            self._lanes.suspects.update((*playing, *self._meters.names))
            raise
        self._levels.told[columns] = levels[-1, columns]
        shape = (len(levels), self._plan.steps_per_probe)
        dropped = self._plan.dropped
        return {
            name: each.reshape(*shape, each.shape[1])[:, dropped:] for name, each in found.items()
        }

    def _playing(self, levels: Float64) -> tuple[str, ...]:
        """The conductor first, then whoever has levels that change."""
        changes = (levels != levels[0]).any(axis=0)
        followers = (
            name
            for name, columns in self._sources.columns.items()
            if name != self._conductor and changes[columns].any()
        )
        return (self._conductor, *followers)

    def _play(self, playing: tuple[str, ...], rows: Float64) -> None:
        boxes, lanes, conductor = self._boxes, self._lanes, self._conductor
        followers = playing[1:]
        lanes.run_or_raise({name: lambda name=name: self._load(name, rows) for name in playing})
        lanes.run_or_raise(
            {
                name: lambda name=name: boxes.buffers[name].arm_buffer(len(rows), "trigger")
                for name in self._meters.names
            }
        )
        lanes.run_or_raise({name: boxes.players[name].arm_list for name in followers})
        lanes.run_or_raise({conductor: boxes.players[conductor].arm_list})
        lanes.run_or_raise({conductor: boxes.players[conductor].start_list})
        # Instruments answer no later than their time-out; a list may take longer than that.
        self._time.wait(len(rows) * self._plan.dwell_seconds)

    def _load(self, name: str, rows: Float64) -> None:
        knobs = self._sources.knobs
        places: list[int] = self._sources.columns[name].tolist()
        self._boxes.players[name].load_list(
            {knobs[k].channel: rows[:, k].copy() for k in places},
            "own" if name == self._conductor else "trigger",
            self._plan.dwell_seconds,
        )

    def _fetched(self, steps: int) -> dict[str, Float64]:
        found: dict[str, Float64] = {}

        def fetch(name: str) -> None:
            found[name] = self._boxes.buffers[name].fetch_buffer(steps)

        self._lanes.run_or_raise(
            {name: lambda name=name: fetch(name) for name in self._meters.names}
        )
        for name, readings in found.items():
            if readings.ndim != 2 or len(readings) != steps:
                raise LinkError(
                    f"{name}: {steps} triggers were given; its buffer holds readings of shape "
                    f"{readings.shape}. The block is not used"
                )
        return found

    def _prove(self, playing: tuple[str, ...], steps: int) -> None:
        counts: dict[str, int] = {}

        def count(name: str) -> None:
            counts[name] = self._boxes.players[name].steps_played()

        self._lanes.run_or_raise({name: lambda name=name: count(name) for name in playing})
        for name, played in counts.items():
            if played != steps:
                raise LinkError(
                    f"{name}: its list of {steps} steps was played for {played} of them. The block "
                    "is not used. Check the trigger cables"
                )
