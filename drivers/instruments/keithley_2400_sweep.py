"""Lists and buffers of a Keithley 2400: both are runs of its two-layer trigger model.

Series 2400 User's Manual (2400S-900-01 Rev. K), sections 9 "Data Store", 10 "Sweep Operation", 11
"Triggering" and 18 "SCPI Command Reference" (SOURce:LIST, TRACe, TRIGger, FORMat). Each step is a
source-delay-measure cycle, so that the readings count the steps, and the status of each reading
tells whether the source was in compliance then. Once it is initiated the instrument carries out
nothing but ABORt until it is idle again.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.conversation import Conversation
from drivers.instruments.remembered import Remembered
from mgd_lab.chip.instruments import Pace
from mgd_lab.errors import ConfigurationError, LinkError

Float64 = NDArray[np.float64]

LARGEST = 2500
LARGEST_AS_TEXT = 100
"""On a serial line there is no binary, and a longer answer would not be one line any more."""

_AT_ONCE = 100
_SOURCES = {"own": "IMM", "trigger": "TLIN"}
_ELEMENTS = 2
# Status of a reading, bits 3 and 16: compliance, and compliance of the measuring range.
_IN_COMPLIANCE = (1 << 3) | (1 << 16)


class Keithley2400Sweep:
    """What was loaded and armed, and what it gave.

    Args:
        talk: the conversation with the instrument.
        remembered: its settings that change often.
        source: "VOLT" or "CURR".
        as_text: readings come as text instead of binary.
        delay_seconds: from a level, or a trigger, to its reading.
        reading_seconds: that a reading takes.
    """

    def __init__(
        self,
        talk: Conversation,
        remembered: Remembered,
        source: str,
        *,
        as_text: bool,
        delay_seconds: float,
        reading_seconds: float,
    ) -> None:
        self._talk = talk
        self._remembered = remembered
        self._source = source
        self._as_text = as_text
        self._delay = delay_seconds
        self._reading = reading_seconds
        self._steps = 0
        self._last_level = 0.0
        self._found: Float64 | None = None
        self._compliances = 0
        self.is_under_way = False

    @property
    def largest(self) -> int:
        """Most steps of a list, and readings of a buffer."""
        return LARGEST_AS_TEXT if self._as_text else LARGEST

    def forget(self) -> None:
        """There is no list any more; the instrument is idle."""
        self._steps, self._found = 0, None
        self.is_under_way = False

    def take_compliances(self) -> int:
        """Steps of lists that were in compliance, since the last call."""
        found, self._compliances = self._compliances, 0
        return found

    def read(self, count: int) -> Float64:
        """Readings taken at once, (count,)."""
        self._remembered.set(self._run(count, "IMM", "NONE", self._delay))
        return self._records("READ?", count)[:, 0]

    def load(self, levels: Float64, pace: Pace, dwell_seconds: float) -> None:
        """A list (n,), and an empty buffer for a reading of each step."""
        self._check(len(levels))
        texts = [f"{level:.9g}" for level in levels.tolist()]
        for k in range(0, len(texts), _AT_ONCE):
            header = f"SOUR:LIST:{self._source}" + (":APP" if k else "")
            self._talk.tell(f"{header} {','.join(texts[k : k + _AT_ONCE])}")
        # The trigger layer has no timer: a step lasts its source delay and its reading.
        delay = self._delay if pace == "trigger" else max(self._delay, dwell_seconds)
        self._remembered.set(self._run(len(levels), _SOURCES[pace], "SOUR", delay))
        self._remembered.set({f"SOUR:{self._source}:MODE": "LIST"})
        self._empty_buffer(len(levels))
        self._steps, self._last_level = len(levels), float(levels[-1])

    def arm_buffer(self, count: int, pace: Pace) -> bool:
        """Ready for readings without a list; False where a list fills the buffer by itself."""
        if self._steps:
            if count != self._steps:
                raise ConfigurationError(
                    f"{self._talk.place}: {count} readings; its list has {self._steps} steps, and "
                    "gives one reading a step"
                )
            return False
        self._check(count)
        self._remembered.set(self._run(count, _SOURCES[pace], "NONE", self._delay))
        self._empty_buffer(count)
        return True

    def initiate(self) -> None:
        """Leaves idle; a pulse that came before counts for nothing."""
        self._talk.tell("TRIG:CLE;:INIT")
        self.is_under_way = True

    def steps_played(self) -> int:
        """Readings in the buffer, once it is idle; then the last level is the fixed one."""
        held = self._held()
        if held == self._steps:
            self._fetch(held)
        source, level = f"SOUR:{self._source}", f"{self._last_level:.9g}"
        # First the level, so that the fixed mode does not go back to the one before the list.
        self._talk.tell(f"{source}:LEV {level}")
        self._remembered.set({f"{source}:MODE": "FIX"})
        self._steps, self._found = 0, None
        return held

    def fetch(self, count: int) -> Float64:
        """What the buffer holds, (count,), once the instrument is idle."""
        held = self._held()
        if held != count:
            raise LinkError(
                f"{self._talk.place}: it holds {held} readings of {count}. Check the trigger "
                "cable, and whether a reading takes longer than a step"
            )
        return self._fetch(count)

    def _fetch(self, count: int) -> Float64:
        if self._found is None:
            records = self._records("TRAC:DATA?", count)
            self._found = records[:, 0]
            if self._steps:
                status = records[:, 1].astype(np.int64)
                self._compliances += int(np.count_nonzero(status & _IN_COMPLIANCE))
        return self._found

    def _held(self) -> int:
        # It is answered when the instrument is idle.
        held = int(self._talk.ask_number("TRAC:POIN:ACT?"))
        self.is_under_way = False
        return held

    def _check(self, count: int) -> None:
        if not 1 <= count <= self.largest:
            raise ConfigurationError(
                f"{self._talk.place}: {count} steps or readings; it takes 1 to {self.largest}"
                + (" on a serial line" if self._as_text else "")
                + ". Make blocks smaller"
            )

    def _run(self, count: int, source: str, marker: str, delay: float) -> dict[str, str]:
        aperture = self._reading if marker == "SOUR" and source == "IMM" else 0.0
        # The delay has steps of 0.1 ms; a step is never shorter than it was asked for.
        ticks = math.ceil((max(self._delay, delay - aperture)) * 1e4 - 1e-6)
        return {
            "SOUR:DEL": f"{ticks * 1e-4:.9g}",
            "TRIG:SOUR": source,
            "TRIG:COUN": str(count),
            "TRIG:OUTP": marker,
        }

    def _empty_buffer(self, count: int) -> None:
        for command in ("FEED:CONT NEV", "CLE", f"POIN {count}", "FEED SENS", "FEED:CONT NEXT"):
            self._talk.tell(f"TRAC:{command}")
        self._found = None

    def _records(self, query: str, count: int) -> Float64:
        """(count, 2): reading and status."""
        wanted = _ELEMENTS * count
        if self._as_text:
            numbers = np.array(self._talk.ask_numbers(query, wanted), np.float64)
        else:
            block = self._talk.ask_block(query, indefinite_bytes=4 * wanted)
            numbers = np.frombuffer(block, "<f4").astype(np.float64)
        return numbers.reshape(count, _ELEMENTS)
