"""Lists and buffers of a Keithley 2600, by its remote trigger model.

Series 2600B Reference Manual (2600BS-901-01), section "Remote trigger model", and the TSP commands
smuX.trigger, trigger.timer and digio.trigger. Every channel takes a reading at each step, those
that play no list too, so that readings count the steps.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.tsp_talk import TspTalk
from mgd_lab.chip.instruments import Pace
from mgd_lab.errors import ConfigurationError, LinkError

Float64 = NDArray[np.float64]

LARGEST_LIST = 5_000
LARGEST_BUFFER = 60_000

# Buffer status of a reading, bit 6: compliance.
_IN_COMPLIANCE = 1 << 6


class Keithley2600Sweep:
    """What was loaded and armed, and what it gave.

    Args:
        tsp: exchanges with the instrument.
        place: what messages call it.
        letters: channel → "v" or "i" as it sources, and as it measures.
        input_line, output_line: of the digital port.
        patience_seconds: how long no reading may come.
    """

    def __init__(
        self,
        tsp: TspTalk,
        place: str,
        letters: Mapping[str, tuple[str, str]],
        *,
        input_line: int,
        output_line: int,
        patience_seconds: float,
    ) -> None:
        self._tsp = tsp
        self._place = place
        self._letters = letters
        self._input = f"digio.trigger[{input_line}]"
        self._output = f"digio.trigger[{output_line}]"
        self._patience = patience_seconds
        self._steps = 0
        self._last: dict[str, float] = {}
        self._found: dict[str, Float64] = {}
        self._compliances: dict[str, int] = {}

    def lines(self) -> Sequence[str]:
        """Statements that set the digital port up."""
        return (
            f"{self._input}.mode = digio.TRIG_FALLING",
            f"{self._output}.mode = digio.TRIG_FALLING",
            f"{self._output}.pulsewidth = 1e-5",
            f"{self._output}.stimulus = 0",
        )

    def aborting(self) -> Sequence[str]:
        """Statements that bring all channels to idle."""
        return tuple(f"{channel}.abort()" for channel in self._letters)

    def forget(self) -> None:
        """There is no list any more."""
        self._steps = 0
        self._last.clear()

    def take_compliances(self) -> Mapping[str, int]:
        """Channel → steps of lists that were in compliance, since the last call."""
        found, self._compliances = self._compliances, {}
        return found

    def load(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """Lists (n,) of some channels; each of them gets a table of its own."""
        steps = len(next(iter(levels.values())))
        self._check(steps, LARGEST_LIST)
        event = f"{self._input}.EVENT_ID" if pace == "trigger" else "trigger.timer[1].EVENT_ID"
        leader = next(channel for channel in self._letters if channel in levels)
        statements = [*self.aborting()]
        for channel, own in levels.items():
            table = f"list_{channel}"
            statements.append(f"{table} = {{}}")
            statements += [f"{table}[{k}] = {v:.9g}" for k, v in enumerate(own.tolist(), 1)]
            statements.append(f"{channel}.trigger.source.list{self._letters[channel][0]}({table})")
        for channel in self._letters:
            statements += self._stepping(channel, steps, event, plays=channel in levels)
        if pace == "own":
            statements += [
                # What is left of a list that was aborted would step this one.
                "trigger.timer[1].reset()",
                f"trigger.timer[1].delay = {dwell_seconds:.9g}",
                f"trigger.timer[1].count = {max(1, steps - 1)}",
                "trigger.timer[1].passthrough = true",
                f"trigger.timer[1].stimulus = {leader}.trigger.ARMED_EVENT_ID",
            ]
        statements.append(f"{self._output}.stimulus = {leader}.trigger.SOURCE_COMPLETE_EVENT_ID")
        self._tsp.run(statements)
        self._steps = steps
        self._last = {channel: float(own[-1]) for channel, own in levels.items()}

    def arm_buffer(self, count: int, pace: Pace) -> bool:
        """Ready for readings without a list; False where a list fills the buffers by itself."""
        if self._steps:
            if count != self._steps:
                raise ConfigurationError(
                    f"{self._place}: {count} readings; its list has {self._steps} steps, and gives "
                    "one reading a step"
                )
            return False
        self._check(count, LARGEST_BUFFER)
        event = f"{self._input}.EVENT_ID" if pace == "trigger" else "0"
        statements = [*self.aborting(), f"{self._output}.stimulus = 0"]
        for channel in self._letters:
            statements += self._stepping(channel, count, event, plays=False)
        self._tsp.run(statements)
        return True

    def initiate(self) -> None:
        """Leaves idle, the first channel last: it starts the timer for all."""
        channels = reversed(list(self._letters))
        starts = [f"{channel}.trigger.initiate()" for channel in channels]
        self._tsp.run([f"{self._input}.clear()", *starts])

    def steps_played(self) -> int:
        """Readings that every channel took, when no more come; the last levels stay."""
        held = self._wait(self._steps)
        if held == self._steps:
            self._fetch(held)
        statements = [*self.aborting()]
        for channel, level in self._last.items():
            letter = self._letters[channel][0]
            statements.append(f"{channel}.source.level{letter} = {level:.9g}")
        self._tsp.run(statements)
        self.forget()
        return held

    def fetch(self, count: int) -> Float64:
        """(count, channels), when they have been taken."""
        held = self._wait(count)
        if held != count:
            self._tsp.run(self.aborting())
            raise LinkError(
                f"{self._place}: it holds {held} readings of {count}. Check the trigger cable, and "
                "whether a reading takes longer than a step"
            )
        self._fetch(count)
        return np.stack([self._found[channel] for channel in self._letters], axis=1)

    def _stepping(self, channel: str, count: int, event: str, *, plays: bool) -> Sequence[str]:
        """The trigger model of one channel; an action that is disabled is not waited for."""
        trigger, measured = f"{channel}.trigger", self._letters[channel][1]
        self._found.clear()
        return (
            f"{channel}.nvbuffer1.clear()",
            f"{trigger}.source.action = {channel}.{'ENABLE' if plays else 'DISABLE'}",
            f"{trigger}.source.stimulus = {event if plays else 0}",
            f"{trigger}.measure.{measured}({channel}.nvbuffer1)",
            f"{trigger}.measure.action = {channel}.ENABLE",
            f"{trigger}.measure.stimulus = {0 if plays else event}",
            f"{trigger}.endpulse.action = {channel}.SOURCE_HOLD",
            f"{trigger}.endpulse.stimulus = 0",
            f"{trigger}.endsweep.action = {channel}.SOURCE_HOLD",
            f"{trigger}.arm.stimulus = 0",
            f"{trigger}.arm.count = 1",
            f"{trigger}.count = {count}",
        )

    def _wait(self, count: int) -> int:
        held, since = -1, time.monotonic()
        while held < count:
            counts = self._tsp.numbers(*(f"{channel}.nvbuffer1.n" for channel in self._letters))
            found = int(min(counts))
            if found > held:
                held, since = found, time.monotonic()
            elif time.monotonic() - since > self._patience:
                break
        return held

    def _fetch(self, count: int) -> None:
        for channel in self._letters:
            if channel in self._found:
                continue
            table = self._tsp.table(f"{channel}.nvbuffer1", count, "readings", "statuses")
            self._found[channel] = table[:, 0]
            if channel in self._last:
                tripped = np.count_nonzero(table[:, 1].astype(np.int64) & _IN_COMPLIANCE)
                if tripped:
                    self._compliances[channel] = self._compliances.get(channel, 0) + int(tripped)

    def _check(self, count: int, most: int) -> None:
        if not 1 <= count <= most:
            raise ConfigurationError(
                f"{self._place}: {count} steps or readings; it takes 1 to {most}. Make blocks "
                "smaller"
            )
