"""How fast bytes may go: a line that carries so many a second."""

from __future__ import annotations

_BITS_A_BYTE = 10
"""8 data bits, a start and a stop bit."""


class Line:
    """One direction of a line; times are seconds of any one clock.

    Args:
        baud_rate: bits a second; None for a line without delay.
    """

    def __init__(self, baud_rate: float | None) -> None:
        self._seconds_per_byte = 0.0 if baud_rate is None else _BITS_A_BYTE / baud_rate
        self._free_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until it is free."""
        return max(0.0, self._free_at - now)

    def carry(self, count: int, now: float) -> None:
        """It is busy with so many bytes from now on."""
        self._free_at = max(self._free_at, now) + count * self._seconds_per_byte
