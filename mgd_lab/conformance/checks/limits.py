"""Values beyond the declared limits are refused before they are sent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.controller import Envelope
from mgd_lab.errors import LimitError

Float64 = NDArray[np.float64]


def check(session: Session) -> Verdict:
    """Each limit, from inside and from outside, at the gate that every θ passes.

    Nothing is sent to the chip: what is beyond its limits may harm it.
    """
    description, material = session.description, session.material
    gate = Envelope(description, material.amplitudes, "refuse")
    wide = material.amplitudes.astype(np.float64)
    tried = 0
    for limits, inwards in ((description.low, 1.0), (description.high, -1.0)):
        for i in np.flatnonzero(np.isfinite(limits)):
            tried += 1
            step = max(float(description.resolution[i]), 1e-3 * float(wide[i]))
            within = _with(material.theta, int(i), limits[i] + inwards * (wide[i] + 2 * step))
            beyond = _with(material.theta, int(i), limits[i] + inwards * (wide[i] - 2 * step))
            name = description.parameter_names[i]
            sent = gate.admit(within).sent.astype(np.float64)
            if not ((sent - wide >= description.low) & (sent + wide <= description.high)).all():
                return failed(
                    f"{name}: a perturbation would leave [{description.low[i]:g}, "
                    f"{description.high[i]:g}]"
                )
            if not _refused(gate, beyond):
                return failed(f"{name}: {beyond[i]:.9g} ± {wide[i]:g} was not refused")
    if not _refused(gate, _with(material.theta, 0, np.nan)):
        return failed("a parameter that is no number was not refused")
    if not tried:
        return not_applicable(
            "the chip declares no limits; if it has any, set limits.parameters in the chip file"
        )
    return passed(
        f"{tried} limits are kept, perturbations included; nothing was sent", limits=tried
    )


def _with(theta: Float64, i: int, value: float) -> Float64:
    changed = theta.copy()
    changed[i] = value
    return changed


def _refused(gate: Envelope, theta: Float64) -> bool:
    try:
        gate.admit(theta)
    except LimitError:
        return True
    return False
