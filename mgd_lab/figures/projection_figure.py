"""`mgd-lab project -o FILE`: training times on a logarithmic axis, a row for each hardware."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mgd_lab.errors import ConfigurationError
from mgd_lab.figures.image_file import check_destination, write_image
from mgd_lab.figures.plotting import library
from mgd_lab.figures.style import GREY, SETTINGS, WIDTH_INCHES, Axes, colour
from mgd_lab.projection import Projection, ProjectionReport

_ROW_INCHES = 0.3
_MARGIN_INCHES = 0.9
_OPEN = {"ls": "", "marker": "o", "mfc": "white", "mew": 0.8, "ms": 4}
_FULL = {"ls": "", "marker": "o", "ms": 4}
# Where the axis has ticks: in seconds, as labels.
_TICKS = {
    1e-9: "1 ns",
    1e-6: "1 µs",
    1e-3: "1 ms",
    1.0: "1 s",
    60.0: "1 min",
    3600.0: "1 h",
    86400.0: "1 d",
    365.25 * 86400.0: "1 year",
    1000 * 365.25 * 86400.0: "1000 years",
}


def plot_projection(report: ProjectionReport, output: Path) -> None:
    """Draw it; an existing file is replaced, whole or not at all.

    Raises:
        ConfigurationError: unknown suffix, or a file that cannot be written.
        MissingExtraError: Matplotlib is not installed.
    """
    image_format = check_destination(output)
    matplotlib = library("matplotlib")
    figures = library("matplotlib.figure")
    if not report.projections:
        raise ConfigurationError("project: there is nothing to draw")
    with matplotlib.rc_context():
        # A user's own settings must not change what the same data look like.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        rows = len(report.projections[0].times) + len(_known(report))
        figure = figures.Figure(layout="constrained")
        figure.set_size_inches(WIDTH_INCHES, _MARGIN_INCHES + rows * _ROW_INCHES)
        _draw(figure.add_subplot(), report)
        title = ", ".join(projection.title for projection in report.projections)
        write_image(figure, output, image_format, title, "projected training times")


def _known(report: ProjectionReport) -> list[tuple[str, float]]:
    """Backpropagation where its time is known."""
    return [
        (f"backpropagation, {line.where}", line.seconds)
        for line in report.backpropagation
        if line.seconds is not None
    ]


def _draw(axes: Axes, report: ProjectionReport) -> None:
    """A row for each hardware, then for backpropagation."""
    names = [time.hardware.name for time in report.projections[0].times]
    _draw_projections(axes, report.projections)
    for name, seconds in _known(report):
        axes.plot([seconds], [len(names)], ls="", marker="D", ms=4, color="black")
        axes.axvline(seconds, color=GREY, lw=0.7, ls=(0, (4, 3)), zorder=1)
        names.append(name)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [_TICKS[tick] for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("Training time")


def _draw_projections(axes: Axes, projections: Sequence[Projection]) -> None:
    for k, projection in enumerate(projections):
        offset = 0.2 * (k - (len(projections) - 1) / 2)
        for row, time in enumerate(projection.times):
            one, each = time.as_one_seconds, time.as_presentations_seconds
            place = row + offset
            axes.plot([one, each], [place, place], color=colour(k), lw=0.8)
            axes.plot([each], [place], color=colour(k), **_FULL)
            axes.plot([one], [place], color=colour(k), **_OPEN)
    handles = [
        *(axes.plot([], [], color=colour(k))[0] for k in range(len(projections))),
        axes.plot([], [], color=GREY, **_OPEN)[0],
        axes.plot([], [], color=GREY, **_FULL)[0],
    ]
    names = [projection.title for projection in projections]
    # Names are set afterwards: as labels, those with a leading underscore would be left out.
    legend = axes.legend(
        handles, ["name"] * len(handles), loc="lower right", bbox_to_anchor=(1.0, 1.01), ncols=3
    )
    texts = [*names, "a batch as one probe", "as B presentations"]
    for entry, text in zip(legend.get_texts(), texts, strict=True):
        entry.set_text(text)
