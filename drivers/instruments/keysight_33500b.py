"""Keysight 33500B waveform generators: DC levels, and lists of them as arbitrary waveforms.

Keysight Trueform Series Operating and Service Guide, "SCPI Programming Reference": FUNCtion,
VOLTage, OUTPut, DATA, BURSt and TRIGger subsystems. A level beyond VOLTage:LIMit is cut by the
instrument, which queues −221: that is a LimitError, as −222 is.

A list paced by triggers takes one point a trigger (FUNCtion:ARBitrary:ADVance TRIGger), the first
at the first. One paced by its own timer is a burst of one cycle; it gives one marker, at Sync, when
it begins, not one a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from drivers.instruments.conversation import Conversation
from drivers.instruments.scpi_identity import identify
from drivers.instruments.scpi_queue import ScpiQueue
from drivers.instruments.trueform_lists import SHORTEST_DWELL, TrueformLists
from drivers.instruments.trueform_waveform import LARGEST_LIST
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes, Pace
from mgd_lab.errors import InstrumentError, LimitError
from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings

Float64 = NDArray[np.float64]

_CHANNELS = {
    "33511B": ("1",), "33512B": ("1", "2"), "33521B": ("1",), "33522B": ("1", "2"),
}  # fmt: skip
_FULL_SCALE = 10.0
_OWN_OHMS = 50.0
_INFINITE = 9.9e37
_MOST_ERRORS = 20
_BEYOND = (-221, -222)


class Keysight33500BSettings(InstrumentSettings):
    """Section of a Keysight 33511B, 33512B, 33521B or 33522B in a chip file."""

    model: Literal["33511B", "33512B", "33521B", "33522B"] = Field(
        default="33512B", description="as *IDN? names it; those with arbitrary waveforms"
    )
    channels: tuple[str, ...] = Field(
        min_length=1, description='those that belong to the chip, "1" and "2"; no other is touched'
    )
    low: float = Field(description="lowest voltage, which the instrument itself enforces, in V")
    high: float = Field(description="highest voltage, likewise, in V")
    load_ohms: float | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="what is connected; voltages are those at it. null: high impedance",
    )
    trigger_slope: Literal["positive", "negative"] = Field(
        default="positive", description="edge at Ext Trig that triggers"
    )

    @model_validator(mode="after")
    def _have_what_the_model_has(self) -> Self:
        known = _CHANNELS[self.model]
        for k, channel in enumerate(self.channels):
            if channel not in known:
                raise key_problem(f"the {self.model} has no channel {channel!r}", "channels")
            if channel in self.channels[:k]:
                raise key_problem(f"channel {channel} is named twice", "channels")
        if not self.low < self.high:
            raise key_problem(f"low ({self.low:g} V) must be below high ({self.high:g} V)", "low")
        load = self.load_ohms
        edge = _FULL_SCALE if load is None else _FULL_SCALE * load / (load + _OWN_OHMS)
        for key, volts in (("low", self.low), ("high", self.high)):
            if abs(volts) > edge:
                raise key_problem(f"{volts:g} V is beyond ±{edge:g} V at this load", key)
        return self


class Keysight33500B:
    """A source of one or two voltages that plays lists.

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes.
    """

    def __init__(self, name: str, settings: Keysight33500BSettings, library: Any) -> None:
        self._name = name
        self._settings = settings
        self._talk = Conversation(library, settings.resource, settings.timeout_seconds, name)
        self._queue = ScpiQueue(self._talk, _MOST_ERRORS, _BEYOND)
        self._identity: dict[str, str] = {"resource": settings.resource}
        self._lists = TrueformLists(self._talk, self._queue, settings.trigger_slope)
        self._switched_on: set[str] = set()

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
        """Outputs of the chip, within the limits of the settings."""
        settings = self._settings
        return tuple(
            InstrumentChannel(channel, "source", "V", settings.low, settings.high)
            for channel in settings.channels
        )

    @property
    def times(self) -> InstrumentTimes:
        """The output has settled after a change of offset, and after a point of a list."""
        # A LAN exchange takes about half a millisecond; a point of a block has two bytes. The
        # answer to the error query comes when the change is done, which may take longer.
        return InstrumentTimes(
            exchange=5e-4, level=1e-4, list_step=SHORTEST_DWELL, transfer=2e-6
        )  # fmt: skip

    @property
    def largest_list(self) -> int:
        """Points of a waveform."""
        return LARGEST_LIST

    @property
    def counts_steps(self) -> bool:
        """Its manual knows no counter of them."""
        return False

    def connect(self) -> None:
        """Opens the link; IdentityError where it is not the model that the settings name."""
        self._talk.open()
        models = (self._settings.model,)
        self._identity |= identify(self._talk, self._settings.identity, models)

    def configure(self) -> None:
        """Load and limits, read back, then trigger slopes; an output that is on stays as it is.

        A channel that is off goes to DC, within the limits. LimitError where one that is on is
        beyond them.
        """
        settings = self._settings
        self.take_errors()
        load = "INF" if settings.load_ohms is None else f"{settings.load_ohms:g}"
        for channel in settings.channels:
            # The load changes what voltages are called, not what they are.
            commands = (
                f"OUTP{channel}:LOAD {load}",
                f"SOUR{channel}:VOLT:LIM:STAT OFF",
                *self._rest(channel),
                f"SOUR{channel}:VOLT:LIM:HIGH {settings.high:.9g}",
                f"SOUR{channel}:VOLT:LIM:LOW {settings.low:.9g}",
                f"SOUR{channel}:VOLT:LIM:STAT ON",
                f"TRIG{channel}:SLOP {settings.trigger_slope[:3].upper()}",
            )
            for command in commands:
                self._talk.tell(command)
        self._talk.tell("FORM:BORD NORM")
        self._queue.refuse("its configuration")
        for channel in settings.channels:
            self._read_back(channel)
        self._lists.found(settings.channels)

    def take_errors(self) -> Sequence[str]:
        """Drains the error queue, which holds 20 at most."""
        return self._queue.drain()

    def close(self) -> None:
        """Ends the session; the outputs stay as they are."""
        self._talk.close()

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """As offsets of the function DC, in one exchange."""
        self._check(levels)
        self._lists.leave(levels)

    def read_levels(self) -> Mapping[str, float]:
        """Offset of each channel; of one that plays a list, the middle of the list's levels."""
        return {
            channel: self._talk.ask_number(f"SOUR{channel}:VOLT:OFFS?")
            for channel in self._settings.channels
        }

    def switch_outputs(self, on: bool) -> None:
        """Each output by its relay."""
        channels = self._settings.channels
        word = "ON" if on else "OFF"
        self._queue.tell([f"OUTP{channel} {word}" for channel in channels], "switching outputs")
        self._switched_on = set(channels) if on else set()

    def outputs_are_on(self) -> bool:
        """Whether any output of the chip is on."""
        return bool(self._found_on())

    def look_for_trips(self) -> Sequence[str]:
        """Outputs that the instrument has switched off by itself, as its overload protection."""
        if not self._switched_on:
            return ()
        tripped = sorted(self._switched_on - self._found_on())
        self._switched_on.difference_update(tripped)
        return [f"channel {channel} has switched its output off" for channel in tripped]

    def load_list(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """Channel → levels (n,), in volts; see `trueform_waveform` for how exact they are."""
        for channel, wanted in levels.items():
            self._check({channel: float(wanted.min())})
            self._check({channel: float(wanted.max())})
        self._lists.load(levels, pace, dwell_seconds)

    def arm_list(self) -> None:
        """The outputs go to the middle of their lists' levels, and wait for triggers there."""
        self._lists.arm()

    def start_list(self) -> None:
        """A bus trigger for all channels."""
        self._lists.start()

    def steps_played(self) -> int:
        """All points, or 0 where the instrument is not as a list leaves it; see `TrueformLists`."""
        return self._lists.played()

    def _rest(self, channel: str) -> Sequence[str]:
        """What brings a channel that is off to DC, at the permitted level that is nearest to 0."""
        if self._talk.ask_number(f"OUTP{channel}?") != 0:
            return ()
        settings = self._settings
        level = min(max(0.0, settings.low), settings.high)
        own = f"SOUR{channel}"
        return (f"{own}:BURS:STAT OFF", f"{own}:FUNC DC", f"{own}:VOLT:OFFS {level:.9g}")

    def _found_on(self) -> set[str]:
        channels = self._settings.channels
        return {each for each in channels if self._talk.ask_number(f"OUTP{each}?") != 0}

    def _check(self, levels: Mapping[str, float]) -> None:
        low, high = self._settings.low, self._settings.high
        for channel, level in levels.items():
            if not low <= level <= high:
                raise LimitError(
                    f"{self._talk.place}: channel {channel}: {level:g} V is beyond its limits, "
                    f"{low:g} to {high:g} V; nothing was sent"
                )

    def _read_back(self, channel: str) -> None:
        settings = self._settings
        for query, expected in (
            (f"OUTP{channel}:LOAD?", settings.load_ohms or _INFINITE),
            (f"SOUR{channel}:VOLT:LIM:HIGH?", settings.high),
            (f"SOUR{channel}:VOLT:LIM:LOW?", settings.low),
            (f"SOUR{channel}:VOLT:LIM:STAT?", 1.0),
        ):
            found = self._talk.ask_number(query)
            if abs(found - expected) > 1e-4 * max(abs(expected), 1.0):
                raise InstrumentError(
                    f"{self._talk.place}: {query} is {found:g} after it was set to {expected:g}"
                )


DRIVER = InstrumentDriver(settings=Keysight33500BSettings, build=Keysight33500B)
