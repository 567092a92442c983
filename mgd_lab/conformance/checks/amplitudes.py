"""Rung `signs`: the amplitudes that were set last are those that are applied."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import MeasuresDense, MeasuresSigns
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed

_PROBES = 24


def check(session: Session) -> Verdict:
    """Amplitudes, half of them, and the first again."""
    chip, material = session.chip, session.material
    obstacle = session.obstacle("signs")
    if obstacle or not isinstance(chip, MeasuresSigns):
        return not_applicable(obstacle)
    chunk = session.chunk("signs", _PROBES)
    count = min(_PROBES, session.largest_block("signs"))
    half = (material.amplitudes / 2).astype(np.float32)
    before = session.measure("signs", chunk, 0, count, count)
    chip.set_amplitudes(half)
    halved = session.measure("signs", chunk, 0, count, count)
    chip.set_amplitudes(material.amplitudes)
    after = session.measure("signs", chunk, 0, count, count)
    comparison = session.compare(after, before, "signs")
    if not comparison.same:
        return failed(f"amplitudes were halved and set back; then {comparison.text(after, before)}")
    if session.compare(halved, before, "signs").same:
        text = "costs with half the amplitudes are the same"
        if session.noise("signs").silent:
            return failed(f"{text}: the amplitudes that were set are not used")
        return not_applicable(f"{text} within the noise; give a larger amplitude")
    if not session.obstacle("dense") and isinstance(chip, MeasuresDense):
        session.source("dense", 1)
        rows = chunk.perturbations.rows(0, int(chunk.rows[count - 1]) + 1)[chunk.rows[:count]]
        moves = (rows * chunk.plan.signs[:count, None] / 2).astype(np.float32)
        expected = chip.measure_dense(material.sent, chunk.samples[:count], moves)
        comparison = session.compare(halved, expected, "signs", "dense")
        if not comparison.same:
            return failed(f"against rung dense: {comparison.text(halved, expected)}")
    return passed("the amplitudes that were set last are applied")
