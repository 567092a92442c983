"""The same probe costs the same, or the chip's noise is small against what is to be told apart."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import Rung
from mgd_lab.conformance.comparison import noise_of
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, passed


def check(session: Session, rung: Rung) -> Verdict:
    """The same probes, one a request, several times."""
    readings = session.repeated(rung)
    # The first pass comes after something else, the others after themselves.
    noise = noise_of(readings[1:])
    session.subject.noise[rung] = noise
    if not np.isfinite(readings).all():
        return failed("a cost is no finite number")
    passes, probes = readings.shape
    if noise.silent:
        if (readings[0] != readings[1]).any():
            return failed(
                f"the first pass over {probes} probes differs from the {passes - 1} after it, "
                "which agree: what a probe costs depends on what was asked before"
            )
        return passed(f"{passes} passes over {probes} probes agree bit for bit", noise=0.0)
    differences = float(np.std(readings.mean(axis=0)))
    if noise.sigma >= differences:
        return failed(
            f"noise of {noise.sigma:.3g} (one sigma) hides the differences among the probes "
            f"({differences:.3g}): nothing could be told from them. Check connections and "
            "ranges, or give a larger amplitude",
            noise=noise.sigma,
            differences=differences,
        )
    return passed(
        f"noise of {noise.sigma:.3g} (one sigma); the probes differ by {differences:.3g}",
        noise=noise.sigma,
        differences=differences,
    )
