"""What stands at the terminals: only what changes is sent, and then settling is waited for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from drivers.bench.boxes import Boxes
from drivers.bench.lanes import Lanes, Task
from drivers.bench.wiring import Sources
from mgd_lab.chip.bench_time import BenchTime
from mgd_lab.errors import InstrumentError

Float64 = NDArray[np.float64]

_READ_BACK_TOLERANCE = 1e-5
"""Of the channel's range: sources round a level to their own steps and print it with few digits."""


class Levels:
    """Levels (K,) as the instruments were told last.

    Attributes:
        told: NaN where nothing was told yet.
        certain: where an instrument is known to have taken what it was told.
        safe: levels at which all is left.
    """

    def __init__(self, boxes: Boxes, sources: Sources, lanes: Lanes, time: BenchTime) -> None:
        self._boxes = boxes
        self._sources = sources
        self._lanes = lanes
        self._time = time
        count = len(sources.knobs)
        self.told: Float64 = np.full(count, np.nan)
        self.certain = np.zeros(count, np.bool_)
        self._channels = [knob.channel for knob in sources.knobs]
        self._allowed = _allowed(boxes, sources)
        self.safe: Float64 = sources.levels(sources.safe)

    def forget(self) -> None:
        """Nobody knows what stands there: everything is sent again."""
        self.told = np.full(len(self.told), np.nan)
        self.certain[:] = False

    def doubt(self, columns: NDArray[np.intp]) -> None:
        """These are sent again, whatever they were told."""
        self.certain[columns] = False

    def set(
        self,
        levels: Float64,
        columns: NDArray[np.intp] | None = None,
        *,
        head_start_seconds: float = 0.0,
    ) -> None:
        """Brings the terminals (or those of `columns`) to levels (K,), and waits for settling.

        The wait is shorter by `head_start_seconds`, for whoever lets them pass before it reads.
        Instruments on different links are told at the same time. Errors are those of
        `SetsLevels.set_levels`; what was told and did not arrive is sent again next time.
        """
        changed = (levels != self.told) | ~self.certain
        if columns is not None:
            others = np.ones(len(changed), np.bool_)
            others[columns] = False
            changed &= ~others
        due: dict[str, float] = {}
        tasks = {
            name: self._task(name, mine, levels, due)
            for name, all_of_it in self._sources.columns.items()
            if len(mine := all_of_it[changed[all_of_it]])
        }
        if not tasks:
            return
        self._lanes.run_or_raise(tasks)
        self._time.wait(max(due.values()) - head_start_seconds - self._time.now())

    def read(self) -> Float64:
        """Levels (K,) as the instruments tell them.

        What lies within their rounding of what they were told, or of the safe level, is that.
        """
        found: dict[str, Mapping[str, float]] = {}

        def reading(name: str) -> None:
            found[name] = self._boxes.sources[name].read_levels()

        columns = self._sources.columns
        self._lanes.run_or_raise({name: lambda name=name: reading(name) for name in columns})
        levels = np.empty(len(self.told))
        for name, mine in columns.items():
            levels[mine] = self.of(name, found[name])
        return levels

    def of(self, name: str, found: Mapping[str, float]) -> Float64:
        """Levels of one instrument's columns from what it tells; InstrumentError: not of all."""
        mine = self._sources.columns[name]
        try:
            read = np.array([found[self._channels[k]] for k in mine], np.float64)
        except KeyError as error:
            raise InstrumentError(
                f"{name}: it tells no level of channel {error.args[0]!r}, which the chip file maps"
            ) from error
        for known in (self.safe[mine], self.told[mine]):
            near = np.abs(read - known) <= self._allowed[mine]
            read[near] = known[near]
        return read

    def by_instrument(self, levels: Float64) -> dict[str, dict[str, float]]:
        """Levels (K,) as each source is told them: instrument → channel → level."""
        return {
            name: {self._channels[k]: float(levels[k]) for k in columns.tolist()}
            for name, columns in self._sources.columns.items()
        }

    def differs(self, name: str, levels: Float64, found: Mapping[str, float]) -> str:
        """What of one instrument is not as in levels (K,), in words; "" where all is.

        Where `levels` is NaN anything is right.
        """
        mine = self._sources.columns[name]
        read = self.of(name, found)
        near = np.abs(read - levels[mine]) <= self._allowed[mine]
        wrong = np.flatnonzero(~(near | np.isnan(levels[mine])))
        if not len(wrong):
            return ""
        k = int(mine[wrong[0]])
        knob = self._sources.knobs[k]
        conversion = knob.conversion
        more = f" ({len(wrong)} channels differ)" if len(wrong) > 1 else ""
        return (
            f"{knob.name} (channel {knob.channel!r}) reads "
            f"{conversion.value(float(read[wrong[0]])):.6g} {knob.unit} instead of "
            f"{conversion.value(float(levels[k])):.6g} {knob.unit}{more}"
        )

    def changed(self, name: str, found: Mapping[str, float]) -> str:
        """What of one instrument is not as it was told, in words; "" where all of it is."""
        # Of a level that may have been on its way, either is right.
        return self.differs(name, np.where(self.certain, self.told, np.nan), found)

    def _task(
        self, name: str, columns: NDArray[np.intp], levels: Float64, due: dict[str, float]
    ) -> Task:
        places: list[int] = columns.tolist()
        wanted = {self._channels[k]: float(levels[k]) for k in places}
        source = self._boxes.sources[name]
        settling = float(self._sources.settle_seconds[columns].max())

        def send() -> None:
            self.certain[columns] = False
            source.set_levels(wanted)
            self.told[columns] = levels[columns]
            self.certain[columns] = True
            due[name] = self._time.now() + settling

        return send


def _allowed(boxes: Boxes, sources: Sources) -> Float64:
    """How far what is read may lie from what was told, (K,)."""
    ranges = {
        (name, channel.name): max(abs(channel.low), abs(channel.high))
        for name, instrument in boxes.all.items()
        for channel in instrument.channels
        if channel.direction == "source"
    }
    spans = np.array([ranges[knob.instrument, knob.channel] for knob in sources.knobs])
    return _READ_BACK_TOLERANCE * np.where(np.isfinite(spans), spans, 0.0)
