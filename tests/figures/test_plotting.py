from __future__ import annotations

import dataclasses
import struct
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from mgd_lab.errors import ConfigurationError, MissingExtraError, RunStoreError
from mgd_lab.figures import plot_runs
from mgd_lab.figures.figure import draw_figure
from mgd_lab.figures.run_curves import RunCurves, read_curves
from mgd_lab.figures.style import SETTINGS
from mgd_lab.records import Checkpoint, Counters, StepBlock
from mgd_lab.run_store import RunFolder, RunWriter, create_run, open_run


def _drawn(runs: list[RunCurves]) -> Figure:
    with mpl.rc_context({**SETTINGS}):
        figure = Figure(layout="constrained")
        draw_figure(figure, runs)
    return figure


def _texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(mpl.text.Text)]


def _labels(figure: Figure) -> list[str]:
    return [axes.get_ylabel() for axes in figure.axes]


def test_png_has_three_hundred_dots_an_inch(parity_run: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.png"
    plot_runs([parity_run], file)
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width == 7 * 300
    assert 1000 < height < 3000
    assert b"simulated" in data


@pytest.fixture(scope="module")
def svg(parity_run: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("svg") / "run.svg"
    plot_runs([parity_run], file)
    return file.read_bytes()


def test_svg_is_xml_and_says_what_it_shows(svg: bytes) -> None:
    assert ET.fromstring(svg).tag.endswith("svg")
    assert b"simulated: parity-" in svg
    assert b"<dc:date>" not in svg


def test_pdf_embeds_its_fonts(parity_run: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.PDF"
    plot_runs([parity_run], file)
    data = file.read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"/FontFile2" in data
    assert b"/Type3" not in data
    assert b"/CreationDate" not in data


def test_an_existing_file_is_replaced_by_the_same_bytes_each_time(
    parity_run: Path, svg: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "run.svg"
    file.write_text("old")
    plot_runs([parity_run], file)
    assert file.read_bytes() == svg
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_write_leaves_the_old_file(
    parity_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.svg"
    file.write_text("old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        plot_runs([parity_run], file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_settings_of_the_user_neither_change_nor_matter(
    parity_run: Path, svg: bytes, tmp_path: Path
) -> None:
    with mpl.rc_context({"font.size": 30.0, "axes.facecolor": "yellow"}):
        before = dict(mpl.rcParams)
        plot_runs([parity_run], tmp_path / "b.svg")
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "b.svg").read_bytes() == svg


def test_panels_of_a_run(parity_run: Path) -> None:
    figure = _drawn([read_curves(parity_run)])
    # Behind these stand panels of whatever the chip reports of itself.
    assert _labels(figure)[:5] == [
        "Cost (mean square error)",
        "Accuracy, train split (%)",
        "Gradient norm |∇C|",
        "SNR of an update (1 step)",
        "Parameters θ",
    ]
    assert "presentations" in _labels(figure)[5:]
    texts = _texts(figure)
    assert "simulated" in texts
    assert "target 10⁻⁹" in texts
    assert "parity  ·  seed 3  ·  target missed, 3k steps" in texts
    assert len(figure.axes[4].lines) == 9


def test_the_cost_panel_shows_the_evaluations(parity_run: Path) -> None:
    with open_run(parity_run) as run:
        evaluations = run.evaluations()
    axes = _drawn([read_curves(parity_run)]).axes[0]
    (line,) = [line for line in axes.lines if line.get_label() == "evaluation (train)"]
    np.testing.assert_array_equal(line.get_xdata(), evaluations.step)
    np.testing.assert_array_equal(line.get_ydata(), evaluations.cost)


def test_training_costs_are_binned_from_the_log(parity_run: Path) -> None:
    with open_run(parity_run) as run:
        costs = run.costs()
    bins = read_curves(parity_run).costs
    assert bins is not None
    assert len(bins.step) == 150
    np.testing.assert_allclose(bins.mean, costs.cost.reshape(150, 20).mean(axis=1))
    np.testing.assert_allclose(bins.low, np.percentile(costs.cost.reshape(150, 20), 10, axis=1))


def test_window_means_are_binned_too(train: Any) -> None:
    path = train(
        logging={"costs": "window_mean"},
        training={"time_constants": {"tau_p": 1, "tau_x": 1, "tau_theta": 5}},
        stop={"steps": 1000},
    )
    with open_run(path) as run:
        means = run.window_means()
    curves = read_curves(path)
    assert curves.costs is not None
    np.testing.assert_allclose(curves.costs.mean, means.cost.reshape(50, 4).mean(axis=1))
    texts = _texts(_drawn([curves]))
    assert "No gradient: its log keeps no single costs (logging.costs: window_mean)" in texts


def test_a_log_without_costs_shows_evaluations_and_parameters(train: Any) -> None:
    curves = read_curves(train(logging={"costs": "none"}, stop={"steps": 100}))
    assert curves.costs is None
    labels = _labels(_drawn([curves]))
    assert labels[2] == "Parameters θ"
    assert not any("Gradient" in label for label in labels)


def test_the_analog_algorithm_says_why_it_has_no_gradient(analog_run: Path) -> None:
    figure = _drawn([read_curves(analog_run)])
    assert "No gradient: the analog algorithm measures no baseline" in _texts(figure)
    assert not any("SNR" in label for label in _labels(figure))


def test_perturbed_nodes_say_why_they_have_no_gradient(nodes_run: Path) -> None:
    texts = _texts(_drawn([read_curves(nodes_run)]))
    assert any(text.startswith("No gradient: it perturbs nodes") for text in texts)


def test_an_overlay_names_its_runs(parity_run: Path, analog_run: Path, tmp_path: Path) -> None:
    runs = [read_curves(parity_run), read_curves(analog_run)]
    runs = [dataclasses.replace(run, name=name) for run, name in zip(runs, ("_$a$_", "b"))]  # noqa: B905
    texts = _texts(_drawn(runs))
    assert {"_$a$_", "b", "simulated"} <= set(texts)
    mixed = [runs[0], dataclasses.replace(runs[1], simulated=False)]
    assert {"_$a$_ (simulated)", "b", "1 of 2 simulated"} <= set(_texts(_drawn(mixed)))
    plot_runs([analog_run] * 8, tmp_path / "many.svg")


def test_measured_runs_are_not_called_simulated(parity_run: Path) -> None:
    run = dataclasses.replace(read_curves(parity_run), simulated=False)
    assert not any("simulated" in text for text in _texts(_drawn([run])))


def test_units_stand_at_the_axes(parity_run: Path) -> None:
    labels = _labels(_drawn([dataclasses.replace(read_curves(parity_run), unit="V")]))
    assert "Gradient norm |∇C| (1/V)" in labels
    assert "Parameters θ (V)" in labels


def test_many_parameters_become_a_sample_and_quantiles(train: Any) -> None:
    path = train(
        chip={"driver": "emulated", "name": "wide", "network": {"layers": [2, 20, 1]}},
        stop={"steps": 300},
    )
    paths = read_curves(path).parameters
    assert paths is not None
    with open_run(path) as run:
        theta = run.parameters().theta
    assert paths.parameters == 81
    assert paths.quantiles is not None
    np.testing.assert_allclose(paths.quantiles[:, 2], np.median(theta, axis=1))
    np.testing.assert_array_equal(paths.theta, theta[:, paths.shown])
    assert "5–95 % of 81" in _texts(_drawn([read_curves(path)]))


def test_snapshots_are_thinned_and_the_last_is_kept(train: Any) -> None:
    path = train(logging={"parameters_every_updates": 1}, stop={"steps": 1001})
    paths = read_curves(path).parameters
    assert paths is not None
    assert len(paths.step) < 400
    assert paths.step[0] == 0
    assert paths.step[-1] == 1001


def _copy_of(path: Path, folder: Path) -> RunFolder:
    with open_run(path) as run:
        return create_run(
            folder, "young", files={}, resolved=run.experiment, environment=run.environment,
            simulated=True, baseline="measured", parameter_names=["a"] * 9,
            parameter_units=[""] * 9,
        )  # fmt: skip


def test_a_run_that_has_measured_nothing_yet(parity_run: Path, tmp_path: Path) -> None:
    folder = _copy_of(parity_run, tmp_path)
    texts = _texts(_drawn([read_curves(folder.path)]))
    assert "nothing measured yet" in texts


def test_a_run_that_goes_on_without_snapshots(parity_run: Path, tmp_path: Path) -> None:
    folder = _copy_of(parity_run, tmp_path)
    with open_run(parity_run) as run:
        costs = run.costs(0, 1000)
    with RunWriter(folder) as writer:
        writer.write(StepBlock(0, costs.sample, costs.cost, costs.baseline, 0.0, 0.0))
        writer.write(Checkpoint(Counters(steps=1000), 0.0, 0.0, {}))
        writer.write(StepBlock(1000, costs.sample, costs.cost, costs.baseline, 0.0, 0.0))
    curves = read_curves(folder.path)
    assert (curves.steps, curves.parameters) == (1000, None)
    assert curves.gradient is not None
    assert len(_labels(_drawn([curves]))) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.jpg", r"'\.jpg' names no known format\. Known are \.png, \.svg, \.pdf"),
        ("run", "names no known format"),
        ("missing/run.png", "no folder"),
        ("folder.png", "is a folder"),
    ],
)
def test_destinations_that_cannot_be(
    parity_run: Path, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ConfigurationError, match=message):
        plot_runs([parity_run], tmp_path / name)


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no run is named"):
        plot_runs([], tmp_path / "a.png")


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunStoreError, match="no run"):
        plot_runs([tmp_path], tmp_path / "a.png")


def test_an_experiment_of_another_version_is_refused(parity_run: Path, tmp_path: Path) -> None:
    folder = _copy_of(parity_run, tmp_path)
    resolved = next(file for file in folder.path.iterdir() if '"time_constants"' in _text(file))
    resolved.write_text(_text(resolved).replace('"discrete"', '"quantum"'), encoding="utf-8")
    with pytest.raises(RunStoreError, match="does not understand its experiment"):
        plot_runs([folder.path], tmp_path / "a.png")


def _text(file: Path) -> str:
    return file.read_bytes().decode("utf-8", errors="replace")


def test_without_matplotlib_the_extra_is_named(
    parity_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mgd-lab\[plot\]"'):
        plot_runs([parity_run], tmp_path / "a.png")
