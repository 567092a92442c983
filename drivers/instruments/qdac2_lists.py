"""Lists of the QDAC-II's DC generators, by their timer or stepped by triggers.

QDAC-II User Manual, "SCPI commands": SOURce:LIST, SOURce:DC:TRIGger, SOURce:DC:MARKer,
SOURce:DC:INITiate, TINT. With TMODe AUTO one trigger plays a list, each point for its dwell; with
TMODe STEPped each trigger plays one point, and one that comes within the dwell is missed. The
marker SSTart comes when a point begins. NCLeft? counts whole cycles that are still to be played:
1 when a list is armed, 0 when its last dwell is over.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.conversation import Conversation
from drivers.instruments.scpi_queue import ScpiQueue
from mgd_lab.chip.instruments import Pace
from mgd_lab.errors import ConfigurationError, InstrumentError

Float64 = NDArray[np.float64]

SHORTEST_DWELL = 2e-6
_LONGEST_DWELL = 3600.0
# The manual's limit of lists in text is 1023 points; blocks may be larger.
_LARGEST = 16_384


class Qdac2Lists:
    """Loads, arms and starts lists on several channels together.

    Args:
        talk: with the instrument.
        queue: of its errors.
        internal_triggers: the one that starts lists, and the one that carries the marker.
        trigger_input: number of the input that steps a list paced by triggers.
        patience_seconds: how long the end of a list is waited for.
    """

    def __init__(
        self,
        talk: Conversation,
        queue: ScpiQueue,
        *,
        internal_triggers: tuple[int, int],
        trigger_input: int,
        patience_seconds: float,
    ) -> None:
        self.listed: set[str] = set()
        """Channels whose voltage comes from a list, not from a command."""
        self._talk = talk
        self._queue = queue
        self._start, self._marker = internal_triggers
        self._input = trigger_input
        self._patience = patience_seconds
        self._channels: Sequence[str] = ()
        self._count = 0
        self._pace: Pace = "own"

    @property
    def largest(self) -> int:
        """Points of a list."""
        return _LARGEST

    def found(self, channels: Sequence[str]) -> None:
        """Asks which channels take their voltage from a list or a sweep."""
        modes = self._talk.ask(f"SOUR:VOLT:MODE? {channel_list(channels)}").upper().split(",")
        self.listed = {
            channel
            for channel, mode in zip(channels, modes, strict=False)
            if not mode.strip().startswith("FIX")
        }

    def load(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """Channel → volts (n,); the outputs stay where they are."""
        lengths = {len(each) for each in levels.values()}
        if len(lengths) != 1 or not 0 < max(lengths) <= _LARGEST:
            raise ConfigurationError(
                f"{self._talk.place}: lists of {sorted(lengths)} points; all must have the same "
                f"number, from 1 to {_LARGEST}. Make blocks smaller"
            )
        if pace == "own" and not SHORTEST_DWELL <= dwell_seconds <= _LONGEST_DWELL:
            raise ConfigurationError(
                f"{self._talk.place}: a dwell of {dwell_seconds:g} s; it can be from "
                f"{SHORTEST_DWELL:g} to {_LONGEST_DWELL:g} s"
            )
        self._channels, self._count, self._pace = tuple(levels), lengths.pop(), pace
        each = channel_list(self._channels)
        self.listed.update(self._channels)
        self._talk.tell(
            f"SOUR:DC:ABOR {each};:SOUR:DC:TRIG:SOUR HOLD,{each};:SOUR:VOLT:MODE LIST,{each}"
        )
        for channel, wanted in levels.items():
            self._talk.tell(f"SOUR{channel}:LIST:VOLT ", wanted.astype("<f4").tobytes())
        # A trigger within the dwell would be missed, so that it is the shortest.
        mode, dwell = ("AUTO", dwell_seconds) if pace == "own" else ("STEP", SHORTEST_DWELL)
        commands = (
            f"SOUR:LIST:TMOD {mode},{each}", f"SOUR:LIST:DWEL {dwell:.9g},{each}",
            f"SOUR:DC:DEL 0,{each}", f"SOUR:LIST:DIR UP,{each}", f"SOUR:LIST:COUN 1,{each}",
        )  # fmt: skip
        self._queue.tell(commands, "a list was loaded")
        points = self._ask("LIST:POIN?")
        if any(found != self._count for found in points):
            raise InstrumentError(
                f"{self._talk.place}: a list of {self._count} points was loaded; LIST:POIN? says "
                f"{', '.join(f'{found:g}' for found in points)}"
            )

    def arm(self) -> None:
        """The marker of the first channel's steps, the trigger of all."""
        each = channel_list(self._channels)
        source = f"INT{self._start}" if self._pace == "own" else f"EXT{self._input}"
        marker = self._marker if self._pace == "own" else 0
        commands = (
            f"SOUR{self._channels[0]}:DC:MARK:SST {marker}", f"SOUR:DC:TRIG:SOUR {source},{each}",
            f"SOUR:DC:INIT:CONT OFF,{each}", f"SOUR:DC:INIT {each}",
        )  # fmt: skip
        self._queue.tell(commands, "a list was armed")
        if any(left != 1 for left in self._ask("LIST:NCL?")):
            raise InstrumentError(
                f"{self._talk.place}: a list was armed, but does not wait for its one cycle"
            )

    def start(self) -> None:
        """One internal trigger for all channels."""
        self._queue.tell((f"TINT {self._start}",), "a list was started")

    def played(self) -> int:
        """Points of all channels when their cycle is over; 0 where it does not end."""
        since = time.monotonic()
        while any(left != 0 for left in self._ask("LIST:NCL?")):
            if time.monotonic() - since > self._patience:
                return 0
        return self._count

    def _ask(self, query: str) -> Sequence[float]:
        asked = f"SOUR:{query} {channel_list(self._channels)}"
        return self._talk.ask_numbers(asked, len(self._channels))


def channel_list(channels: Iterable[str]) -> str:
    """Channels as commands take several: `(@1,2)`."""
    return f"(@{','.join(channels)})"


def single(level: float) -> str:
    """A level in single precision, in as many digits as tell it from its neighbours."""
    return f"{float(np.float32(level)):.9g}"
