"""Axes: which are logarithmic, and what they show."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mgd_lab.figures.number_text import decade_text, steps_text
from mgd_lab.figures.style import SMALL, Axes

Float64 = NDArray[np.float64]

# Below this ratio of largest to smallest a logarithmic axis hides more than it shows.
_LOGARITHMIC_FROM = 8.0


def scale_values(axes: Axes, values: Iterable[Float64], *, from_zero: bool = False) -> None:
    """A logarithmic y axis where the positive values span much, else a linear one.

    `from_zero` is for values that are never negative and compare by their ratio.
    """
    everything = np.concatenate([np.empty(0), *values])
    finite = everything[np.isfinite(everything)]
    if not len(finite):
        return
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and high / low >= _LOGARITHMIC_FROM:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.6, high * 1.6)
        axes.yaxis.set_major_formatter(decade_text)
        narrow = high / low < 30.0
        axes.yaxis.set_minor_formatter(_some_minor if narrow else _none)
        if narrow:
            axes.tick_params(axis="y", which="minor", labelsize=SMALL)
    else:
        grounded = from_zero or 0 <= low < high / 2
        margin = 0.08 * (high - (0.0 if grounded else low)) or 0.1 * abs(high) or 1.0
        axes.set_ylim(0.0 if grounded else low - margin, high + margin)
        round_ticks(axes)


def round_ticks(axes: Axes) -> None:
    """A few ticks at 1, 2 or 5 times a power of ten, on a linear y axis."""
    axes.locator_params(axis="y", nbins=5, steps=[1, 2, 5, 10])


def scale_steps(axes: Axes, last: int) -> None:
    """The x axis that all panels share."""
    margin = 0.012 * max(last, 1)
    axes.set_xlim(-margin, max(last, 1) + margin)
    axes.locator_params(axis="x", nbins=6)
    axes.xaxis.set_major_formatter(steps_text)


def _some_minor(value: float, _position: int | None = None) -> str:
    digit = round(value / 10.0 ** np.floor(np.log10(value)))
    return decade_text(value) if digit in (2, 5) else ""


def _none(_value: float, _position: int | None = None) -> str:
    return ""
