"""Times as people read them, from picoseconds to years."""

from __future__ import annotations

import math

_MINUTE, _HOUR, _DAY, _YEAR = 60.0, 3600.0, 86400.0, 365.25 * 86400.0
# Up to where a unit is used, in seconds, its size, and its name.
_UNITS = (
    (1e-9, 1e-12, "ps"),
    (1e-6, 1e-9, "ns"),
    (1e-3, 1e-6, "µs"),
    (1.0, 1e-3, "ms"),
    (10 * _MINUTE, 1.0, "s"),
    (2 * _HOUR, _MINUTE, "min"),
    (2 * _DAY, _HOUR, "h"),
    (2 * _YEAR, _DAY, "d"),
    (math.inf, _YEAR, "years"),
)


def time_text(seconds: float) -> str:
    """Two digits and a unit: "200 ps", "4 ms", "480 s", "5.6 h", "230 d"."""
    if seconds <= 0:
        return "0 s"
    size, unit = next((size, unit) for limit, size, unit in _UNITS if _rounded(seconds) < limit)
    return f"{_rounded(seconds / size):,.10g} {unit}"


def _rounded(value: float) -> float:
    """To two digits."""
    return round(value, 1 - math.floor(math.log10(value)))
