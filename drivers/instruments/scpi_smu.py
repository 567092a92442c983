"""What Keithley's source-measure units of the SCPI dialects have in common.

A source, channel "1", and a meter of the other quantity, channel "sense"; every step of a list is
measured too, and its readings prove what was played.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.conversation import Conversation
from drivers.instruments.remembered import Remembered
from drivers.instruments.scpi_queue import ScpiQueue
from drivers.instruments.smu_settings import OTHER, UNITS, Quantity, SmuFunction
from mgd_lab.chip.instruments import Pace
from mgd_lab.errors import InstrumentError

Float64 = NDArray[np.float64]

SOURCE = "1"
METER = "sense"
WORDS: dict[Quantity, str] = {"voltage": "VOLT", "current": "CURR"}
OFF_STATES = {"normal": "NORM", "high_impedance": "HIMP", "zero": "ZERO", "guard": "GUAR"}


class Player(Protocol):
    """Lists and buffers of a unit."""

    def initiate(self) -> None:
        """Leaves idle."""
        ...

    def steps_played(self) -> int:
        """By the readings that it took."""
        ...

    def fetch(self, count: int) -> Float64:
        """(count,), in V or A."""
        ...

    def take_compliances(self) -> int:
        """Steps of the last list that were in compliance; they are told once."""
        ...


class ScpiSmu(ABC):
    """One unit; subclasses say what their dialect calls things.

    Args:
        name: in the chip file.
        function: what is sourced, and how it is limited.
        talk: the link to it, and `resource` its name.
        most_errors: that its queue holds.
    """

    def __init__(
        self, name: str, function: SmuFunction, talk: Conversation, resource: str, most_errors: int
    ) -> None:
        self._name = name
        self._function = function
        self._talk = talk
        self._identity: dict[str, str] = {"resource": resource}
        self._source, self._sense = WORDS[function.source], WORDS[OTHER[function.source]]
        self._queue = ScpiQueue(talk, most_errors)
        self._remembered = Remembered(talk)
        self._is_on = False
        self._was_limited = False
        self._paced_by: Pace = "own"

    @property
    @abstractmethod
    def _player(self) -> Player: ...

    @property
    @abstractmethod
    def _trip_query(self) -> str:
        """Asks whether it is in compliance."""
        ...

    @property
    def name(self) -> str:
        """Its name in the chip file."""
        return self._name

    @property
    def identity(self) -> Mapping[str, str]:
        """Fields of `*IDN?`, and the resource."""
        return self._identity

    def take_errors(self) -> Sequence[str]:
        """Drains the errors that it has kept."""
        return self._queue.drain()

    def close(self) -> None:
        """Ends the session."""
        self._talk.close()

    def switch_outputs(self, on: bool) -> None:
        """The interlock can refuse it."""
        self._is_on = False
        state = "ON" if on else "OFF"
        self._queue.tell((f"OUTP {state}",), f"switching {state.lower()}")
        self._is_on = on
        if on:
            # What was met until now was met by whoever had it on before.
            self._was_limited = False

    def outputs_are_on(self) -> bool:
        """As it tells."""
        return self._talk.ask_number("OUTP?") != 0

    def look_for_trips(self) -> Sequence[str]:
        """Compliance now, at an earlier level or during a list; an output that went off by itself.

        An earlier level is one that `set_levels` has replaced since the last look.
        """
        flags = self._talk.ask(f"{self._trip_query};:OUTP?").split(";")
        if len(flags) != 2:
            raise InstrumentError(f"{self._talk.place}: it told {flags} of its compliance")
        limit = f"{self._function.compliance:g} {UNITS[OTHER[self._function.source]]}"
        trips: list[str] = []
        if flags[0].strip() != "0":
            trips.append(f"its output is in compliance at {limit}")
        elif self._was_limited:
            trips.append(f"its output was in compliance at {limit} since the last look")
        steps = self._player.take_compliances()
        if steps:
            trips.append(f"{steps} steps of its list were in compliance at {limit}")
        if self._is_on and flags[1].strip() == "0":
            trips.append("its output went off by itself")
        self._was_limited = False
        return trips

    def arm_list(self) -> None:
        """Leaves idle where triggers pace it; otherwise `start_list` does."""
        if self._paced_by == "trigger":
            self._player.initiate()

    def start_list(self) -> None:
        """Leaves idle."""
        self._player.initiate()

    def steps_played(self) -> int:
        """By the readings that it took."""
        return self._player.steps_played()

    def fetch_buffer(self, count: int) -> Float64:
        """(count, 1), in V or A."""
        found = self._player.fetch(count)
        return self._talk.readings(found, "the buffer").reshape(count, 1)

    def _set_level(self, command: str, level: float) -> None:
        """One exchange; while the output is on it tells of compliance at the level that stood."""
        what = f"setting {level:g}"
        if not self._is_on:
            self._queue.tell((command,), what)
            return
        # The flag is one of now: of a level in the middle of a block nothing is left after it.
        flag = self._queue.ask_and_tell(self._trip_query, (command,), what)
        if flag not in ("0", "1"):
            raise InstrumentError(f"{self._talk.place}: it told {flag!r} of its compliance")
        self._was_limited |= flag == "1"

    def _need_output(self) -> None:
        if not self._is_on:
            raise InstrumentError(
                f"{self._talk.place}: its output is off, and only while that is on does it measure "
                "the chip. Map its source too, so that it is switched on with the others"
            )

    def _set_unless_so(self, query: str, command: str, value: str) -> None:
        """For what switches the output off where it changes."""
        found = self._talk.ask(query)
        if found == value:
            return
        if self._is_on:
            raise InstrumentError(
                f"{self._talk.place}: its output is on, and {query} is {found}; to change that to "
                f"{value} would switch it off. Bring it to 0 and switch it off by hand"
            )
        self._talk.tell(f"{command} {value}")

    def _check_settings(self, expected: Iterable[tuple[str, float]], range_slack: float) -> None:
        """Query and value of what was set; a range may differ by a part `range_slack`."""
        for query, value in expected:
            found = self._talk.ask_number(query)
            slack = range_slack if query.endswith("RANG?") else 1e-4
            if abs(found - value) > slack * max(abs(value), 1e-12):
                raise InstrumentError(
                    f"{self._talk.place}: {query} is {found:g} after it was set to {value:g}"
                    + ("; give it as line_frequency_hertz" if query == "SYST:LFR?" else "")
                )
