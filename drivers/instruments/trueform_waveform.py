"""Levels as the points of an arbitrary waveform, which a Trueform generator plays as a list.

Keysight Trueform Series Operating and Service Guide, "SCPI Programming Reference",
DATA:ARBitrary:DAC and FUNCtion:ARBitrary:PTPeak. Points are integers from −32767 to 32767, which
are the ends of the peak-to-peak voltage. The list's own lowest and highest level are made these
ends: they are played as told, and every other one with an error of (highest − lowest)/131068 at the
most. An amplitude that is larger than the points' span is an error of the instrument's; so none is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

FEWEST_POINTS = 8
LARGEST_LIST = 1_000_000
"""The memory without the option MEM holds 2²⁰ points."""
SMALLEST_SPAN = 2e-3
"""1 mV peak to peak at 50 Ω."""
_FULL_CODE = 32767


@dataclass(frozen=True)
class Waveform:
    """One list.

    Attributes:
        offset: middle between the lowest and the highest level, in volts.
        span: their distance, in volts; 0 where all levels are the same, which no waveform is.
        block: points, two bytes each, the more significant first; the last is repeated where there
            are fewer than the instrument takes.
    """

    offset: float
    span: float
    block: bytes


def waveform(levels: Float64) -> Waveform:
    """Levels (n,) in volts → their waveform."""
    low, high = float(levels.min()), float(levels.max())
    if low == high:
        return Waveform(low, 0.0, b"")
    codes = np.rint(_FULL_CODE * (2 * (levels - low) / (high - low) - 1))
    missing = max(0, FEWEST_POINTS - len(codes))
    padded = np.pad(codes, (0, missing), mode="edge")
    return Waveform((low + high) / 2, high - low, padded.astype(">i2").tobytes())
