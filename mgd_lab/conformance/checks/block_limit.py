"""The largest block is accepted; a larger one is refused, and nothing is harmed by it."""

from __future__ import annotations

from mgd_lab.chip import Rung
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.errors import MgdLabError


def check(session: Session, rung: Rung) -> Verdict:
    """`largest_block` probes, then one more."""
    declared = session.description.largest_block
    if session.largest_block(rung) < declared:
        return not_applicable(
            f"blocks of {declared} probes are declared; this test, or max_block_probes, allows no "
            f"more than {session.largest_block(rung)}"
        )
    chunk = session.chunk(rung, declared + 1)
    whole = session.measure(rung, chunk, 0, declared, declared)
    if len(whole) != declared:
        return failed(f"a block of {declared} probes gave {len(whole)} costs")
    try:
        session.measure(rung, chunk, 0, declared + 1, declared + 1)
    except MgdLabError as error:
        said = f"a block of {declared + 1} is refused ({type(error).__name__})"
    else:
        return failed(
            f"a block of {declared + 1} probes was not refused; largest_block is {declared}"
        )
    again = session.measure(rung, chunk, 0, declared, declared)
    comparison = session.compare(again, whole, rung)
    if not comparison.same:
        return failed(f"after a block that was too large: {comparison.text(again, whole)}")
    return passed(f"a block of {declared} is measured; {said}")
