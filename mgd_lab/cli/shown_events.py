"""What `show` says of events, and of the state in which the chip was armed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np

from mgd_lab.run_store import Events, Run

_LAST = 10
_FEW = 8


def event_lines(run: Run, *, everything: bool) -> Iterator[str]:
    """How many of each kind, then the last ten, or all."""
    counts = run.event_counts()
    total = sum(counts.values())
    if not total:
        return
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
    yield f"  {'events':<15} {kinds}"
    if total > _LAST and not everything:
        yield f"  last {_LAST} of {total:,} events:"
    events = run.events(None if everything else _LAST)
    for k, step in enumerate(events.step.tolist()):
        yield f"  step {step:,}: {events.kind[k]}: {events.message[k]}"
        if events.kind[k] == "armed":
            yield from _as_found(events, k)


def _as_found(events: Events, k: int) -> Iterator[str]:
    details = events.details[k]
    limits = details.get("limits")
    if isinstance(limits, Mapping):
        by_side = cast(Mapping[str, Mapping[str, Any]], limits)
        low, high = by_side.get("low", {}), by_side.get("high", {})
        groups = [f"{name} {_range(low[name], high[name])}" for name in low if name in high]
        yield f"    limits as read back: {', '.join(groups[:_FEW])}{_more(groups)}"
    if "parameters" in details:
        found = np.asarray(details["parameters"], dtype=np.float64)
        yield f"    parameters as found: {found.size}, {_range(found, found)}"
    outside = details.get("found_outside")
    if outside:
        names = [str(name) for name in outside]
        yield f"    found beyond their limits: {', '.join(names[:_FEW])}{_more(names)}"


def _range(low: Any, high: Any) -> str:
    """Infinite limits are the texts "inf" and "-inf"."""
    lows, highs = (np.atleast_1d(np.asarray(v)).astype(np.float64) for v in (low, high))
    return f"{lows.min():.6g} … {highs.max():.6g}" if lows.size and highs.size else "none"


def _more(items: list[str]) -> str:
    return f" and {len(items) - _FEW} more" if len(items) > _FEW else ""
