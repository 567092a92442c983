"""QDevil (Quantum Machines) QDAC-II: 24 voltages, lists of them, and their currents.

QDAC-II User Manual, chapter "SCPI commands": SOURce:VOLTage, SOURce:RANGe, SOURce:FILTer, SENSe,
OUTPut:TRIGger subsystems, READ?. Spellings, the channel lists `(@1,2)` and the format of blocks
(single precision, little endian) are those that the QCoDeS driver of the maker sends.

It has no compliance and no switch at its outputs. Currents are read back and compared with a limit
of ours; off means 0 V.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from drivers.instruments.conversation import Conversation
from drivers.instruments.qdac2_lists import SHORTEST_DWELL, Qdac2Lists, channel_list, single
from drivers.instruments.scpi_identity import identify
from drivers.instruments.scpi_queue import ScpiQueue
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes, Pace
from mgd_lab.errors import InstrumentError, LimitError
from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings

Float64 = NDArray[np.float64]

_CHANNELS = tuple(str(n) for n in range(1, 25))
_FULL_SCALE = {"low": 2.0, "high": 10.0}
_SENSORS = {"low": 200e-9, "high": 10e-3}
_CUT_OFF_HERTZ = {"dc": 10.0, "med": 10e3, "high": 300e3}
# Time constants of the filter until a step is there but for a millionth.
_SETTLED_AFTER = 14.0
_MOST_ERRORS = 100


class Qdac2Settings(InstrumentSettings):
    """Section of a QDAC-II in a chip file."""

    channels: tuple[str, ...] = Field(
        min_length=1,
        description='those that belong to the chip, "1" to "24"; no other is touched',
    )
    range: Literal["low", "high"] = Field(default="low", description="±2 V or ±10 V")
    filter: Literal["dc", "med", "high"] = Field(
        default="high", description="low-pass at the output: 10 Hz, 10 kHz or 300 kHz"
    )
    slew_volts_per_second: float | None = Field(
        default=None, ge=0.01, le=2e7, description="ramp between levels, of lists too; null: none"
    )
    current_limit_amperes: float | None = Field(
        default=None,
        gt=0,
        description="the instrument has no compliance: a channel that reads more, at either sign, "
        "ends the run; null: currents are not read",
    )
    current_range: Literal["low", "high"] = Field(
        default="high", description="of the current sensors: 200 nA or 10 mA"
    )
    current_nplc: float = Field(
        default=1.0, ge=0.02, le=100, description="integration of a current, power line cycles"
    )
    line_frequency_hertz: Literal[50, 60] = Field(default=50, description="of the mains")
    trigger_output: int = Field(
        default=1, ge=1, le=5, description="marker at each step of a list: Trig Out 1 to 5"
    )
    trigger_input: int = Field(
        default=1, ge=1, le=4, description="steps a list that is paced by triggers: Ext Trig In 1–4"
    )
    marker_seconds: float = Field(default=10e-6, ge=1e-6, le=1, description="width of the marker")
    internal_triggers: tuple[int, int] = Field(
        default=(1, 2),
        description="two of its internal triggers, 1 to 14: starts lists, carries the marker",
    )

    @model_validator(mode="after")
    def _have_what_the_instrument_has(self) -> Self:
        for k, channel in enumerate(self.channels):
            if channel not in _CHANNELS:
                raise key_problem(f"there is no channel {channel!r}; there are 1 to 24", "channels")
            if channel in self.channels[:k]:
                raise key_problem(f"channel {channel} is named twice", "channels")
        limit, sensor = self.current_limit_amperes, _SENSORS[self.current_range]
        if limit is not None and limit >= sensor:
            raise key_problem(
                f"{limit:g} A cannot be seen in the sensors' {self.current_range} range, which "
                f"ends at {sensor:g} A",
                "current_limit_amperes",
            )
        start, marker = self.internal_triggers
        if not (min(start, marker) >= 1 and max(start, marker) <= 14 and start != marker):
            raise key_problem("two different numbers from 1 to 14 are needed", "internal_triggers")
        return self


class Qdac2:
    """A source of up to 24 voltages that plays lists, by its own timer or stepped by triggers.

    Levels are rounded to single precision, as the instrument's blocks carry them, so that a level
    that is set and one that is played from a list are the same.

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes.
    """

    def __init__(self, name: str, settings: Qdac2Settings, library: Any) -> None:
        self._name = name
        self._settings = settings
        self._talk = Conversation(library, settings.resource, settings.timeout_seconds, name)
        self._queue = ScpiQueue(self._talk, _MOST_ERRORS)
        self._identity: dict[str, str] = {"resource": settings.resource}
        self._all = channel_list(settings.channels)
        self._lists = Qdac2Lists(
            self._talk,
            self._queue,
            internal_triggers=settings.internal_triggers,
            trigger_input=settings.trigger_input,
            patience_seconds=settings.timeout_seconds,
        )

    @property
    def name(self) -> str:
        """Its name in the chip file."""
        return self._name

    @property
    def identity(self) -> Mapping[str, str]:
        """Fields of `*IDN?`, and the resource."""
        return self._identity

    @property
    def channels(self) -> Sequence[InstrumentChannel]:
        """Outputs of the chip."""
        edge = _FULL_SCALE[self._settings.range]
        return tuple(
            InstrumentChannel(channel, "source", "V", -edge, edge, switched=False)
            for channel in self._settings.channels
        )

    @property
    def times(self) -> InstrumentTimes:
        """Filter and slew of a step across the whole range; shortest dwell of the manual."""
        settings = self._settings
        settling = _SETTLED_AFTER / (2 * math.pi * _CUT_OFF_HERTZ[settings.filter])
        slew = settings.slew_volts_per_second
        ramp = 0.0 if slew is None else 2 * _FULL_SCALE[settings.range] / slew
        # A LAN exchange takes about half a millisecond; a level of a block has four bytes.
        return InstrumentTimes(
            exchange=5e-4, level=settling + ramp, list_step=SHORTEST_DWELL, transfer=4e-6
        )

    @property
    def largest_list(self) -> int:
        """Steps of a list."""
        return self._lists.largest

    @property
    def counts_steps(self) -> bool:
        """By the instrument."""
        return True

    def connect(self) -> None:
        """Opens the link; IdentityError where no QDAC-II answers."""
        self._talk.open()
        self._identity |= identify(self._talk, self._settings.identity, ("QDAC-II",))

    def configure(self) -> None:
        """Range, filter, slew, current sensors and marker, read back; levels stay.

        InstrumentError where a channel that is not at 0 V would have to change its range.
        """
        settings, tell = self._settings, self._talk.tell
        self.take_errors()
        self._lists.found(settings.channels)
        self._choose_range()
        tell(f"SOUR:FILT {settings.filter.upper()},{self._all}")
        slew = settings.slew_volts_per_second
        tell(f"SOUR:VOLT:SLEW {'INF' if slew is None else f'{slew:g}'},{self._all}")
        if settings.current_limit_amperes is not None:
            tell(f"SENS:RANG {settings.current_range.upper()},{self._all}")
            tell(f"SENS:NPLC {settings.current_nplc:g},{self._all}")
        _, marker = settings.internal_triggers
        tell(f"OUTP:TRIG{settings.trigger_output}:SOUR INT{marker}")
        tell(f"OUTP:TRIG{settings.trigger_output}:WIDT {settings.marker_seconds:g}")
        self._read_back()
        self._queue.refuse("its configuration")

    def take_errors(self) -> Sequence[str]:
        """Drains the error queue."""
        return self._queue.drain()

    def close(self) -> None:
        """Ends the session; the outputs stay as they are."""
        self._talk.close()

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """In one exchange; a channel that has played a list leaves it."""
        self._check(levels)
        if levels:
            listed = [channel for channel in levels if channel in self._lists.listed]
            commands = [f"SOUR:DC:ABOR {channel_list(listed)}"] if listed else []
            for channel, level in levels.items():
                if channel in listed:
                    commands.append(f"SOUR{channel}:VOLT:MODE FIX")
                commands.append(f"SOUR{channel}:VOLT {single(level)}")
            self._queue.tell(commands, "levels were set")
            self._lists.listed.difference_update(listed)

    def read_levels(self) -> Mapping[str, float]:
        """The voltage that each channel was last told, by a command or by a list."""
        return self._read("SOUR:VOLT:LAST?")

    def switch_outputs(self, on: bool) -> None:
        """There is no switch: all channels go to 0 V where `on` is false."""
        if not on:
            self.set_levels(dict.fromkeys(self._settings.channels, 0.0))

    def outputs_are_on(self) -> bool:
        """Whether a channel is at another level than 0 V."""
        return any(level != 0 for level in self.read_levels().values())

    def look_for_trips(self) -> Sequence[str]:
        """Channels whose current is beyond the limit of the settings, which the driver watches."""
        limit = self._settings.current_limit_amperes
        if limit is None:
            return ()
        return [
            f"channel {channel}: {current:.3g} A, beyond the limit of {limit:g} A"
            for channel, current in self._read("READ?").items()
            if not abs(current) <= limit
        ]

    def load_list(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """Channel → levels (n,), in volts."""
        for channel, wanted in levels.items():
            self._check({channel: float(wanted.min())})
            self._check({channel: float(wanted.max())})
        self._lists.load(levels, pace, dwell_seconds)

    def arm_list(self) -> None:
        """Waits for the internal trigger that starts it, or for the first external one."""
        self._lists.arm()

    def start_list(self) -> None:
        """Fires the internal trigger that all channels of the list wait for."""
        self._lists.start()

    def steps_played(self) -> int:
        """Steps of the cycles that are over, as LIST:NCLeft? counts them: all of them, or none."""
        return self._lists.played()

    def _read(self, query: str) -> Mapping[str, float]:
        channels = self._settings.channels
        values = self._talk.ask_numbers(f"{query} {self._all}", len(channels))
        return dict(zip(channels, values, strict=True))

    def _words(self, query: str) -> Sequence[str]:
        return [word.strip().upper() for word in self._talk.ask(f"{query} {self._all}").split(",")]

    def _check(self, levels: Mapping[str, float]) -> None:
        edge = _FULL_SCALE[self._settings.range]
        for channel, level in levels.items():
            if not abs(level) <= edge:
                raise LimitError(
                    f"{self._talk.place}: channel {channel}: {level:g} V is beyond its "
                    f"{self._settings.range} range, ±{edge:g} V; nothing was sent"
                )

    def _choose_range(self) -> None:
        wanted = self._settings.range.upper()
        levels = self.read_levels()
        pairs = zip(self._settings.channels, self._words("SOUR:RANG?"), strict=False)
        others = [channel for channel, found in pairs if found != wanted]
        for channel in others:
            if levels[channel] != 0:
                raise InstrumentError(
                    f"{self._talk.place}: channel {channel} is at {levels[channel]:g} V in another "
                    f"range than {self._settings.range}; changing it would disturb the output. "
                    "Bring it to 0 V first, or change the key range"
                )
        if others:
            self._talk.tell(f"SOUR:RANG {wanted},{channel_list(others)}")

    def _read_back(self) -> None:
        settings = self._settings
        words = {"SOUR:RANG?": settings.range, "SOUR:FILT?": settings.filter}
        numbers: dict[str, float] = {}
        if settings.slew_volts_per_second is not None:
            numbers["SOUR:VOLT:SLEW?"] = settings.slew_volts_per_second
        if settings.current_limit_amperes is not None:
            words["SENS:RANG?"] = settings.current_range
            numbers["SENS:NPLC?"] = settings.current_nplc
        for query, word in words.items():
            self._expect(query, self._words(query), {word.upper()})
        for query, number in numbers.items():
            found = self._read(query).values()
            if not np.allclose(list(found), number, rtol=1e-3, atol=0):
                self._expect(query, [f"{each:g}" for each in found], {f"{number:g}"})
        _, marker = settings.internal_triggers
        query = f"OUTP:TRIG{settings.trigger_output}:SOUR?"
        self._expect(query, [self._talk.ask(query).upper()], {f"INT{marker}"})

    def _expect(self, query: str, found: Sequence[str], expected: set[str]) -> None:
        if set(found) != expected:
            raise InstrumentError(
                f"{self._talk.place}: {query} is {', '.join(found)} after it was set to "
                f"{', '.join(expected)}"
            )


DRIVER = InstrumentDriver(settings=Qdac2Settings, build=Qdac2)
