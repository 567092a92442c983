"""The trigger model, the data store and the readings of a Keithley 2400.

Series 2400 User's Manual (2400S-900-01), sections 9, 11 and 18: a run is source, delay, measure, as
often as the arm and trigger counts say. In the trigger layer a pulse of the trigger link can be
waited for before the source is set. A pulse that comes at another time is kept, one at most, until
TRIGger:CLEar.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from sim_instruments.bench.integration import Integration
from sim_instruments.bench.plug import Plug

NOT_MEASURED = 9.91e37
OVERFLOW = 9.9e37


@dataclass(frozen=True)
class Reading:
    """One record: voltage, current, resistance, seconds, status."""

    volts: float
    amperes: float
    ohms: float
    seconds: float
    status: int

    def element(self, name: str) -> float:
        """By its name in FORMat:ELEMents."""
        return {
            "VOLT": self.volts,
            "CURR": self.amperes,
            "RES": self.ohms,
            "TIME": self.seconds,
            "STAT": float(self.status),
        }[name]


@dataclass
class DataStore:
    """TRACe: what is kept of the readings of a run."""

    points: int = 100
    is_filling: bool = False

    def __post_init__(self) -> None:
        self.readings: list[Reading] = []

    def put(self, reading: Reading) -> None:
        """Keeps it while the store is enabled and has room."""
        if self.is_filling:
            self.readings.append(reading)
            self.is_filling = len(self.readings) < self.points

    @property
    def is_full(self) -> bool:
        """As many as there is room for."""
        return len(self.readings) >= self.points


class Cycle(Protocol):
    """One source-delay-measure action, as the instrument is set now."""

    def before_source(self, step: int) -> None:
        """Sets the source to what this step of a list or the fixed level is."""
        ...

    @property
    def times(self) -> tuple[float, float, float]:
        """Delay before the source, from there to the reading, of the conversion; seconds."""
        ...

    @property
    def aperture(self) -> float:
        """How long the input is integrated."""
        ...

    def sense(self) -> float:
        """What is measured, now."""
        ...

    def reading(self, mean: float) -> Reading:
        """What the instrument makes of it."""
        ...


class TriggerModel:
    """Idle, waiting for a pulse, or in a cycle.

    Args:
        plug: of the instrument.
        cycle: what is done.
        settings: source of triggers ("IMM" or "TLIN"), how many cycles, and which of them gives a
            pulse ("SOUR", "DEL", "SENS" or "NONE") at which line.
        store: the data store.
    """

    def __init__(
        self,
        plug: Plug,
        cycle: Cycle,
        settings: Callable[[], tuple[str, int, str, str]],
        store: DataStore,
    ) -> None:
        self.sample: list[Reading] = []
        self._plug = plug
        self._cycle = cycle
        self._settings = settings
        self._store = store
        self._state: Literal["idle", "waiting", "acting"] = "idle"
        self._is_kept = False
        self._done = 0
        self._integration = Integration(plug)

    @property
    def is_idle(self) -> bool:
        """Nothing is done nor waited for."""
        return self._state == "idle"

    def initiate(self) -> None:
        """Leaves idle."""
        self.sample = []
        self._done = 0
        self._next()

    def abort(self) -> None:
        """Idle at once; the source stays where it is."""
        self._integration.give_up()
        self._state, self._is_kept = "idle", False

    def clear(self) -> None:
        """A pulse that was kept counts for nothing."""
        self._is_kept = False

    def triggered(self) -> None:
        """A pulse at the input line."""
        self._is_kept = True
        if self._state == "waiting":
            self._begin()

    def _next(self) -> None:
        source, count, _, _ = self._settings()
        if self._done >= count:
            self._state = "idle"
        elif source == "IMM" or self._is_kept:
            self._begin()
        else:
            self._state = "waiting"

    def _begin(self) -> None:
        self._state, self._is_kept = "acting", False
        before, _, _ = self._cycle.times
        self._integration.later(before, self._set_source)

    def _set_source(self) -> None:
        self._cycle.before_source(self._done)
        self._mark("SOUR")
        _, delay, _ = self._cycle.times
        self._integration.later(delay, self._measure)

    def _measure(self) -> None:
        self._mark("DEL")
        self._integration.mean(self._cycle.sense, self._cycle.aperture, self._measured)

    def _measured(self, mean: float) -> None:
        _, _, conversion = self._cycle.times
        reading = self._cycle.reading(mean)

        def end() -> None:
            self.sample.append(reading)
            self._store.put(reading)
            self._done += 1
            self._mark("SENS")
            self._next()

        self._integration.later(max(0.0, conversion - self._cycle.aperture), end)

    def _mark(self, event: str) -> None:
        _, _, output, line = self._settings()
        if output == event:
            self._plug.pulse(line)
