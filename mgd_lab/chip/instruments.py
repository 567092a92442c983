"""What a box on the bench can do, as protocols of a few methods; `bench` makes chips of them.

An instrument's constructor does no I/O. It is used in this order: `connect`, `configure`, then its
capabilities, then `close`. Channels are known by the names that the instrument gives them ("1",
"ch01", "smua"); levels and readings are in the channel's own unit, float64.

Instruments have no sequence numbers. That reading k belongs to level k is proved by one exchange at
a time and, where a list is played, by counts that the instruments report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

Pace = Literal["own", "trigger"]
"""Who paces a list or a buffer: the instrument's own timer, or a trigger input for each item."""


@dataclass(frozen=True)
class InstrumentChannel:
    """One terminal of an instrument.

    Attributes:
        name: as the instrument calls it.
        direction: "source" of a level, or "meter".
        unit: of level or reading, "V" or "A".
        low, high: what it can give or read as it is configured.
        switched: of a source, whether it has an output switch; one without goes to level 0 where
            outputs are switched off.
    """

    name: str
    direction: Literal["source", "meter"]
    unit: str
    low: float
    high: float
    switched: bool = True


@dataclass(frozen=True)
class InstrumentTimes:
    """The shortest times that the instrument's manual and its configuration allow, in seconds.

    Attributes:
        exchange: of one command or query on its link.
        level: from a command that sets levels to the output having reached them.
        reading: of one reading: integration, autozero, conversion.
        list_step: shortest dwell of a list; 0 where it plays none.
        transfer: of one value in a block.
    """

    exchange: float = 0.0
    level: float = 0.0
    reading: float = 0.0
    list_step: float = 0.0
    transfer: float = 0.0


class Instrument(Protocol):
    """What every instrument has. All methods raise `ChipError` and those below it."""

    @property
    def name(self) -> str:
        """What messages call it: its name in the chip file."""
        ...

    @property
    def identity(self) -> Mapping[str, str]:
        """manufacturer, model, serial, firmware, resource; known once it is connected."""
        ...

    @property
    def channels(self) -> Sequence[InstrumentChannel]:
        """Channels that its settings configure; known before it is connected."""
        ...

    @property
    def times(self) -> InstrumentTimes:
        """By its settings; known before it is connected."""
        ...

    def connect(self) -> None:
        """Opens its link and reads its identity; changes nothing at its terminals.

        Raises:
            IdentityError: another instrument answers than the model that this driver is for, or
                than the chip file names; nothing was sent but the question.
            LinkError: no answer.
        """
        ...

    def configure(self) -> None:
        """Limits and compliance first, then ranges and the rest, all read back; outputs stay off.

        An output that is found on stays as it is, and its level too. Errors that the instrument
        keeps are drained before and must be none afterwards: InstrumentError.
        """
        ...

    def take_errors(self) -> Sequence[str]:
        """Drains the instrument's error queue."""
        ...

    def close(self) -> None:
        """Ends the session; the outputs are as they were."""
        ...


@runtime_checkable
class SetsLevels(Protocol):
    """A source."""

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """Channel → level, in as few exchanges as the instrument allows; the others stay.

        Raises:
            LimitError: the instrument refused a level as out of its range or limits (−222).
        """
        ...

    def read_levels(self) -> Mapping[str, float]:
        """Level of every configured channel as the instrument tells it."""
        ...

    def switch_outputs(self, on: bool) -> None:
        """All configured channels; an instrument without a switch goes to 0 where `on` is false."""
        ...

    def outputs_are_on(self) -> bool:
        """Whether any configured channel is on, as the instrument tells it."""
        ...

    def look_for_trips(self) -> Sequence[str]:
        """Compliance, protection or interlock that has tripped since the last look; empty: none."""
        ...


@runtime_checkable
class Measures(Protocol):
    """A meter."""

    def measure(self, count: int) -> Float64:
        """`count` readings of every meter channel, one after another: (count, channels).

        Raises:
            MeasurementError: an overflow sentinel (9.9E37 and the like), or no number.
        """
        ...


@runtime_checkable
class PlaysLists(Protocol):
    """A source that steps through a list by itself, giving a marker at each step."""

    @property
    def largest_list(self) -> int: ...

    @property
    def counts_steps(self) -> bool:
        """Whether `steps_played` is what the instrument counted, and so a proof.

        One that cannot is used in lists only where the chip file names it (`uncounted`).
        """
        ...

    def load_list(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """Channel → levels (n,); paced by its own timer (`dwell_seconds`) or by triggers.

        LimitError where a level lies beyond, as with `set_levels`.
        """
        ...

    def arm_list(self) -> None:
        """Waits for its start, or for its first trigger."""
        ...

    def start_list(self) -> None:
        """Of a list paced by its own timer: begins, and returns while it plays."""
        ...

    def steps_played(self) -> int:
        """How many steps of the list have been output, by the instrument; waits for its end.

        The proof: another number than was loaded is a fault of the block. From one that counts
        none (`counts_steps`): all of them, or 0 where it does not stand as such a list leaves it.
        """
        ...


@runtime_checkable
class FillsBuffers(Protocol):
    """A meter that takes readings into its memory, one a trigger, and hands them over at once."""

    @property
    def largest_buffer(self) -> int: ...

    def arm_buffer(self, count: int, pace: Pace) -> None:
        """An empty buffer for `count` readings, each at a trigger (or one after another)."""
        ...

    def fetch_buffer(self, count: int) -> Float64:
        """(count, channels); waits for them no longer than its time-out.

        Raises:
            MeasurementError: an overflow sentinel.
            LinkError: the instrument holds another number of readings than `count`.
        """
        ...


@runtime_checkable
class DelaysReadings(Protocol):
    """A meter that waits before it reads, after a trigger as after a query, as its settings say."""

    @property
    def trigger_delay_seconds(self) -> float:
        """From trigger or query to the start of its reading; `times.reading` has it in it."""
        ...
