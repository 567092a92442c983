"""What a panel is, and what several of them draw alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.figures.number_text import decade_text
from mgd_lab.figures.run_curves import RunCurves
from mgd_lab.figures.style import GREY, SMALL, Axes, colour, dashes

Float64 = NDArray[np.float64]

# More than these along an axis would touch each other.
_MOST_MARKERS = 45


class Panel(Protocol):
    """One quantity of all runs."""

    def shows(self, run: RunCurves) -> bool:
        """Whether there is anything of this run to show."""
        ...

    def draw(self, axes: Axes, runs: Sequence[RunCurves]) -> None:
        """Draws and labels the y axis; the x axis is the figure's."""
        ...


def common(texts: Iterable[str]) -> str:
    """The texts that differ, joined."""
    return ", ".join(dict.fromkeys(texts))


def points(axes: Axes, run: int, step: NDArray[Any], value: Float64, label: str = "") -> None:
    """A line in the run's colour, with markers where there is room for them."""
    axes.plot(
        step,
        value,
        color=colour(run),
        ls=dashes(run),
        marker="o" if len(step) <= _MOST_MARKERS else "",
        label=label or None,
        zorder=3,
    )


def target_line(axes: Axes, value: float, text: str) -> None:
    """A dashed line across, named at its left end: there a run is far from its target."""
    axes.axhline(value, color=GREY, lw=0.7, ls=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"target {text}",
        (0.0, value),
        xycoords=("axes fraction", "data"),
        xytext=(3, 2.5),
        textcoords="offset points",
        ha="left",
        va="bottom",
        color=GREY,
        fontsize=SMALL,
    )


def legend_above(
    axes: Axes, columns: int, handles: Sequence[Any] | None = None, texts: Sequence[str] = ()
) -> None:
    """Names beside the panel's letter, where they can cover nothing.

    By their labels, or `handles` with `texts`, which may then begin with an underscore.
    """
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.01)}
    place |= {"ncols": columns, "fontsize": SMALL}
    if handles is None:
        axes.legend(**place)
        return
    legend = axes.legend(handles, ["name"] * len(handles), **place)
    for entry, text in zip(legend.get_texts(), texts, strict=True):
        entry.set_text(text)


def plain_number(value: float) -> str:
    """As it would stand at the axis."""
    return decade_text(value) if 0 < value < 1e-3 else f"{value:g}"
