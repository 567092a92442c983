"""A reference beside the run of a chip: over presentations of samples, which both have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from mgd_lab.figures import plot_runs
from mgd_lab.figures.figure import draw_figure
from mgd_lab.figures.presentations import over_presentations
from mgd_lab.figures.run_curves import read_curves
from mgd_lab.figures.style import SETTINGS
from mgd_lab.records import Checkpoint, Counters, Evaluation, ParameterSnapshot
from mgd_lab.run_store import RunWriter, create_run, open_run

BATCH = 4


@pytest.fixture
def reference(parity_run: Path, tmp_path: Path) -> Callable[[int], Path]:
    """A reference of so many updates, without the library that would train it."""

    def written(updates: int) -> Path:
        names = ("resolved.json", "environment.json")
        resolved, environment = (json.loads((parity_run / name).read_text()) for name in names)
        folder = create_run(
            tmp_path,
            "reference",
            files={},
            resolved=resolved,
            environment=environment,
            simulated=True,
            reference="backpropagation",
        )
        with RunWriter(folder) as writer:
            for k in (0, updates // 2, updates):
                writer.write(ParameterSnapshot(k, k, np.zeros(9)))
                writer.write(Evaluation(k, k, "train", 4, 0.3 - 0.2 * k / updates, 0.75, 0.0))
                counters = Counters(steps=k, samples=BATCH * k, updates=k)
                writer.write(Checkpoint(counters, 0.0, 0.0, {}))
        return folder.path

    return written


def drawn(paths: list[Path], axis: str) -> Figure:
    with mpl.rc_context({**SETTINGS}):
        figure = Figure(layout="constrained")
        draw_figure(figure, [read_curves(path) for path in paths], axis)
    return figure


def test_both_stand_over_presentations(parity_run, reference):
    path = reference(40)
    figure = drawn([parity_run, path], "presentations")
    assert figure.axes[-1].get_xlabel() == "Presentations of samples"
    lines = {line.get_xdata()[-1] for line in figure.axes[0].get_lines() if len(line.get_xdata())}
    with open_run(parity_run) as run:
        # One baseline and one perturbed probe a step.
        assert run.counters.probes == 2 * run.counters.steps
        assert {40 * BATCH, run.counters.probes} <= lines
    assert figure.axes[0].get_xscale() == "log"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "parity",
        "backpropagation",
    ]


def test_runs_of_like_length_have_a_linear_axis(parity_run, reference):
    figure = drawn([parity_run, reference(1500)], "presentations")
    assert figure.axes[0].get_xscale() == "linear"


def test_everything_is_moved_alike(parity_run):
    steps = read_curves(parity_run)
    moved = over_presentations(steps)
    for part in ("costs", "evaluations", "gradient", "parameters"):
        np.testing.assert_allclose(
            getattr(moved, part).step, 2.0 * getattr(steps, part).step, rtol=1e-12
        )
    assert moved.extent == 2 * steps.extent
    assert moved.steps == steps.steps


@pytest.mark.parametrize(
    ("with_reference", "axis", "label"),
    [
        (True, None, b"Presentations"),
        (True, "steps", b"Steps"),
        (False, None, b"Steps"),
        (False, "presentations", b"Presentations"),
    ],
)
def test_the_axis_is_chosen_where_none_is_named(
    parity_run, reference, tmp_path, monkeypatch, with_reference, axis, label
):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    monkeypatch.setattr("mgd_lab.figures.plotting.SETTINGS", {**SETTINGS, "svg.fonttype": "none"})
    file = tmp_path / "runs.svg"
    paths = [parity_run, reference(40)] if with_reference else [parity_run]
    plot_runs(paths, file, axis)
    other = b"Steps" if label == b"Presentations" else b"Presentations"
    assert label in file.read_bytes()
    assert other not in file.read_bytes()


def test_several_references_are_told_apart(reference):
    figure = drawn([reference(40), reference(60)], "steps")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(set(names)) == 2
    assert all(name.endswith("(backpropagation)") for name in names)
