"""What a probe costs does not depend on how probes are grouped into requests."""

from __future__ import annotations

from mgd_lab.chip import Rung
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, passed

_SIZES = (2, 7)
_SINGLES = 256
_FEWEST = 16


def check(session: Session, rung: Rung) -> Verdict:
    """Blocks of 2, of 7 and of the largest size against blocks of 1."""
    largest = session.largest_block(rung)
    count = session.affordable(rung, _SINGLES)
    chunk = session.chunk(rung, max(largest, _FEWEST))
    count = min(count, chunk.starts[-1])
    singles = session.measure(rung, chunk, 0, count, 1)
    sizes = sorted({size for size in _SIZES if size < largest} | {largest})
    biggest = 0.0
    for size in sizes:
        stop = max(count, size)
        found = session.measure(rung, chunk, 0, stop, size)[:count]
        if found.shape != singles.shape:
            return failed(f"blocks of {size} gave {len(found)} costs for {count} probes")
        comparison = session.compare(found, singles, rung)
        biggest = max(biggest, comparison.largest)
        if not comparison.same:
            return failed(
                f"blocks of {size} against blocks of 1: {comparison.text(found, singles)}",
                largest_difference=comparison.largest,
            )
    texts = ", ".join(str(size) for size in (1, *sizes))
    return passed(
        f"blocks of {texts} agree {session.noise(rung).text()}", largest_difference=biggest
    )
