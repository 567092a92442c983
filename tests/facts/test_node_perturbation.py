"""Perturbing nodes learns, through experiment files, from fewer probes than perturbing weights."""

import json

import numpy as np
import pytest

from mgd_lab import load_experiment, open_run, resume, run


def _learned(tmp_path, target, dataset, layers, steps, rate, window=1, **stop):
    mapping = {
        "name": target,
        "seed": 1,
        "chip": {"driver": "emulated", "network": {"layers": layers}},
        "task": {"dataset": dataset},
        "training": {
            "perturbation": {"target": target, "amplitude": 0.05},
            "time_constants": {"tau_theta": window},
            "update": {"learning_rate": rate},
        },
        "stop": {"steps": steps, **stop},
        "evaluate": {"every_steps": steps if not stop else 1000},
    }
    file = tmp_path / f"{target}.yaml"
    file.write_text(json.dumps(mapping), encoding="utf-8")
    return run(load_experiment(file), runs_dir=tmp_path / "runs")


def test_parity_is_solved(tmp_path) -> None:
    result = _learned(tmp_path, "nodes", "parity", [2, 2, 1], 10_000, 0.5, cost_below=0.04)
    assert result.status == "target_reached"
    assert result.accuracy == 1.0
    assert result.counters.probes == 2 * result.counters.steps


def test_letters_are_learned_from_fewer_probes(tmp_path) -> None:
    nodes, weights = (
        _learned(tmp_path, target, "nist7x7", [49, 4, 4], 16_000, 0.1, 8)
        for target in ("nodes", "parameters")
    )
    assert nodes.counters.probes == weights.counters.probes
    assert nodes.accuracy > 0.7
    assert nodes.accuracy > weights.accuracy + 0.1
    assert nodes.cost < weights.cost


def test_a_run_that_goes_on_ends_as_one_that_never_stopped(tmp_path) -> None:
    whole = _learned(tmp_path / "whole", "nodes", "parity", [2, 2, 1], 300, 0.5, 7)
    half = _learned(tmp_path / "half", "nodes", "parity", [2, 2, 1], 101, 0.5, 7)
    went_on = resume(half.path, {"stop.steps": 300, "evaluate.every_steps": 300})
    with open_run(whole.path) as expected, open_run(went_on.path) as found:
        np.testing.assert_array_equal(found.state()["theta"], expected.state()["theta"])
        np.testing.assert_array_equal(found.costs().cost, expected.costs().cost)


@pytest.fixture(autouse=True)
def _folders(tmp_path) -> None:
    for name in ("whole", "half"):
        (tmp_path / name).mkdir()
