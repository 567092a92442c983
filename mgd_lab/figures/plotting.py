"""`mgd-lab plot`: from the folders of runs to a picture file."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mgd_lab.errors import ConfigurationError, MissingExtraError
from mgd_lab.figures.figure import draw_figure
from mgd_lab.figures.image_file import check_destination, write_image
from mgd_lab.figures.run_curves import RunCurves, read_curves
from mgd_lab.figures.style import SETTINGS


def plot_runs(paths: Sequence[Path], output: Path) -> None:
    """One figure of one or more runs, in the format that the suffix of `output` names.

    Panels: cost, accuracy, gradient norm, signal-to-noise, parameters, telemetry (one for each
    unit), each where the logs hold it. Runs that go on, or were interrupted, show all up to their
    last checkpoint. An existing file is replaced, whole or not at all.

    Raises:
        ConfigurationError: no run, unknown suffix, or a file that cannot be written.
        MissingExtraError: Matplotlib is not installed.
        RunStoreError: a run cannot be read.
    """
    if not paths:
        raise ConfigurationError("plot: no run is named; name at least one run's folder")
    image_format = check_destination(output)
    matplotlib = _library("matplotlib")
    figures = _library("matplotlib.figure")
    runs = [read_curves(path) for path in paths]
    with matplotlib.rc_context():
        # A user's own settings must not change what the same data look like.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure = figures.Figure(layout="constrained")
        draw_figure(figure, runs)
        write_image(figure, output, image_format, _title(runs), _subject(runs))


def _library(name: str) -> Any:
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
