"""Numbers as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds → "0.8 s", "3 min 20 s", "2 h 05 min", "3 d 4 h"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def size(count: float) -> str:
    """Bytes → "312 B", "4.1 kB", "2.0 GB" (powers of 1000)."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 1000 or unit == "TB":
            return f"{count:.3g} {unit}"
    return f"{count:.3g} TB"


def number(value: float | None) -> str:
    """A whole number with thousands separated; "unknown" for None."""
    return "unknown" if value is None else f"{value:,.0f}"


def cost(value: float | None) -> str:
    """Four significant digits, or a dash."""
    return "-" if value is None else f"{value:.4g}"


def percent(value: float | None) -> str:
    """A fraction in per cent, or a dash where there is none."""
    return "-" if value is None else f"{100 * value:.2f} %"
