"""How a simulated instrument is plugged into the simulated bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sim_instruments.message_exchange import DeviceCore


class Plug(Protocol):
    """One instrument's sockets: its terminals, its trigger lines, and the time.

    Channels are named as the driver of the instrument names them. Time is that of the bench,
    virtual or real, in seconds; an instrument never looks at another clock.
    """

    def now(self) -> float:
        """Seconds since the bench was set up."""
        ...

    def spend(self, seconds: float) -> None:
        """The instrument is busy for so long: integration, settling, the transfer of a message."""
        ...

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Has `act` called so many seconds from now, whatever goes on meanwhile.

        So an integration ends, and a list paced by its own timer goes on, while other instruments
        are spoken to. Things due at the same moment are done in the order in which they were asked
        for; what follows a trigger at once can so be put behind its other listeners (0 s).
        """
        ...

    def wait(self, done: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Lets time pass from one thing that is due to the next until `done()`; whether it is.

        For queries that answer when a measurement or a list has ended. False where nothing more
        is due, or so many seconds have passed: the instrument then gives no answer.
        """
        ...

    def drive(self, channel: str, level: float | None) -> None:
        """From now on the channel's output is at this level; None: off, at high impedance."""
        ...

    def sense(self, channel: str) -> float:
        """What is at the terminal now, settled as far as the time since the last change allows."""
        ...

    def load_current(self, channel: str, level: float) -> float:
        """Current in amperes that the wired load draws at a voltage (at a current: its voltage)."""
        ...

    def pulse(self, line: str) -> None:
        """A marker or trigger output gives a pulse; whoever is wired to it is triggered at once."""
        ...

    def listen(self, line: str, triggered: Callable[[], None]) -> None:
        """What is done at each pulse on a trigger input of this instrument."""
        ...

    def noise(self) -> float:
        """A number from N(0, 1), from the bench's seed, times the bench's noise (0: none)."""
        ...


@dataclass(frozen=True)
class BenchInstrument:
    """What an entry point of the group `mgd_lab.simulated_bench` names.

    Attributes:
        build: name in the chip file, settings of the driver of the same name, plug → the device
            core that stands behind the instrument's resource.
    """

    build: Callable[[str, Any, Plug], DeviceCore]
