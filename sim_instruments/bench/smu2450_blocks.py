"""The trigger model of a Keithley 2450: numbered blocks, events, timers and digital lines.

Model 2450 Reference Manual (2450-901-01), section 3 "Trigger model" and section 6, TRIGger
subsystem. Blocks that lead to none, or lead beyond the last, end it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sim_instruments.bench.integration import Integration
from sim_instruments.bench.plug import Plug

BLOCK_SECONDS = 5e-6
"""What a block takes by itself."""

Go = Callable[[], None]
Act = Callable[["TriggerBlocks", Go], None]


@dataclass
class Timer:
    """TRIGger:TIMer<n>: events after the event that starts it."""

    is_enabled: bool = False
    stimulus: str = "NONE"
    delay: float = 10e-6
    count: int = 1


@dataclass
class Block:
    """One block; `act` calls the function that it gets when the next block's turn has come."""

    kind: str
    act: Act
    counted: int = 0


@dataclass
class TriggerBlocks:
    """The model and what it runs on.

    Attributes:
        plug: of the instrument.
        lines: digital line → event that gives a pulse there.
        timers: by number.
    """

    plug: Plug
    lines: dict[int, str] = field(default_factory=dict[int, str])
    timers: dict[int, Timer] = field(default_factory=dict[int, Timer])

    def __post_init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._integration = Integration(self.plug)
        self._detected: set[str] = set()
        self._awaited: tuple[str, Go] | None = None
        self.at = 0
        self.state = "EMPTY"

    @property
    def is_running(self) -> bool:
        """Whether it runs, or waits for an event."""
        return self.state in ("RUNNING", "WAITING")

    def load_empty(self) -> None:
        """TRIGger:LOAD "Empty"."""
        self._blocks.clear()
        self.state = "EMPTY"

    def put(self, number: int, block: Block) -> None:
        """Defines a block."""
        self._blocks[number] = block
        self.state = "IDLE"

    def initiate(self) -> None:
        """INITiate."""
        for block in self._blocks.values():
            block.counted = 0
        self.state = "RUNNING"
        self._later(self._go_to(1))

    def abort(self) -> None:
        """ABORt."""
        self._integration.give_up()
        self._awaited = None
        self.state = "IDLE" if self._blocks else "EMPTY"

    def happen(self, event: str) -> None:
        """An event: whoever waits for it goes on, and lines and timers that it stimulates act."""
        if self._awaited is not None and self._awaited[0] == event:
            _, go = self._awaited
            self._awaited, self.state = None, "RUNNING"
            self._later(go)
        else:
            self._detected.add(event)
        for line, stimulus in self.lines.items():
            if stimulus == event:
                self.plug.pulse(f"digio_{line}")
        for number, timer in self.timers.items():
            if timer.is_enabled and timer.stimulus == event:
                for k in range(timer.count):
                    tick = f"TIM{number}"
                    self._integration.later((k + 1) * timer.delay, lambda t=tick: self.happen(t))

    def forget(self, event: str) -> None:
        """An event that was detected counts for nothing."""
        self._detected.discard(event)

    def await_event(self, event: str, clears: bool, go: Go) -> None:
        """The wait block."""
        if clears:
            self.forget(event)
        if event in self._detected:
            self._detected.remove(event)
            self._later(go)
        else:
            self._awaited, self.state = (event, go), "WAITING"

    def wait_seconds(self, seconds: float, go: Go) -> None:
        """The delay block."""
        self._integration.later(seconds, go)

    def go_to(self, number: int) -> None:
        """The branch blocks."""
        self._later(self._go_to(number))

    def count(self, number: int) -> int:
        """How often a counter block has been reached, this time included."""
        block = self._blocks[number]
        block.counted += 1
        return block.counted

    def mean(
        self, sense: Callable[[], float], aperture: float, done: Callable[[float], None]
    ) -> None:
        """A conversion, which an abort gives up."""
        self._integration.mean(sense, aperture, done)

    def _go_to(self, number: int) -> Go:
        def enter() -> None:
            self.at = number
            block = self._blocks.get(number)
            if block is None:
                self.state = "IDLE"
            else:
                block.act(self, self._go_to(number + 1))

        return enter

    def _later(self, go: Go) -> None:
        self._integration.later(BLOCK_SECONDS, go)
