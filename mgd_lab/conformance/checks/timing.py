"""How fast the chip is. This fails only where a chip fails."""

from __future__ import annotations

import statistics
import time

from mgd_lab.chip import Rung
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, passed
from mgd_lab.controller import Chunk

_BLOCK = 64
_SECONDS = 0.3
_MOST_REQUESTS = 200


def check(session: Session, rung: Rung) -> Verdict:
    """Median time of a request of one probe; probes a second in blocks of 1, 64 and the largest."""
    largest = session.largest_block(rung)
    chunk = session.chunk(rung, largest)
    figures: dict[str, float] = {}
    exchange = 0.0
    for size, name in ((1, "1"), (min(_BLOCK, largest), "64"), (largest, "largest")):
        seconds = _median_seconds(session, rung, chunk, size)
        exchange = exchange or seconds
        figures[f"probes_per_second_block_{name}"] = size / seconds
    rates = ", ".join(f"{rate:,.0f}" for rate in figures.values())
    return passed(
        f"{1e6 * exchange:,.0f} µs an exchange; {rates} probes/s in blocks of 1, "
        f"{min(_BLOCK, largest)}, {largest}",
        exchange_seconds=exchange,
        **figures,
    )


def _median_seconds(session: Session, rung: Rung, chunk: Chunk, size: int) -> float:
    """Of requests of `size` probes, over a fraction of a second and at least three."""
    prober, sent = session.prober(rung), session.material.sent
    prober.measure(sent, chunk, 0, size)
    times: list[float] = []
    while len(times) < 3 or (sum(times) < _SECONDS and len(times) < _MOST_REQUESTS):
        began = time.perf_counter()
        prober.measure(sent, chunk, 0, size)
        times.append(time.perf_counter() - began)
    return statistics.median(times)
