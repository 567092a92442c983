from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from mgd_lab.figures import plot_runs
from mgd_lab.figures.figure import draw_figure
from mgd_lab.figures.run_curves import RunCurves, read_curves
from mgd_lab.figures.style import SETTINGS
from mgd_lab.figures.telemetry_bins import bins_of_telemetry
from mgd_lab.figures.trajectories import trajectories
from mgd_lab.records import Checkpoint, Counters, ParameterSnapshot, Telemetry
from mgd_lab.run_store import RunFolder, RunWriter, create_run, open_run

UNITS = {"supply": "V", "bias": "V", "die": "°C", "_hidden": ""}
NAMES = tuple(UNITS)


@pytest.fixture
def folder(parity_run: Path, tmp_path: Path) -> RunFolder:
    """A run's folder without a log yet, of a chip with telemetry."""
    with open_run(parity_run) as run:
        environment = run.environment
        channels = [{"name": name, "unit": unit} for name, unit in UNITS.items()]
        description = {**environment["chip"]["description"], "telemetry": channels}
        environment = {**environment, "chip": {**environment["chip"], "description": description}}
        return create_run(
            tmp_path, "t", files={}, resolved=run.experiment, environment=environment,
            simulated=True,
        )  # fmt: skip


def write(folder: RunFolder, values: np.ndarray, names: tuple[str, ...] = NAMES) -> None:
    with RunWriter(folder) as writer:
        for k, row in enumerate(values):
            writer.write(Telemetry(10 * k, names, row, float(k)))
        writer.write(Checkpoint(Counters(10 * len(values)), 0.0, 0.0, {}))


def drawn(*paths: Path) -> tuple[Figure, list[RunCurves]]:
    runs = [read_curves(path) for path in paths]
    with mpl.rc_context({**SETTINGS}):
        figure = Figure(layout="constrained")
        draw_figure(figure, runs)
    return figure, runs


def test_a_panel_for_each_unit_with_a_line_for_each_channel(folder: RunFolder) -> None:
    values = np.random.default_rng(2).random((50, 4))
    write(folder, values)
    figure, _ = drawn(folder.path)
    panels = {axes.get_ylabel(): axes for axes in figure.axes}
    assert list(panels)[1:] == ["Telemetry (V)", "die (°C)", "_hidden"]
    supply, bias = panels["Telemetry (V)"].lines
    np.testing.assert_array_equal(supply.get_xdata(), 10.0 * np.arange(50))
    np.testing.assert_array_equal(supply.get_ydata(), values[:, 0])
    np.testing.assert_array_equal(bias.get_ydata(), values[:, 1])
    names = [text.get_text() for text in panels["Telemetry (V)"].get_legend().get_texts()]
    assert names == ["supply", "bias"]
    assert panels["die (°C)"].get_legend() is None


def test_no_telemetry_no_panel(folder: RunFolder) -> None:
    write(folder, np.empty((0, 4)))
    figure, _ = drawn(folder.path)
    assert not any("Telemetry" in axes.get_ylabel() for axes in figure.axes)


def test_many_readings_keep_their_extremes(folder: RunFolder) -> None:
    values = np.random.default_rng(3).random((20_001, 4))
    values[:, 1] = np.nan
    values[777, 0], values[778, 0] = 9.0, -9.0
    write(folder, values)
    with open_run(folder.path) as run:
        channels = {channel.name: channel for channel in bins_of_telemetry(run)}
    supply = channels["supply"]
    assert len(supply.step) <= 400
    assert (supply.high.max(), supply.low.min()) == (9.0, -9.0)
    every = -(-20_001 // 400)
    np.testing.assert_allclose(supply.mean[3], values[3 * every : 4 * every, 0].mean())
    np.testing.assert_allclose(supply.step[0], 10 * np.arange(every).mean())
    assert len(channels["bias"].step) == 0
    figure, _ = drawn(folder.path)
    panel = next(axes for axes in figure.axes if axes.get_ylabel() == "supply (V)")
    assert len(panel.lines) == 1
    assert len(panel.collections) == 1


def test_more_channels_than_names_fit(folder: RunFolder, tmp_path: Path) -> None:
    write(folder, np.ones((3, 30)), tuple(f"c{k}" for k in range(30)))
    figure, _ = drawn(folder.path)
    texts = [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    assert texts == ["c0", "c1", "c2", "c3", "c4", "and 25 more"]
    assert len(figure.axes[-1].lines) == 31  # and one that stands for those without a name
    plot_runs([folder.path], tmp_path / "a.svg")


def test_an_overlay_has_the_runs_colours(folder: RunFolder, parity_run: Path) -> None:
    write(folder, np.ones((3, 4)))
    figure, _ = drawn(parity_run, folder.path)
    panel = next(axes for axes in figure.axes if axes.get_ylabel() == "Telemetry (V)")
    assert len({line.get_color() for line in panel.lines}) == 1
    assert panel.get_legend() is None


def test_numbers_without_a_unit_share_a_panel_where_they_are_of_like_size(
    folder: RunFolder,
) -> None:
    names = ("count", "zero", "high", "low")
    write(folder, np.array([[0.0, 0.0, 5.0, -3.0], [50_000.0, 0.0, 6.0, -4.0]]), names)
    figure, _ = drawn(folder.path)
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels[1:] == ["Telemetry", "count"]
    legend = figure.axes[1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["zero", "high", "low"]
    figure.canvas.draw()
    assert "40k" in [text.get_text() for text in figure.axes[2].get_yticklabels()]


def test_letters_go_on_behind_z(folder: RunFolder) -> None:
    units = [{"name": f"c{k}", "unit": f"u{k}"} for k in range(30)]
    environment = folder.path / "environment.json"
    text = environment.read_text(encoding="utf-8")
    start, stop = text.index('"telemetry": ['), text.index("]", text.index('"telemetry": ['))
    import json

    environment.write_text(
        text[:start] + f'"telemetry": {json.dumps(units)[:-1]}' + text[stop:], encoding="utf-8"
    )
    write(folder, np.ones((2, 30)), tuple(unit["name"] for unit in units))
    figure, _ = drawn(folder.path)
    letters = [axes.get_title(loc="left") for axes in figure.axes]
    assert letters[25:28] == ["(z)", "(aa)", "(ab)"]


def test_paths_leave_out_an_end_that_was_none(folder: RunFolder) -> None:
    for step in (5, 9):
        with RunWriter(folder) as writer:
            writer.write(ParameterSnapshot(step - 1, 1, np.zeros(9)))
            writer.write(ParameterSnapshot(step, 1, np.ones(9), closing=True))
            writer.write(Checkpoint(Counters(step), 0.0, 0.0, {}))
    with open_run(folder.path) as run:
        found = trajectories(run)
    assert found is not None
    assert found.step.tolist() == [4, 8, 9]
