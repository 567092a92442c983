"""Instruments that feed a chip and watch it, beside a link that the chip has of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from drivers.bench.boxes import Boxes
from drivers.bench.channel_checks import build_instruments
from drivers.bench.exchanges import Exchanges
from drivers.bench.lanes import Lanes
from drivers.bench.levels import Levels
from drivers.bench.opening import Opening
from drivers.bench.outputs import Outputs
from drivers.bench.real_time import RealTime
from drivers.bench.safe_state import SafeState, reasons_in_words
from drivers.bench.watched import Watched
from drivers.bench.wiring import Sources
from drivers.link_settings import RetrySettings
from mgd_lab.chip import Recovery, TelemetryChannel
from mgd_lab.errors import ChipError, MgdLabError
from mgd_lab.experiment.bench_terminals import TelemetryMap
from mgd_lab.experiment.instrument_settings import InstrumentSettings
from mgd_lab.experiment.supplies import SupplyMap

Float64 = NDArray[np.float64]
T = TypeVar("T")

_RAMP_STEP_SECONDS = 0.02
_READ_BACK_TOLERANCE = 1e-4
"""Of the range of a supply: sources round a level to their own steps."""


class Feeds(Protocol):
    """Keys of a chip file."""

    @property
    def instruments(self) -> Mapping[str, InstrumentSettings]: ...
    @property
    def supplies(self) -> Sequence[SupplyMap]: ...
    @property
    def telemetry(self) -> Sequence[TelemetryMap]: ...
    @property
    def settle_seconds(self) -> float: ...
    @property
    def visa_library(self) -> str: ...
    @property
    def retries(self) -> RetrySettings: ...
    @property
    def trips_every_blocks(self) -> int: ...
    @property
    def errors_every_blocks(self) -> int: ...


class Supplies:
    """Off, until they are switched on; then each stands at its value, and is looked after.

    Args:
        name: what messages call the chip.
        settings: its chip file.
        library: what `pyvisa.ResourceManager` takes; that of the chip file where None.
    """

    def __init__(self, name: str, settings: Feeds, library: Any) -> None:
        self._name = name
        self._settings = settings
        time = RealTime()
        self._wait, self._now = time.wait, time.now
        library = settings.visa_library if library is None else library
        self._boxes = boxes = Boxes.sorted(build_instruments(settings.instruments, library))
        resources = {each: section.resource for each, section in settings.instruments.items()}
        lanes = Lanes(resources, time)
        self._sources = sources = Sources(
            boxes.all,
            [supply.knob(k) for k, supply in enumerate(settings.supplies)],
            settle_seconds=settings.settle_seconds,
        )
        self._levels = Levels(boxes, sources, lanes, time)
        # One after another, as chips want their supplies.
        stages = [(each,) for each in boxes.all]
        self._opening = Opening(boxes, stages, lanes)
        self._outputs = Outputs(name, boxes, self._opening, sources, self._levels, lanes)
        self._safe = SafeState(boxes, self._opening, self._levels)
        self._exchanges = Exchanges(
            name, settings.retries, lanes, boxes.all, self._reopen, time.wait
        )
        self._watched = Watched(settings.telemetry, boxes, lanes)
        slews = [each.slew_per_second for each in settings.supplies]
        self._slews = np.array([math.inf if slew is None else slew for slew in slews])
        # Values at which they stand, (K,).
        self._values: Float64 = sources.safe.copy()
        self._in_doubt = np.zeros(len(self._values), np.bool_)
        self._blocks = 0

    @property
    def feed(self) -> bool:
        """Whether there is anything to switch; meters alone may be beside a chip."""
        return len(self._values) > 0

    @property
    def channels(self) -> tuple[TelemetryChannel, ...]:
        """What is watched."""
        return tuple(TelemetryChannel(each.name, each.unit) for each in self._settings.telemetry)

    @property
    def identities(self) -> Mapping[str, str]:
        """Instrument → who it is, and where."""
        return self._opening.identities_in_words

    def take_recoveries(self) -> list[Recovery]:
        """What the links recovered from since the last call."""
        return self._exchanges.take_recoveries()

    def open(self) -> None:
        """Connects and configures all; none is switched, and all are closed where one fails."""
        self._levels.forget()
        self._values = self._sources.safe.copy()
        self._in_doubt[:] = False
        try:
            self._exchanges.open(self._opening.open)
            self._outputs.were_switched_on = self.are_on()
            self._outputs.unseen = ""
            if self._outputs.were_switched_on:
                self._values = self._ask(self._found, "reading supplies")
        except BaseException as error:
            self.close_after(error)
            raise

    def switch(self, on: bool) -> None:
        """On: from the safe values up, no faster than they may; off: down again, then outputs off.

        Raises:
            ChipError: an instrument stays as it was, or trips.
        """
        what = f"switching supplies {'on' if on else 'off'}"
        self._ask(self._switch_on if on else self._switch_off, what)

    def are_on(self) -> bool:
        """Whether any is, as the instruments say."""
        return self._ask(self._outputs.any_on, "reading the outputs of supplies")

    def look(self) -> None:
        """After a block: ChipError where a supply has tripped, went off, or kept an error."""
        self._blocks += 1
        settings = self._settings
        every = settings.trips_every_blocks
        self._ask(lambda: self._outputs.look_after_block(every), "looking for trips")
        if self._blocks % settings.errors_every_blocks == 0:
            self._exchanges.perform(self._look_for_errors, "looking for errors")

    def read(self) -> list[float]:
        """What is watched, in its units; NaN while supplies are off."""
        if self.feed and not self._outputs.were_switched_on:
            return [math.nan] * len(self._settings.telemetry)
        return self._exchanges.perform(self._watched.read, "reading telemetry")

    def make_safe(self) -> str:
        """Outputs off, both read back; what is not known to be safe, in words, or ""."""
        try:
            # Whatever fails on the slow way down, even a second Ctrl-C, outputs go off.
            with suppress(Exception):
                self._outputs.look_at_last_blocks()
            if self._outputs.were_switched_on and np.isfinite(self._slews).any():
                with suppress(Exception):
                    self._ramp_down_those_that_obey()
        finally:
            self._outputs.were_switched_on = False
            unsafe = self._safe.reach()
        return reasons_in_words(unsafe)

    def close(self) -> None:
        """Ends all sessions; InstrumentError where an instrument complained, or kept an error."""
        self._exchanges.close()
        complaint: MgdLabError | None = self._outputs.complaint() or self._safe.complaint(
            self._name
        )
        try:
            self._opening.drain_errors(list(self._boxes.all))
        except MgdLabError as error:
            complaint = complaint or error
        if complaint is None:
            self._opening.close()
            return
        self._opening.close_after(complaint)
        raise complaint

    def close_after(self, error: BaseException) -> None:
        """Ends all sessions; what fails is told with the error that has come before."""
        self._exchanges.close()
        self._opening.close_after(error)

    def _ask(self, operation: Callable[[], T], what: str) -> T:
        """Of the supplies: meters beside them may be dead."""
        return self._exchanges.perform(operation, what, of=self._sources.columns)

    @property
    def _all(self) -> NDArray[np.intp]:
        return np.arange(len(self._values))

    def _found(self) -> Float64:
        """Values at which they are found; what reads as an edge of its range is that edge."""
        values = self._sources.values(self._levels.read())
        low = np.array([supply.low for supply in self._settings.supplies])
        high = np.array([supply.high for supply in self._settings.supplies])
        inside = np.clip(values, low, high)
        near = np.abs(inside - values) <= _READ_BACK_TOLERANCE * (high - low)
        found = np.where(near, inside, values)
        for name, columns in self._sources.columns.items():
            # What is off stands nowhere, whatever level it was told.
            if not self._boxes.sources[name].outputs_are_on():
                found[columns] = self._sources.safe[columns]
            # One that is on may have channels that are off: they begin anew, together.
            elif len(columns) > 1:
                self._in_doubt[columns] = True
        return found

    def _switch_on(self) -> None:
        if not self._outputs.were_switched_on:
            self._values = self._sources.safe.copy()
        elif self._in_doubt.any():
            self._ramp(np.where(self._in_doubt, self._sources.safe, self._values))
        self._in_doubt[:] = False
        self._outputs.switch_on(self._sources.levels(self._values), self._all)
        self._ramp(self._sources.resting)
        self._outputs.look_for_trips()

    def _switch_off(self) -> None:
        self._outputs.look_at_last_blocks()
        if self._outputs.were_switched_on:
            self._ramp(self._sources.safe)
        self._outputs.switch_off(self._all)

    def _ramp(self, goal: Float64) -> None:
        """From where they stand to values (K,), all together, none faster than it may."""
        for values in self._steps(goal):
            self._levels.set(self._sources.levels(values))
            self._values = values.copy()

    def _ramp_down_those_that_obey(self) -> None:
        """An instrument that fails is left to be switched off; the others go on as slowly."""
        left = dict(self._sources.columns)
        for values in self._steps(self._sources.safe):
            levels = self._sources.levels(values)
            for name, columns in list(left.items()):
                try:
                    self._levels.set(levels, columns)
                # Whatever a driver raises, the others go on.
                except Exception:  # noqa: BLE001
                    del left[name]
                else:
                    self._values[columns] = values[columns]

    def _steps(self, goal: Float64) -> Iterator[Float64]:
        """Values (K,) on the way there, each when its time has come."""
        start = self._values.copy()
        seconds = float(np.max(np.abs(goal - start) / self._slews, initial=0.0))
        steps = max(1, math.ceil(seconds / _RAMP_STEP_SECONDS))
        for k in range(1, steps + 1):
            began = self._now()
            yield goal.copy() if k == steps else start + (goal - start) * (k / steps)
            self._wait(began + seconds / steps - self._now())

    def _look_for_errors(self) -> None:
        self._opening.drain_errors(list(self._boxes.all))
        if not self._outputs.all_on():
            raise ChipError(f"{self._name}: a supply has switched its output off")

    def _reopen(self, names: set[str]) -> None:
        self._opening.reopen(
            names,
            self._levels,
            outputs_on=self._outputs.were_switched_on,
        )
