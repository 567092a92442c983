"""Lists and buffers of a Keithley 2450, as blocks of its trigger model.

Model 2450 Reference Manual (2450-901-01), section 6 "SCPI command reference": SOURce:LIST, TRIGger,
DIGital and TRACe subsystems; section 3 "Trigger model". A source list is a configuration list whose
levels are recalled one by one. The sweeps that the instrument makes of it by itself switch
the output off at their end, and so they are not used.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.conversation import Conversation
from mgd_lab.chip.instruments import Pace
from mgd_lab.errors import ConfigurationError, LinkError

Float64 = NDArray[np.float64]

LARGEST_LIST = 2500
LARGEST_BUFFER = 100_000

_BUFFER = '"defbuffer1"'
_AT_ONCE = 100
_LISTS = {"VOLT": '"VoltCustomSweepList"', "CURR": '"CurrCustomSweepList"'}
_STATUSES_AT_ONCE = 500
# Source status of a reading (TRACe:DATA?, SOURSTATus): the function level is limited.
_LIMITED = 1 << 5


class Keithley2450Blocks:
    """What was loaded and armed, and what it gave.

    Args:
        talk: the conversation with the instrument.
        source: "VOLT" or "CURR".
        input_line, output_line: of the digital port, for triggers and markers.
        delay_seconds: from a level, or a trigger, to its reading.
        patience_seconds: how long no reading may come.
    """

    def __init__(
        self,
        talk: Conversation,
        source: str,
        *,
        input_line: int,
        output_line: int,
        delay_seconds: float,
        patience_seconds: float,
    ) -> None:
        self._talk = talk
        self._source = source
        self._input, self._output = input_line, output_line
        self._delay = delay_seconds
        self._patience = patience_seconds
        self._steps = 0
        self._limited = 0

    def lines(self) -> Sequence[str]:
        """Commands that set the digital port up."""
        return (
            f"DIG:LINE{self._input}:MODE TRIG,IN",
            f"TRIG:DIG{self._input}:IN:EDGE FALL",
            f"DIG:LINE{self._output}:MODE TRIG,OUT",
            f"TRIG:DIG{self._output}:OUT:LOG NEG",
            f"TRIG:DIG{self._output}:OUT:STIM NOT1",
        )

    def forget(self) -> None:
        """There is no list any more."""
        self._steps = 0

    def take_compliances(self) -> int:
        """Steps of lists whose level was limited, since the last call."""
        found, self._limited = self._limited, 0
        return found

    def load(self, levels: Float64, pace: Pace, dwell_seconds: float) -> None:
        """A list (n,), a reading and a marker at each step."""
        _check(len(levels), LARGEST_LIST, self._talk.place)
        texts = [f"{level:.9g}" for level in levels.tolist()]
        for k in range(0, len(texts), _AT_ONCE):
            header = f"SOUR:LIST:{self._source}" + (":APP" if k else "")
            self._talk.tell(f"{header} {','.join(texts[k : k + _AT_ONCE])}")
        if pace == "own":
            for command in (
                "STAT OFF", "STAR:STIM NOT2", f"DEL {dwell_seconds:.9g}",
                f"COUN {len(levels)}", "CLE", "STAT ON",
            ):  # fmt: skip
                self._talk.tell(f"TRIG:TIM1:{command}")
            first, following = "NOT {},2", "WAIT {},TIM1"
        else:
            first = following = f"WAIT {{}},DIG{self._input}"
        name = _LISTS[self._source]
        # Block 4 begins every step but the first; 6 is where both ways meet.
        self._build(
            first,
            f"CONF:REC {{}},{name},1",
            "BRAN:ALW {},6",
            following,
            f"CONF:NEXT {{}},{name}",
            "NOT {},1",
            *self._delaying(),
            f"MEAS {{}},{_BUFFER}",
            f"BRAN:COUN {{}},{len(levels)},4",
        )
        self._steps = len(levels)

    def arm_buffer(self, count: int, pace: Pace) -> bool:
        """Ready for readings without a list; False where a list fills the buffer by itself."""
        if self._steps:
            if count != self._steps:
                raise ConfigurationError(
                    f"{self._talk.place}: {count} readings; its list has {self._steps} steps, and "
                    "gives one reading a step"
                )
            return False
        _check(count, LARGEST_BUFFER, self._talk.place)
        if pace == "own":
            self._build(*self._delaying(), f"MEAS {{}},{_BUFFER},{count}")
        else:
            self._build(
                f"WAIT {{}},DIG{self._input}",
                "BRAN:ALW {},4",
                f"WAIT {{}},DIG{self._input}",
                *(self._delaying() or ("NOP {}",)),
                f"MEAS {{}},{_BUFFER}",
                f"BRAN:COUN {{}},{count},3",
            )
        return True

    def initiate(self) -> None:
        """Starts the trigger model; a pulse that came before counts for nothing."""
        self._talk.tell(f"TRAC:CLE {_BUFFER}")
        self._talk.tell(f"TRIG:DIG{self._input}:IN:CLE;:INIT")

    def steps_played(self) -> int:
        """Readings that were taken, when no more come; one more source status each."""
        held = self._wait(self._steps)
        if held == self._steps:
            self._look_for_limits(held)
        else:
            self._talk.tell("ABOR")
        self._steps = 0
        return held

    def fetch(self, count: int) -> Float64:
        """(count,), when they have been taken."""
        held = self._wait(count)
        if held != count:
            self._talk.tell("ABOR")
            raise LinkError(
                f"{self._talk.place}: it holds {held} readings of {count}. Check the trigger "
                "cable, and whether a reading takes longer than a step"
            )
        return self.stored(count)

    def stored(self, count: int) -> Float64:
        """The first of the buffer, (count,)."""
        query = f"TRAC:DATA? 1,{count},{_BUFFER},READ"
        return np.frombuffer(self._talk.ask_block(query, indefinite_bytes=8 * count), "<f8")

    def _wait(self, count: int) -> int:
        held, since = -1, time.monotonic()
        while held < count:
            found = int(self._talk.ask_number(f"TRAC:ACT? {_BUFFER}"))
            if found > held:
                held, since = found, time.monotonic()
            elif time.monotonic() - since > self._patience:
                break
        return held

    def _look_for_limits(self, count: int) -> None:
        # Text, since a status is no reading; as many as fit in a line.
        self._talk.tell("FORM ASC")
        for first in range(1, count + 1, _STATUSES_AT_ONCE):
            last = min(count, first + _STATUSES_AT_ONCE - 1)
            query = f"TRAC:DATA? {first},{last},{_BUFFER},SOURSTAT"
            found = self._talk.ask_numbers(query, last - first + 1)
            self._limited += sum(bool(int(status) & _LIMITED) for status in found)
        self._talk.tell("FORM REAL")

    def _delaying(self) -> tuple[str, ...]:
        return (f"DEL:CONS {{}},{self._delay:.9g}",) if self._delay else ()

    def _build(self, *blocks: str) -> None:
        self._talk.tell('TRIG:LOAD "Empty"')
        for number, block in enumerate(blocks, start=1):
            self._talk.tell(f"TRIG:BLOC:{block.format(number)}")


def _check(count: int, most: int, place: str) -> None:
    if not 1 <= count <= most:
        raise ConfigurationError(
            f"{place}: {count} steps or readings; it takes 1 to {most}. Make blocks smaller"
        )
