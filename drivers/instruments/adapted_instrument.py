"""An instrument behind a library of others, under our limits and with everything read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.adapted_setup import set_up
from drivers.instruments.adapter_seam import Seam
from drivers.instruments.adapter_settings import (
    AdaptedMeter,
    AdaptedSource,
    AdapterSettings,
    Assignments,
)
from drivers.instruments.adapter_values import complaints, number, truth
from drivers.instruments.foreign import Foreign
from drivers.link import place
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes
from mgd_lab.errors import (
    ChipError,
    IdentityError,
    InstrumentError,
    LimitError,
    MeasurementError,
)

Float64 = NDArray[np.float64]

_OVERFLOW = 9e36
_MOST_ERRORS = 100


class AdaptedInstrument:
    """Sources and meters that a library sets and reads by name, one exchange at a time.

    Args:
        name: in the chip file.
        settings: its section.
        foreign: the library's side.
    """

    def __init__(self, name: str, settings: AdapterSettings[Any, Any], foreign: Foreign) -> None:
        self._name = name
        self._settings = settings
        self._foreign = foreign
        self._sources: Mapping[str, AdaptedSource] = settings.sources
        self._meters: Mapping[str, AdaptedMeter] = settings.meters
        self._seam = Seam(place(name, settings.resource or settings.class_name))
        self._identity: dict[str, str] = {"resource": settings.resource}
        self._told: dict[str, float] = {}

    @property
    def name(self) -> str:
        """Its name in the chip file."""
        return self._name

    @property
    def identity(self) -> Mapping[str, str]:
        """As the instrument tells it, or by its class, and the resource."""
        return self._identity

    @property
    def channels(self) -> Sequence[InstrumentChannel]:
        """Sources, then meters, as the chip file names them."""
        has_switch = self._settings.outputs is not None
        knobs = [
            InstrumentChannel(name, "source", each.unit, each.low, each.high, switched=has_switch)
            for name, each in self._sources.items()
        ]
        read = [
            InstrumentChannel(
                name,
                "meter",
                each.unit,
                -np.inf if each.low is None else each.low,
                np.inf if each.high is None else each.high,
            )
            for name, each in self._meters.items()
        ]
        return (*knobs, *read)

    @property
    def times(self) -> InstrumentTimes:
        """By the settings: every source is set and read back, every meter read, each by itself."""
        settings = self._settings
        exchange = settings.exchange_seconds
        return InstrumentTimes(
            exchange=exchange * max(1, 2 * len(self._sources)),
            level=settings.level_seconds,
            reading=settings.reading_seconds,
            transfer=exchange * len(self._meters),
        )

    def connect(self) -> None:
        """Has the library open it; what that sends is the library's affair.

        Raises:
            ConfigurationError: it has no such name as the chip file uses.
        """
        self._seam.open(self._foreign.connect)
        found = self._seam.exchange("reading its identity", self._foreign.identity)
        self._identity = {**found, "resource": self._settings.resource}
        expected = self._settings.identity.model_dump(exclude_none=True)
        for field, value in expected.items():
            if self._identity.get(field) != value:
                raise IdentityError(
                    f"{self._seam.place}: {field} is {self._identity.get(field)!r}, expected "
                    f"{value!r}. Check the keys resource, class and identity"
                )
        self._seam.exchange("looking for names", self._foreign.check_names)

    def configure(self) -> None:
        """`setup` in its order, each read back; what is so already is not sent.

        InstrumentError where it changed the level of an output that was on.
        """
        self.take_errors()
        was_on = bool(self._sources) and self.outputs_are_on()
        before: Mapping[str, float] = self.read_levels() if was_on else {}
        set_up(self._seam, self._foreign, self._settings.setup)
        errors = self.take_errors()
        if errors:
            raise InstrumentError(
                f"{self._seam.place}: errors after its setup: {'; '.join(errors)}"
            )
        if was_on:
            self._refuse_change(before)

    def take_errors(self) -> Sequence[str]:
        """What the key `errors` names gives, until it gives no more."""
        path = self._settings.errors
        if path is None:
            return ()
        found: list[str] = []
        more = True
        while more:
            given, more = complaints(self._get(path, "reading its errors"))
            found += given
            if len(found) > _MOST_ERRORS:
                raise InstrumentError(
                    f"{self._seam.place}: its errors do not end; the last was {found[-1]}"
                )
        return found

    def close(self) -> None:
        """Ends the session; the outputs stay as they are."""
        self._seam.close(self._foreign.close)

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """Each by itself, and each read back.

        Raises:
            LimitError: a level lies beyond its limits (none was sent), the library refused it, or
                it reads back as another.
        """
        for channel, level in levels.items():
            self._check(channel, level)
        for channel, level in levels.items():
            path = self._sources[channel].written
            self._told.pop(channel, None)
            self._seam.exchange(
                f"setting {channel} ({path}) to {level:g}",
                partial(self._foreign.set, path, float(level)),
                LimitError,
            )
            self._refuse_clipped(channel, level)
            self._told[channel] = level

    def read_levels(self) -> Mapping[str, float]:
        """As the instrument tells them; within the tolerance of what was set, that."""
        found: dict[str, float] = {}
        for channel, source in self._sources.items():
            level, told = self._level(channel), self._told.get(channel)
            near = told is not None and abs(level - told) <= source.allowed
            found[channel] = told if near and told is not None else level
        return found

    def switch_outputs(self, on: bool) -> None:
        """By the key `outputs`; without it, all go to level 0 where `on` is false."""
        outputs = self._settings.outputs
        if outputs is not None:
            self._act(
                f"switching outputs {'on' if on else 'off'}", outputs.on if on else outputs.off
            )
        elif not on:
            self.set_levels(dict.fromkeys(self._sources, 0.0))

    def outputs_are_on(self) -> bool:
        """By the key `outputs`; without it, whether a level is another than 0."""
        outputs = self._settings.outputs
        if outputs is not None:
            return any(self._truth(path) for path in outputs.states)
        levels = self.read_levels()
        return any(abs(levels[name]) > each.allowed for name, each in self._sources.items())

    def look_for_trips(self) -> Sequence[str]:
        """Those names of the key `trips` that are true."""
        return [f"{path} is set" for path in self._settings.trips if self._truth(path)]

    def measure(self, count: int) -> Float64:
        """(count, meters), each read by itself."""
        rows = [[self._reading(name) for name in self._meters] for _ in range(count)]
        return np.array(rows, np.float64).reshape(count, len(self._meters))

    def _get(self, path: str, what: str) -> Any:
        return self._seam.exchange(f"{what} ({path})", partial(self._foreign.get, path))

    def _converted(
        self, path: str, what: str, convert: Callable[[Any], Any], wrong: type[ChipError]
    ) -> Any:
        found = self._get(path, what)
        try:
            return convert(found)
        except ValueError as error:
            raise wrong(f"{self._seam.place}: {what} ({path}): {error}") from error

    def _truth(self, path: str) -> bool:
        return self._converted(path, "reading its state", truth, InstrumentError)

    def _level(self, channel: str) -> float:
        path = self._sources[channel].read
        level = self._converted(path, f"reading {channel} back", number, InstrumentError)
        if not np.isfinite(level):
            raise InstrumentError(f"{self._seam.place}: {channel} ({path}) reads back as {level}")
        return level

    def _reading(self, channel: str) -> float:
        meter = self._meters[channel]
        value = self._converted(
            meter.read,
            f"reading {channel}",
            partial(number, index=meter.index),
            MeasurementError,
        )
        low = -_OVERFLOW if meter.low is None else meter.low
        high = _OVERFLOW if meter.high is None else meter.high
        if not (low <= value <= high and abs(value) < _OVERFLOW):
            raise MeasurementError(
                f"{self._seam.place}: {channel} ({meter.read}) reads {value:g} {meter.unit}, an "
                "overflow or beyond the meter's low and high. Choose a larger range, or check the "
                "wiring"
            )
        return value

    def _act(self, what: str, action: str | Assignments) -> None:
        if isinstance(action, str):
            self._seam.exchange(f"{what} ({action})", partial(self._foreign.call, action, None))
            return
        for path, value in action.items():
            self._seam.exchange(f"{what} ({path})", partial(self._foreign.set, path, value))

    def _check(self, channel: str, level: float) -> None:
        source = self._sources[channel]
        if not source.low <= level <= source.high:
            raise LimitError(
                f"{self._seam.place}: {channel} was to be set to {level:.9g} {source.unit}; its "
                f"limits are {source.low:g} to {source.high:g} {source.unit}. Nothing was sent"
            )

    def _refuse_clipped(self, channel: str, level: float) -> None:
        source = self._sources[channel]
        found = self._level(channel)
        if abs(found - level) > source.allowed:
            raise LimitError(
                f"{self._seam.place}: {channel} ({source.written}) was set to {level:.9g} "
                f"{source.unit} and reads back as {found:.9g} {source.unit}: the library or the "
                f"instrument clipped or refused it (tolerance {source.allowed:.3g} {source.unit}). "
                "Narrow its low and high to what the instrument gives, or check its setup"
            )

    def _refuse_change(self, before: Mapping[str, float]) -> None:
        after = self.read_levels()
        changed = [
            f"{name} was {before[name]:g} and is {after[name]:g} {source.unit}"
            for name, source in self._sources.items()
            if abs(after[name] - before[name]) > source.allowed
        ]
        if not self.outputs_are_on():
            changed.append("its outputs went off")
        if changed:
            raise InstrumentError(
                f"{self._seam.place}: it was on, and its setup disturbed it: {'; '.join(changed)}. "
                "Switch it off by hand first"
            )
