"""`mgd-lab plot`: from the folders of runs to a picture file."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mgd_lab.errors import ConfigurationError, MissingExtraError
from mgd_lab.figures.figure import Axis, draw_figure
from mgd_lab.figures.image_file import check_destination, write_image
from mgd_lab.figures.run_curves import RunCurves, read_curves
from mgd_lab.figures.style import SETTINGS


def plot_runs(paths: Sequence[Path], output: Path, axis: Axis | None = None) -> None:
    """One figure of one or more runs, in the format that the suffix of `output` names.

    Panels: cost, accuracy, gradient norm, signal-to-noise, parameters, telemetry (one for each
    unit), each where the logs hold it. Runs that go on, or were interrupted, show all up to their
    last checkpoint. An existing file is replaced, whole or not at all. `axis` is what stands at
    the x axis: steps, or presentations of samples; None takes steps, and presentations where runs
    of chips and references are drawn together, whose steps do not compare.

    Raises:
        ConfigurationError: no run, unknown suffix, or a file that cannot be written.
        MissingExtraError: Matplotlib is not installed.
        RunStoreError: a run cannot be read.
    """
    if not paths:
        raise ConfigurationError("plot: no run is named; name at least one run's folder")
    image_format = check_destination(output)
    matplotlib = library("matplotlib")
    figures = library("matplotlib.figure")
    runs = [read_curves(path) for path in paths]
    with matplotlib.rc_context():
        # A user's own settings must not change what the same data look like.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure = figures.Figure(layout="constrained")
        draw_figure(figure, runs, axis or _axis(runs))
        write_image(figure, output, image_format, _title(runs), _subject(runs))


def _axis(runs: Sequence[RunCurves]) -> Axis:
    return "presentations" if len({run.reference for run in runs}) > 1 else "steps"


def library(name: str) -> Any:
    """A module of Matplotlib; MissingExtraError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError("plot", "matplotlib", "plot") from error


def _title(runs: Sequence[RunCurves]) -> str:
    return ", ".join(run.folder for run in runs)


def _subject(runs: Sequence[RunCurves]) -> str:
    if not any(run.simulated for run in runs):
        return "measured"
    simulated = [run.folder for run in runs if run.simulated]
    return f"simulated: {', '.join(simulated)}"
