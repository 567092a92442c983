"""How a simulated instrument is plugged into the simulated bench."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


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
        """A number drawn from N(0, 1), from the bench's seed."""
        ...
