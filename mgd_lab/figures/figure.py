"""The whole figure: panels that share their steps, letters, names, marks."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mgd_lab.figures.number_text import steps_text
from mgd_lab.figures.panels import Panel, panels_of
from mgd_lab.figures.presentations import over_presentations
from mgd_lab.figures.progress_scale import scale_progress
from mgd_lab.figures.run_curves import RunCurves
from mgd_lab.figures.style import GREY, SMALL, WIDTH_INCHES, Axes, Figure, colour, dashes

_ROW_INCHES = 1.55
_TITLE_INCHES = 0.22
_MARGIN_INCHES = 0.75
_LEGEND_ROW_INCHES = 0.16
_LEGEND_CHARACTERS = 95
_LEFT, _TOP, _TITLE_SIZE = 0.012, 0.988, 10.0
_SIMULATED = "#B00020"

Axis = Literal["steps", "presentations"]
_AXES: Mapping[Axis, str] = {"steps": "Steps", "presentations": "Presentations of samples"}


def draw_figure(figure: Figure, runs: Sequence[RunCurves], axis: Axis = "steps") -> None:
    """Two columns; the last panel takes the whole width where it would stand alone."""
    if axis == "presentations":
        runs = [over_presentations(run) for run in runs]
    panels = panels_of(runs)
    rows = (len(panels) + 1) // 2
    legend_rows = -(-len(runs) // _legend_columns(runs)) if len(runs) > 1 else 0
    height = rows * _ROW_INCHES + _MARGIN_INCHES + legend_rows * _LEGEND_ROW_INCHES
    figure.set_size_inches(WIDTH_INCHES, height)
    if len(runs) == 1:
        engine = figure.get_layout_engine()
        engine.set(rect=(0.0, 0.0, 1.0, 1.0 - _TITLE_INCHES / height))
    grid = figure.add_gridspec(rows, 2)
    for k, panel in enumerate(panels):
        row, column = divmod(k, 2)
        alone = k == len(panels) - 1 and column == 0
        axes = figure.add_subplot(grid[row, :] if alone else grid[row, column])
        _draw_panel(axes, panel, runs, _letter(k))
        below = k + 2 < len(panels) or (k + 1 == len(panels) - 1 and len(panels) % 2 == 1)
        axes.tick_params(labelbottom=not below)
        if not below:
            axes.set_xlabel(_AXES[axis])
    _title(figure, runs)
    if len(runs) > 1:
        _names(figure, runs)
    _notes(figure, runs)


def _draw_panel(axes: Axes, panel: Panel, runs: Sequence[RunCurves], letter: str) -> None:
    panel.draw(axes, runs)
    scale_progress(axes, runs)
    axes.set_title(f"({letter})", loc="left", fontsize=9.0, pad=3.0)


def _letter(panel: int) -> str:
    """a … z, aa, ab …"""
    rounds, place = divmod(panel, len(string.ascii_lowercase))
    return (_letter(rounds - 1) if rounds else "") + string.ascii_lowercase[place]


def _title(figure: Figure, runs: Sequence[RunCurves]) -> None:
    if len(runs) == 1:
        run = runs[0]
        state = f"{run.status.replace('_', ' ')}, {steps_text(run.steps)} steps"
        words = "  ·  ".join([_run_names(runs)[0], f"seed {run.seed}", state])
        figure.text(_LEFT, _TOP, words, ha="left", va="top", fontsize=_TITLE_SIZE)
    simulated = sum(run.simulated for run in runs)
    if simulated:
        mark = "simulated" if simulated == len(runs) else f"{simulated} of {len(runs)} simulated"
        figure.text(
            *(1.0 - _LEFT, _TOP, mark),
            ha="right",
            va="top",
            color=_SIMULATED,
            fontsize=_TITLE_SIZE,
            style="italic",
        )


def _names(figure: Figure, runs: Sequence[RunCurves]) -> None:
    # Names are set afterwards: as labels, those with a leading underscore would be left out.
    legend = figure.legend(
        [_handle(figure, k) for k in range(len(runs))],
        ["name"] * len(runs),
        loc="outside upper left",
        ncols=_legend_columns(runs),
        borderaxespad=0.8,
    )
    for text, name in zip(legend.get_texts(), _run_names(runs), strict=True):
        text.set_text(name)


def _legend_columns(runs: Sequence[RunCurves]) -> int:
    longest = max(len(name) for name in _run_names(runs))
    return max(1, min(len(runs), _LEGEND_CHARACTERS // (longest + 6)))


def _handle(figure: Figure, run: int) -> Any:
    (line,) = figure.axes[0].plot([], [], color=colour(run), ls=dashes(run), lw=1.4)
    return line


def _run_names(runs: Sequence[RunCurves]) -> list[str]:
    """Names of the experiments; of the folders where those do not tell the runs apart."""
    names = [run.reference or run.name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{run.folder} ({run.reference})" if run.reference else run.folder for run in runs]
    mixed = 0 < sum(run.simulated for run in runs) < len(runs)
    return [
        f"{name} (simulated)" if mixed and run.simulated else name
        for name, run in zip(names, runs, strict=True)
    ]


def _notes(figure: Figure, runs: Sequence[RunCurves]) -> None:
    """Why a gradient is missing."""
    reasons = list(dict.fromkeys(run.no_gradient for run in runs if run.no_gradient))
    if reasons:
        which = (
            "No gradient: " if all(run.no_gradient for run in runs) else "Runs without gradient: "
        )
        figure.supxlabel(which + "; ".join(reasons), x=_LEFT, ha="left", fontsize=SMALL, color=GREY)
