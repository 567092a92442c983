"""Parameters that are written can be read back."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import HoldsParameters
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed

# Registers that keep float32 are within it.
RELATIVE_TOLERANCE = 1e-6


def check(session: Session) -> Verdict:
    """Two different sets of values, one after the other."""
    chip, material = session.chip, session.material
    if not isinstance(chip, HoldsParameters):
        return not_applicable("the chip lacks the capability HoldsParameters")
    others = material.envelope.admit(2 * session.description.safe - material.theta).sent
    largest = 0.0
    for sent in (material.sent, others):
        written = sent.astype(np.float64)
        chip.write_parameters(written)
        found = chip.read_parameters()
        if found.shape != written.shape or found.dtype != np.float64:
            return failed(
                f"read_parameters returned {found.dtype} of shape {found.shape}; expected float64 "
                f"of shape {written.shape}"
            )
        difference = np.abs(found - written)
        allowed = session.description.resolution / 2 + RELATIVE_TOLERANCE * np.abs(written)
        wrong = np.flatnonzero(~(difference <= allowed))
        largest = max(largest, float(difference.max()))
        if len(wrong):
            i = int(wrong[0])
            return failed(
                f"{len(wrong)} parameters read back otherwise; "
                f"{session.description.parameter_names[i]} was set to {written[i]:.9g} and reads "
                f"{found[i]:.9g}",
                largest_difference=largest,
            )
    return passed(
        "what was written reads back" + ("" if largest else " bit for bit"),
        largest_difference=largest,
    )
