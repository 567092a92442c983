"""How a DS1000Z takes waveforms: a single one with its pre-trigger, or what there is now.

MSO1000Z/DS1000Z Series Programming Guide: :SINGle, :TFORce, :TRIGger:STATus?. The inputs are looked
at 24 times a screen, but not more often than every 20 µs; between two looks they go straight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim_instruments.bench.plug import Plug

Float64 = NDArray[np.float64]

Status = Literal["STOP", "RUN", "WAIT", "TD", "AUTO"]

DIVISIONS = 12

_LOOKS_A_SCREEN = 24
_SHORTEST_LOOK = 20e-6


@dataclass(frozen=True)
class Edge:
    """What triggers: a channel, a level in volts, and 1 upwards or −1 downwards."""

    channel: str
    level: float
    direction: int

    def is_between(self, before: float, after: float) -> bool:
        """Whether the channel went through the level."""
        return self.direction * (before - self.level) < 0 <= self.direction * (after - self.level)


@dataclass(frozen=True)
class Shot:
    """What was looked at: moments (n,), from the trigger, and volts (n,) of each channel."""

    moments: Float64
    volts: Mapping[str, Float64]


class Acquisition:
    """The acquisition of all channels.

    Args:
        plug: channels "1" to "4", marker "trig_out".
        channels: those that are looked at.
        screen: seconds that it shows, the trigger in the middle.
        edge: what triggers.
    """

    def __init__(
        self,
        plug: Plug,
        channels: Sequence[str],
        screen: Callable[[], float],
        edge: Callable[[], Edge],
    ) -> None:
        self._plug = plug
        self._channels = channels
        self._screen = screen
        self._edge = edge
        self._run = 0
        self._looks: list[tuple[float, list[float]]] = []
        self._trigger = 0.0
        self.status: Status = "AUTO"
        self.shot: Shot | None = None

    def free_run(self) -> None:
        """:RUN."""
        self._run += 1
        self.status = "AUTO"

    def stop(self) -> None:
        """:STOP; what was shown stays."""
        if self.status == "AUTO":
            self.shot = self.snapshot()
        self._run += 1
        self.status = "STOP"

    def single(self) -> None:
        """:SINGle: half a screen first, then the trigger is waited for."""
        self._run += 1
        self.status = "RUN"
        self._looks = []
        self._look()
        self._later(self._screen() / 2, self._wait)

    def force(self) -> None:
        """:TFORce; before it waits that does nothing."""
        if self.status == "WAIT":
            self._triggered()

    def snapshot(self) -> Shot:
        """What is at the inputs now, for the whole screen."""
        return Shot(
            np.zeros(1),
            {channel: np.array([self._plug.sense(channel)]) for channel in self._channels},
        )

    def _wait(self) -> None:
        self.status = "WAIT"

    def _look(self) -> None:
        now = self._plug.now()
        self._looks.append((now, [self._plug.sense(channel) for channel in self._channels]))
        # What has left the screen to the left is not kept.
        if self.status == "WAIT" and len(self._looks) > 4 * _LOOKS_A_SCREEN:
            del self._looks[: 2 * _LOOKS_A_SCREEN]
        if self.status == "WAIT" and self._went_through():
            self._triggered()
        spacing = max(self._screen() / _LOOKS_A_SCREEN, _SHORTEST_LOOK)
        self._later(spacing, self._look)

    def _went_through(self) -> bool:
        edge = self._edge()
        column = self._channels.index(edge.channel)
        (_, before), (_, after) = self._looks[-2:]
        return edge.is_between(before[column], after[column])

    def _triggered(self) -> None:
        self.status = "TD"
        self._trigger = self._plug.now()
        self._plug.pulse("trig_out")
        self._later(self._screen() / 2, self._finish)

    def _finish(self) -> None:
        self._run += 1
        self._looks.append(
            (self._plug.now(), [self._plug.sense(channel) for channel in self._channels])
        )
        moments = np.array([moment for moment, _ in self._looks]) - self._trigger
        volts = np.array([values for _, values in self._looks])
        self.shot = Shot(
            moments, {channel: volts[:, k] for k, channel in enumerate(self._channels)}
        )
        self.status = "STOP"

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        run = self._run

        def unless_ended() -> None:
            if run == self._run:
                act()

        self._plug.later(seconds, unless_ended)
