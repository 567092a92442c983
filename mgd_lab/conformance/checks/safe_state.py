"""Whoever leaves `with` leaves a chip at its safe values, on errors too."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from mgd_lab.chip import HoldsParameters
from mgd_lab.conformance.checks.registers import RELATIVE_TOLERANCE
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.errors import MeasurementError


def check(session: Session) -> Verdict:
    """Opened, moved away from the safe values, left; opened again and read. Opens by itself."""
    chip = session.chip
    if not isinstance(chip, HoldsParameters):
        return not_applicable(
            "the chip lacks the capability HoldsParameters, so it cannot be read back; look at it "
            "after a run"
        )
    with session.chip:
        _move(session, chip)
    problem = _problem(session, chip)
    if problem:
        return failed(f"after a session, {problem}")
    on_purpose = MeasurementError("raised on purpose")
    with suppress(MeasurementError), session.chip:
        _move(session, chip)
        raise on_purpose
    problem = _problem(session, chip)
    if problem:
        return failed(f"after an error, {problem}")
    return passed("safe after a session, and after an error")


def _move(session: Session, chip: HoldsParameters) -> None:
    """To other values, both as parameters and as a block of probes."""
    session.begin()
    for rung in session.rungs()[-1:]:
        session.measure(rung, session.chunk(rung, 2), 0, 2, 1)
    chip.write_parameters(session.material.sent.astype(np.float64))


def _problem(session: Session, chip: HoldsParameters) -> str:
    safe = session.description.safe
    with session.chip:
        found = chip.read_parameters()
    allowed = session.description.resolution + RELATIVE_TOLERANCE * np.abs(safe)
    wrong = np.flatnonzero(~(np.abs(found - safe) <= allowed))
    if not len(wrong):
        return ""
    i = int(wrong[0])
    return (
        f"{len(wrong)} parameters are not at their safe values: "
        f"{session.description.parameter_names[i]} reads {found[i]:.9g} instead of {safe[i]:.9g}"
    )
