"""Terminals of simulated instruments: what they are driven at, and how that settles."""

from __future__ import annotations

import math
from dataclasses import dataclass

SETTLED_AFTER = 14.0
"""Time constants after which a terminal stands at its level exactly.

e⁻¹⁴ of a step is below a millionth. From there on readings do not depend on how long was waited,
so that every timing of a noise-free bench gives the same numbers.
"""

DEFAULT_LOAD_OHMS = 1e6


@dataclass
class Terminal:
    """One channel of an instrument, as a source.

    Attributes:
        time_constant: of settling, in seconds.
        load_ohms: what is wired to it, to ground.
        level: what it is driven at; None: at high impedance, pulled to 0 by its load.
        driven: how often it was driven.
    """

    time_constant: float = 0.0
    load_ohms: float = DEFAULT_LOAD_OHMS
    level: float | None = None
    driven: int = 0
    _from: float = 0.0
    _since: float = 0.0

    def drive(self, level: float | None, now: float) -> bool:
        """From now on; whether that is another level than before."""
        self.driven += 1
        before = self.level
        start = self.at(now)
        self.level = level
        if (level or 0.0) == (before or 0.0):
            return False
        self._from, self._since = start, now
        return True

    def at(self, now: float) -> float:
        """What is at the terminal."""
        level = self.level or 0.0
        if now >= self.settled_at:
            return level
        # Tasks that run together begin at the same moment: one may look back before a change.
        elapsed = max(0.0, now - self._since)
        return level + (self._from - level) * math.exp(-elapsed / self.time_constant)

    @property
    def settled_at(self) -> float:
        """From when on it stands at its level."""
        return self._since + SETTLED_AFTER * self.time_constant
