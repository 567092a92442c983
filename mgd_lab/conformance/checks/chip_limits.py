"""Limits that the chip keeps itself: they are read back, and nothing beyond them is presented."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import HoldsLimits, HoldsParameters, Rung
from mgd_lab.conformance.checks.registers import RELATIVE_TOLERANCE
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.errors import MgdLabError

Float64 = NDArray[np.float64]

_PROBES = 4


def check(session: Session) -> Verdict:
    """Limits around the parameters, far inside those that the chip declares.

    What is beyond them does no harm, should the chip present it after all.
    """
    chip = session.chip
    if "limits" not in session.description.features:
        return not_applicable("the description does not list the feature limits")
    if not isinstance(chip, HoldsLimits):
        return failed("the description lists limits; the chip lacks the capability HoldsLimits")
    before = chip.read_limits()
    try:
        return _judged(session, chip)
    finally:
        chip.write_limits(*before)


def _judged(session: Session, chip: HoldsLimits) -> Verdict:
    theta = session.material.sent.astype(np.float64)
    reach = session.material.amplitudes.astype(np.float64)
    infinite = np.full_like(theta, np.inf)
    for low, high in ((theta - 2 * reach, infinite), (theta - 2 * reach, theta + 2 * reach)):
        chip.write_limits(low, high)
        if not all(map(_same, chip.read_limits(), (low, high))):
            return failed("limits read back otherwise than they were set")
    rungs = session.rungs()
    for rung in rungs:
        _measured(session, rung)
    chip.write_limits(theta - reach / 2, theta + reach / 2)
    for rung in rungs:
        if not _refused(lambda rung=rung: _measured(session, rung)):
            return failed(f"rung {rung}: perturbations beyond the chip's limits were not refused")
    if isinstance(chip, HoldsParameters):
        written = chip.read_parameters()
        if not _refused(lambda: chip.write_parameters(theta + reach)):
            return failed("parameters beyond the chip's limits were written")
        if not _same(chip.read_parameters(), written):
            return failed("a write that was refused changed the parameters")
    return passed(
        f"limits read back, and rungs {', '.join(rungs)} keep them", rungs=float(len(rungs))
    )


def _measured(session: Session, rung: Rung) -> None:
    chunk = session.chunk(rung, _PROBES)
    # Those without perturbation may come first.
    session.measure(rung, chunk, 0, len(chunk.plan.signs), 2)


def _refused(act: Callable[[], None]) -> bool:
    try:
        act()
    except MgdLabError:
        return True
    return False


def _same(found: Float64, expected: Float64) -> bool:
    finite = np.isfinite(expected)
    close = np.abs(found[finite] - expected[finite]) <= RELATIVE_TOLERANCE * np.abs(
        expected[finite]
    )
    return bool(close.all() and (found[~finite] == expected[~finite]).all())
