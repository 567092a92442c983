"""Lists of a Trueform generator's levels: loaded, armed, played, and left for DC again.

Keysight Trueform Series Operating and Service Guide, "SCPI Programming Reference": DATA:ARBitrary,
FUNCtion:ARBitrary, BURSt, TRIGger. The instrument counts no triggers. That all points were played
is told by `*OPC?` where its own timer paces them. Where triggers do, it can only tell that it still
waits for them with the waveform chosen: a lost trigger must be noticed by another instrument that
is at the same cable and counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.conversation import Conversation
from drivers.instruments.scpi_queue import ScpiQueue
from drivers.instruments.trueform_waveform import (
    LARGEST_LIST,
    SMALLEST_SPAN,
    Waveform,
    waveform,
)
from mgd_lab.chip.instruments import Pace
from mgd_lab.errors import ConfigurationError, InstrumentError

Float64 = NDArray[np.float64]

SHORTEST_DWELL = 1e-6
_LONGEST_DWELL = 1e6
_STANDING = {"own": "ARB;SRAT;BUS", "trigger": "ARB;TRIG;EXT"}


class TrueformLists:
    """The waveforms of all channels that play together.

    Args:
        talk: with the instrument.
        queue: of its errors.
        slope: edge of the external trigger.
    """

    def __init__(
        self, talk: Conversation, queue: ScpiQueue, slope: Literal["positive", "negative"]
    ) -> None:
        self._talk = talk
        self._queue = queue
        self._slope = slope[:3].upper()
        self._at_dc: set[str] = set()
        self._waveforms: dict[str, Waveform] = {}
        self._last: dict[str, float] = {}
        self._count = 0
        self._pace: Pace = "own"
        self._dwell = 0.0

    def found(self, channels: Sequence[str]) -> None:
        """Asks which channels are at DC."""
        self._at_dc = {each for each in channels if self._talk.ask(f"SOUR{each}:FUNC?") == "DC"}

    def leave(self, levels: Mapping[str, float]) -> None:
        """Channels at DC, at these levels."""
        if not levels:
            return
        commands: list[str] = []
        for channel, level in levels.items():
            if channel not in self._at_dc:
                commands += [f"SOUR{channel}:BURS:STAT OFF", f"SOUR{channel}:FUNC DC"]
            commands.append(f"SOUR{channel}:VOLT:OFFS {level:.9g}")
        self._queue.tell(commands, "levels were set")
        self._at_dc.update(levels)

    def load(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """Channel → volts (n,); the outputs stay where they are."""
        lengths = {len(each) for each in levels.values()}
        if len(lengths) != 1 or not 0 < max(lengths) <= LARGEST_LIST:
            raise ConfigurationError(
                f"{self._talk.place}: lists of {sorted(lengths)} points; all must have the same "
                f"number, from 1 to {LARGEST_LIST}. Make blocks smaller"
            )
        if not SHORTEST_DWELL <= dwell_seconds <= _LONGEST_DWELL:
            raise ConfigurationError(
                f"{self._talk.place}: a dwell of {dwell_seconds:g} s; it can be from "
                f"{SHORTEST_DWELL:g} to {_LONGEST_DWELL:g} s"
            )
        self._count, self._pace, self._dwell = lengths.pop(), pace, dwell_seconds
        self._last = {channel: float(each[-1]) for channel, each in levels.items()}
        made = {channel: waveform(each) for channel, each in levels.items()}
        self._waveforms = {channel: each for channel, each in made.items() if each.span}
        self._refuse_small()
        # A channel whose level does not change stays at DC.
        self.leave({channel: each.offset for channel, each in made.items() if not each.span})
        for channel, each in self._waveforms.items():
            self._talk.tell(f"SOUR{channel}:DATA:VOL:CLE")
            self._talk.tell(f"SOUR{channel}:DATA:ARB:DAC MGD{channel},", each.block)
        self._queue.refuse("a list was loaded")

    def arm(self) -> None:
        """Every channel at its list's middle, waiting; its span and middle are read back."""
        for channel, each in self._waveforms.items():
            own = f"SOUR{channel}"
            if self._pace == "trigger":
                pacing = (f"{own}:BURS:STAT OFF", f"{own}:FUNC:ARB:ADV TRIG")
            else:
                pacing = (
                    f"{own}:FUNC:ARB:ADV SRAT", f"{own}:FUNC:ARB:SRAT {1 / self._dwell:.12g}",
                    f"{own}:BURS:MODE TRIG", f"{own}:BURS:NCYC 1",
                )  # fmt: skip
            last = () if self._pace == "trigger" else (f"{own}:BURS:STAT ON",)
            commands = (
                f"TRIG{channel}:SOUR {'EXT' if self._pace == 'trigger' else 'BUS'}",
                f"TRIG{channel}:SLOP {self._slope}",
                f"{own}:FUNC:ARB MGD{channel}", f"{own}:FUNC:ARB:FILT OFF", *pacing,
                f"{own}:VOLT:OFFS {each.offset:.9g}", f"{own}:FUNC:ARB:PTP {each.span:.9g}",
                f"{own}:FUNC ARB", *last,
            )  # fmt: skip
            self._at_dc.discard(channel)
            self._queue.tell(commands, "a list was armed")
            self._read_back(channel, each)

    def start(self) -> None:
        """Of a list paced by its own timer."""
        self._queue.tell(("*TRG",), "a list was started")

    def played(self) -> int:
        """Points of the list; the channels then are at DC, at its last level."""
        if self._pace == "own":
            self._talk.ask("*OPC?")
        stands = all(
            self._talk.ask(f"SOUR{each}:FUNC?;:SOUR{each}:FUNC:ARB:ADV?;:TRIG{each}:SOUR?")
            == _STANDING[self._pace]
            for each in self._waveforms
        )
        self.leave(self._last)
        return self._count if stands else 0

    def _refuse_small(self) -> None:
        for channel, each in self._waveforms.items():
            if each.span < SMALLEST_SPAN:
                raise ConfigurationError(
                    f"{self._talk.place}: channel {channel}: a list whose levels differ by "
                    f"{each.span:g} V only; the smallest waveform has {SMALLEST_SPAN:g} V. Use "
                    "software timing, or a larger gain"
                )

    def _read_back(self, channel: str, each: Waveform) -> None:
        for query, expected in (
            (f"SOUR{channel}:VOLT:OFFS?", each.offset),
            (f"SOUR{channel}:FUNC:ARB:PTP?", each.span),
        ):
            found = self._talk.ask_number(query)
            if abs(found - expected) > 1e-3 * max(each.span, abs(each.offset)):
                raise InstrumentError(
                    f"{self._talk.place}: {query} is {found:g} V, not {expected:g} V: the list "
                    "would not be played as it was loaded"
                )
