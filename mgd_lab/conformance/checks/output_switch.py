"""While outputs are off the chip measures nothing."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import SwitchesOutputs
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.errors import ChipError

_PROBES = 4


def check(session: Session) -> Verdict:
    """On, off, and on again; what is read back, and what a measurement does."""
    chip, rungs = session.chip, session.rungs()
    if "output_switch" not in session.description.features:
        return not_applicable("the description does not list the feature output_switch")
    if not isinstance(chip, SwitchesOutputs):
        return failed(
            "the description lists output_switch; the chip lacks the capability SwitchesOutputs"
        )
    for rung in rungs:
        chunk = session.chunk(rung, _PROBES)
        expected = session.measure(rung, chunk, 0, _PROBES, 2)
        chip.switch_outputs(on=False)
        if chip.outputs_are_on():
            return failed("outputs read on after they were switched off")
        try:
            session.measure(rung, chunk, 0, _PROBES, 2)
        except ChipError:
            pass
        else:
            return failed(f"rung {rung}: probes were measured while outputs were off")
        chip.switch_outputs(on=True)
        if not chip.outputs_are_on():
            return failed("outputs read off after they were switched on")
        found = session.measure(rung, chunk, 0, _PROBES, 2)
        if not np.isfinite(found).all() or not session.compare(found, expected, rung).same:
            return failed(f"rung {rung}: costs are others after outputs were off and on again")
    return passed("outputs switch, read back, and nothing is measured while they are off")
