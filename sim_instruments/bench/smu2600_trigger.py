"""The remote trigger model of one channel of a Keithley 2600.

Series 2600B Reference Manual (2600BS-901-01), section "Remote trigger model": armed, then as often
as its count says: wait for the source's event, set the source, wait for the meter's event, measure.
An action that is disabled is passed over. An event that comes while nothing waits for it is kept,
one of each detector, until the model is initiated again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sim_instruments.bench.plug import Plug

Detector = Literal["source", "measure"]


@dataclass(frozen=True)
class Steps:
    """How the model is set up.

    Attributes:
        count: how often.
        stimuli: events that the detectors wait for; 0: none is waited for.
        plays, measures: whether the source and the meter do anything.
    """

    count: int
    stimuli: dict[Detector, int]
    plays: bool
    measures: bool


class RemoteTriggerModel:
    """Idle, or somewhere in its steps.

    Args:
        plug: of the instrument.
        steps: as it is set up now.
        source: sets the source to step k of its list.
        measure: takes a reading and calls what it gets when that has ended.
        ended: the sweep has ended.
        happen: gives an event of a name: "ARMED", "SOURCE_COMPLETE", "MEASURE_COMPLETE".
    """

    def __init__(
        self,
        plug: Plug,
        *,
        steps: Callable[[], Steps],
        source: Callable[[int], None],
        measure: Callable[[Callable[[], None]], None],
        ended: Callable[[], None],
        happen: Callable[[str], None],
    ) -> None:
        self._plug = plug
        self._steps = steps
        self._source = source
        self._measure = measure
        self._ended = ended
        self._happen = happen
        self._kept: set[int] = set()
        self._awaited: tuple[int, Callable[[], None]] | None = None
        self._run = self._done = 0
        self.is_idle = True

    def initiate(self) -> None:
        """smuX.trigger.initiate()."""
        self.abort()
        self._kept.clear()
        self.is_idle = False
        self._done = 0
        self._happen("ARMED")
        self._next()

    def abort(self) -> None:
        """smuX.abort()."""
        self._run += 1
        self._awaited, self.is_idle = None, True

    def detect(self, event: int) -> None:
        """An event of the instrument."""
        if self.is_idle:
            return
        if self._awaited is not None and self._awaited[0] == event:
            _, go = self._awaited
            self._awaited = None
            self._later(go)
        elif event in self._steps().stimuli.values():
            self._kept.add(event)

    def _next(self) -> None:
        steps = self._steps()
        if self._done >= steps.count:
            self.is_idle = True
            self._ended()
        elif steps.plays:
            self._await(steps.stimuli["source"], self._set_source)
        else:
            self._await_reading()

    def _set_source(self) -> None:
        self._source(self._done)
        self._happen("SOURCE_COMPLETE")
        self._await_reading()

    def _await_reading(self) -> None:
        steps = self._steps()
        if steps.measures:
            self._await(steps.stimuli["measure"], self._take_reading)
        else:
            self._end_step()

    def _take_reading(self) -> None:
        run = self._run

        def taken() -> None:
            if run == self._run:
                self._happen("MEASURE_COMPLETE")
                self._end_step()

        self._measure(taken)

    def _end_step(self) -> None:
        self._done += 1
        self._later(self._next)

    def _await(self, event: int, go: Callable[[], None]) -> None:
        if event == 0 or event in self._kept:
            self._kept.discard(event)
            self._later(go)
        else:
            self._awaited = (event, go)

    def _later(self, go: Callable[[], None]) -> None:
        run = self._run

        def unless_aborted() -> None:
            if run == self._run:
                go()

        self._plug.later(0.0, unless_aborted)
