"""`rung: auto` takes the highest rung that the experiment allows."""

from __future__ import annotations

import pytest

from mgd_lab.bench import check


@pytest.mark.parametrize(
    ("kind", "costs", "rung"),
    [
        ("random", "all", "generated"),
        ("sequential", "window_mean", "generated"),
        ("walsh", "none", "learns"),
    ],
)
def test_auto(load, tmp_path, kind, costs, rung):
    loaded = load(
        chip={"rung": "auto"},
        training={"perturbation": {"kind": kind}},
        logging={"costs": costs},
    )
    assert check(loaded, runs_dir=tmp_path).rung == rung


def test_a_chip_that_learns_says_that_its_costs_are_not_logged(load, tmp_path):
    report = check(load(chip={"rung": "learns"}), runs_dir=tmp_path)
    assert any("no costs" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    ("limits", "rung"), [({"low": -9.0, "high": 9.0}, "learns"), ({"resolution": 0.1}, "generated")]
)
def test_a_chip_learns_by_itself_within_limits_that_it_can_keep(load, tmp_path, limits, rung):
    chip = {"rung": "auto", "limits": {"parameters": limits}}
    report = check(load(chip=chip, logging={"costs": "none"}), runs_dir=tmp_path)
    assert report.rung == rung
