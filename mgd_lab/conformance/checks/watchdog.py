"""A watchdog can be set and ended, and does not bite a host that is alive."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import Rung, WatchesHost
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed

_SECONDS = 1.0
_PROBES = 2


def check(session: Session) -> Verdict:
    """Half as long again as it waits, without a word of our own; then it is ended.

    Whether it bites can only be seen by taking the host away: unplug it, and look at the chip.
    """
    chip, rungs = session.chip, session.rungs()
    if "watchdog" not in session.description.features:
        return not_applicable("the description does not list the feature watchdog")
    if not isinstance(chip, WatchesHost):
        return failed("the description lists watchdog; the chip lacks the capability WatchesHost")
    expected = _measured(session, rungs[0]) if rungs else None
    chip.watch_host(_SECONDS)
    time.sleep(1.5 * _SECONDS)
    if expected is not None:
        found = _measured(session, rungs[0])
        if not session.compare(found, expected, rungs[0]).same:
            return failed("costs are others after a while in which the host had nothing to say")
    chip.watch_host(0.0)
    return passed(f"set to {_SECONDS:g} s and ended; signs of life kept it quiet")


def _measured(session: Session, rung: Rung) -> NDArray[np.float64]:
    return session.measure(rung, session.chunk(rung, _PROBES), 0, _PROBES, 1)
