"""Methods return arrays of the right shape, float64, finite, and their own."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import MeasuresCost, MeasuresOutputs, Rung
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, passed

_PROBES = 5


def check(session: Session, rung: Rung) -> Verdict:
    """One probe, and a few."""
    for count in sorted(
        {1, min(_PROBES, session.largest_block(rung), len(session.material.inputs))}
    ):
        first = _returned(session, rung, count, 0)
        problem = _problem(session, rung, first, count)
        if problem:
            return failed(problem)
        kept = first.copy()
        _returned(session, rung, count, count)
        if not np.array_equal(first, kept):
            return failed(
                "a later request changed the array that an earlier one had returned; the host "
                "still works on it: return a copy"
            )
    return passed("shape, type and values are as they must be")


def _problem(session: Session, rung: Rung, values: Any, count: int) -> str:
    expected = (count, session.description.outputs) if rung == "forward" else (count,)
    if not isinstance(values, np.ndarray):
        return f"{count} probes returned a {type(values).__name__}, not an array"
    values = cast("NDArray[Any]", values)
    if values.shape != expected:
        return f"{count} probes returned the shape {values.shape}; expected {expected}"
    if values.dtype != np.float64:
        return f"the values are of type {values.dtype}; expected float64"
    if not np.isfinite(values).all():
        return f"a value is no finite number: {values.flat[int(np.argmin(np.isfinite(values)))]}"
    return ""


def _returned(session: Session, rung: Rung, count: int, shift: int) -> Any:
    """Just what the chip returns, which the host's own ways would copy or refuse."""
    chip, material = session.chip, session.material
    # Twice as many probes as are asked for, so that the second request is another.
    chunk = session.chunk(rung, 2 * count)
    parameters = material.sent.astype(np.float64)
    places = (np.arange(count) + shift) % len(material.inputs)
    inputs, targets = material.inputs[places], material.targets[places]
    if rung == "forward" and isinstance(chip, MeasuresOutputs):
        return chip.outputs(parameters, inputs)
    if rung == "cost" and isinstance(chip, MeasuresCost):
        return chip.costs(parameters, inputs, targets)
    return session.prober(rung).measure(material.sent, chunk, shift, shift + count)
