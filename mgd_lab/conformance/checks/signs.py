"""Rung `signs`: signs and bits mean what they are specified to mean."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import MeasuresSigns
from mgd_lab.codes import packed_codes
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed

_PROBES = 24


def check(session: Session) -> Verdict:
    """−1 of a code is +1 of the inverse code; 0 looks at no bits; and the three differ."""
    chip, material, P = session.chip, session.material, session.description.parameters
    obstacle = session.obstacle("signs")
    if obstacle or not isinstance(chip, MeasuresSigns):
        return not_applicable(obstacle)
    count = min(_PROBES, session.largest_block("signs"))
    session.source("signs", 1)
    codes = packed_codes("random", material.seed, 0, count, P)
    bits = np.unpackbits(codes, axis=1, count=P, bitorder="little")
    inverse = np.packbits(1 - bits, axis=1, bitorder="little")
    samples = (np.arange(count) % len(material.inputs)).astype(np.uint32)

    def measured(sign: int, packed: np.ndarray) -> np.ndarray:
        signs = np.full(count, sign, np.int8)
        return chip.measure_signs(material.sent, samples, signs, np.ascontiguousarray(packed))

    plus, minus, zero = (measured(sign, codes) for sign in (1, -1, 0))
    for text, found, expected in (
        ("sign −1 of a code against +1 of its inverse", minus, measured(1, inverse)),
        ("sign +1 of a code against −1 of its inverse", plus, measured(-1, inverse)),
        ("sign 0 of a code against sign 0 of its inverse", zero, measured(0, inverse)),
    ):
        comparison = session.compare(found, expected, "signs")
        if not comparison.same:
            return failed(f"{text}: {comparison.text(found, expected)}")
    if session.compare(plus, minus, "signs").same or session.compare(plus, zero, "signs").same:
        text = "perturbations of sign +1, 0 and −1 cost the same"
        if session.noise("signs").silent:
            return failed(f"{text}: signs, codes or amplitudes are not used")
        return not_applicable(f"{text} within the noise; give a larger amplitude")
    return passed("signs and bits mean what they must", largest_effect=float(np.ptp(plus - minus)))
