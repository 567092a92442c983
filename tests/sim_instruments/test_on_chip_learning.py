"""A chip that trains itself ends where the host's loop ends, bit for bit; it was written apart."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import mgd_lab
from mgd_lab.chip import snapshot_length
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError, LimitError
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron

KINDS = ("sequential", "random", "walsh", "sinusoidal")
ALGORITHMS = ("measured", "paired", "analog")
RULES = ("sgd", "momentum", "adam")
RATES = ("constant", "cosine", "linear", "exponential")


def training(kind: str, algorithm: str, rule: str, rate: str) -> dict[str, Any]:
    times: dict[str, Any] = {"tau_p": 3, "tau_x": 5, "tau_theta": 7}
    update: dict[str, Any] = {"rule": rule, "learning_rate": 0.02}
    if rate != "constant":
        update["schedule"] = {"kind": rate, "steps": 50, "final_fraction": 0.5}
    chosen: dict[str, Any] = {
        "perturbation": {"kind": kind, "amplitude": 0.05},
        "time_constants": times,
        "batch": 3,
        "update": update,
    }
    if algorithm == "analog":
        times["tau_hp"] = 4.0
        return {**chosen, "algorithm": "analog"}
    update["scale"] = "mean"
    refresh = {"baseline_refresh_steps": 2} if algorithm == "measured" else {}
    return {**chosen, "baseline": algorithm, **refresh}


def end(folder: Any, rung: str, chosen: dict[str, Any], steps: int = 60, limits: Any = None) -> Any:
    path = folder / "experiment.yaml"
    chip = {"driver": "emulated", "network": {"layers": [2, 2, 1]}, "rung": rung}
    if limits is not None:
        chip["limits"] = limits
    experiment = {
        "chip": chip,
        "task": {"dataset": "parity"},
        "training": chosen,
        "stop": {"steps": steps},
        "evaluate": {"every_steps": 13},
    }
    path.write_text(json.dumps(experiment))
    result = mgd_lab.run(mgd_lab.load_experiment(path), runs_dir=folder / "runs")
    with mgd_lab.open_run(result.path) as run:
        return run.evaluations(), run.parameters().theta[-1], result.counters


@pytest.mark.parametrize(
    ("kind", "algorithm", "rule", "rate"),
    [
        (kind, algorithm, RULES[(k + a) % 3], RATES[(k + 2 * a) % 4])
        for k, kind in enumerate(KINDS)
        for a, algorithm in enumerate(ALGORITHMS)
    ],
)
def test_host_and_chip_end_at_the_same_parameters(tmp_path, kind, algorithm, rule, rate):
    chosen = training(kind, algorithm, rule, rate)
    evaluations, theta, counters = end(tmp_path, "dense", chosen)
    found, learned, counted = end(tmp_path, "learns", chosen)
    assert learned.tobytes() == theta.tobytes()
    assert found.cost.tobytes() == evaluations.cost.tobytes()
    assert counted == counters


@pytest.mark.parametrize("algorithm", ["measured", "analog"])
def test_host_and_chip_project_onto_the_same_edges(tmp_path, algorithm):
    chosen = training("random", algorithm, "adam", "constant")
    chosen["initial"] = {"distribution": "uniform", "low": -0.2, "high": 0.2}
    limits = {"parameters": {"low": -0.26, "high": 0.26}, "on_update": "project"}
    evaluations, theta, counters = end(tmp_path, "dense", chosen, 400, limits)
    found, learned, counted = end(tmp_path, "learns", chosen, 400, limits)
    assert learned.tobytes() == theta.tobytes()
    assert found.cost.tobytes() == evaluations.cost.tobytes()
    assert counted == counters
    told: list[str] = []
    for folder in (tmp_path / "runs").iterdir():
        with mgd_lab.open_run(folder) as run:
            events = run.events()
            told.append(str(events.message[events.kind == "projected"][-1]))
    assert told[0] == told[1]
    assert told[0].startswith("updates moved")
    edge = 0.26 - np.float64(np.float32(0.05))
    assert np.abs(theta.astype(np.float32)).max() == pytest.approx(edge, rel=1e-6)


@pytest.mark.parametrize("rung", ["dense", "learns"])
def test_host_and_chip_refuse_to_leave_the_limits(tmp_path, rung):
    chosen = training("random", "measured", "adam", "constant")
    chosen["initial"] = {"distribution": "uniform", "low": -0.2, "high": 0.2}
    with pytest.raises(LimitError, match="would become"):
        end(tmp_path, rung, chosen, 400, {"parameters": {"low": -0.26, "high": 0.26}})


def learning_chip(program: Any) -> EmulatedChip:
    chip = EmulatedChip(MultilayerPerceptron((2, 2, 1)))
    chip.set_cost(CostFunction())
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    chip.load_samples(inputs, np.array([[0], [1], [1], [0]], np.float32))
    chip.configure_learning(program, np.linspace(-1, 1, 9))
    return chip


@pytest.fixture
def program(tmp_path):
    from mgd_lab.bench.assembly import fit
    from mgd_lab.bench.chips import build_chip
    from mgd_lab.bench.programs import learning_program
    from mgd_lab.bench.task import data_set

    path = tmp_path / "experiment.yaml"
    chip = {"driver": "emulated", "network": {"layers": [2, 2, 1]}}
    chosen = training("random", "measured", "adam", "cosine")
    path.write_text(json.dumps({"chip": chip, "task": {"dataset": "parity"}, "training": chosen}))
    experiment = mgd_lab.load_experiment(path).experiment
    opened = build_chip(experiment.chip)
    return learning_program(fit(experiment, data_set(experiment.task, 1), opened))


def test_a_snapshot_taken_anywhere_goes_on_exactly(program):
    whole = learning_chip(program)
    whole.advance(40)
    for stop in (0, 3, 7, 18, 39):
        first = learning_chip(program)
        first.advance(stop)
        second = learning_chip(program)
        second.restore(first.snapshot())
        second.advance(40)
        assert second.snapshot().tobytes() == whole.snapshot().tobytes()
    assert whole.snapshot().shape == (snapshot_length(9),)


def test_asking_twice_is_harmless_and_going_back_is_refused(program):
    chip = learning_chip(program)
    chip.advance(10)
    before = chip.snapshot()
    chip.advance(10)
    assert chip.snapshot().tobytes() == before.tobytes()
    with pytest.raises(ChipError, match="step 9; 10 have been done"):
        chip.advance(9)


def test_a_chip_must_be_told_first():
    chip = EmulatedChip(MultilayerPerceptron((2, 2, 1)))
    for ask in (lambda: chip.advance(1), chip.snapshot, lambda: chip.restore(np.zeros(53))):
        with pytest.raises(ChipError, match="before being told"):
            ask()
    with pytest.raises(ChipError, match="before their program"):
        chip.measure_generated(np.zeros(9, np.float32), 0, 0, 1)


def test_a_wrong_snapshot_is_refused(program):
    with pytest.raises(ChipError, match="53 numbers"):
        learning_chip(program).restore(np.zeros(5))
