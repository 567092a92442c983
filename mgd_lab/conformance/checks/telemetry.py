"""One reading a channel of the description."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import ReportsTelemetry
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed


def check(session: Session) -> Verdict:
    """Twice, after a few probes each."""
    chip, channels = session.chip, session.description.telemetry
    if not channels:
        return not_applicable("the description names no telemetry")
    if not isinstance(chip, ReportsTelemetry):
        return failed("the description names telemetry; the chip lacks ReportsTelemetry")
    for _ in range(2):
        for rung in session.rungs()[:1]:
            session.measure(rung, session.chunk(rung, 2), 0, 2, 1)
        found = chip.read_telemetry()
        if found.shape != (len(channels),) or found.dtype != np.float64:
            return failed(
                f"read_telemetry returned {found.dtype} of shape {found.shape}; expected float64 "
                f"of shape ({len(channels)},)"
            )
        infinite = np.flatnonzero(np.isinf(found))
        if len(infinite):
            return failed(f"{channels[int(infinite[0])].name} reads {found[infinite[0]]}")
    return passed(f"{len(channels)} channels, none of them infinite")
