"""How a value that a chip's limits forbid is told of."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import ChipDescription
from mgd_lab.errors import LimitError


def parameter_of(description: ChipDescription, i: int) -> str:
    """`chip 'c', parameter weights[3]`."""
    return f"chip {description.name!r}, parameter {description.parameter_names[i]}"


def unit_of(description: ChipDescription, i: int) -> str:
    """The unit of parameter i, with a blank before it; empty where it has none."""
    edges = np.cumsum([group.count for group in description.groups])
    unit = description.groups[int(np.searchsorted(edges, i, side="right"))].unit
    return f" {unit}" if unit else ""


def range_of(description: ChipDescription, i: int) -> str:
    """`[-1, 1] mA`."""
    low, high = description.low[i], description.high[i]
    return f"[{low:g}, {high:g}]{unit_of(description, i)}"


def outside(
    description: ChipDescription, i: int, value: float, what: str, parameters: int, advice: str
) -> LimitError:
    """Parameter i of `parameters` that would leave their limits; `what` would bring it there."""
    more = f" ({parameters} parameters are outside)" if parameters > 1 else ""
    return LimitError(
        f"{parameter_of(description, i)}: {what} would bring it to {value:.9g}"
        f"{unit_of(description, i)}; it must stay within {range_of(description, i)}{more}. Nothing "
        f"was sent. {advice}"
    )
