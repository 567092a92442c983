"""Aliasing: codes with a period and samples in a fixed cycle can lock to each other."""

from __future__ import annotations

from math import gcd


def locked(
    *, code_period: int | None, tau_p: int, samples: int, batch: int, tau_x: int, cyclic: bool
) -> bool:
    """True where some set of `batch` samples never meets some code, however long the run.

    Such a run trains on a biased gradient without a sign of it. In steps, codes repeat after
    `code_period` · τ_p and samples after a cycle of the data set; the phase between the two
    takes only multiples of the greatest common divisor g of both. On a circle of g steps the
    sample holds τ_x of them and the code τ_p, and they can miss each other for ever where both
    have room beside each other.
    """
    if not cyclic or code_period is None:
        return False
    cycle = samples // gcd(samples, batch) * tau_x
    return tau_x + tau_p <= gcd(cycle, code_period * tau_p)
