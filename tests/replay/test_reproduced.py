"""Whatever was run is reproduced bit for bit."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

import mgd_lab
from mgd_lab.errors import ConfigurationError, LimitError
from mgd_lab.replay import replay_run

CONFIGS = Path(__file__).parents[2] / "configs"

WAYS: dict[str, dict[str, Any]] = {
    "paired": {"baseline": "paired"},
    "windows": {"time_constants": {"tau_theta": 7, "tau_x": 3, "tau_p": 2}},
    "mean": {
        "time_constants": {"tau_theta": 8},
        "update": {"learning_rate": 0.1, "scale": "mean"},
    },
    "held baseline": {"time_constants": {"tau_theta": 50, "tau_x": 20}},
    "refreshed baseline": {
        "time_constants": {"tau_theta": 50, "tau_x": 20},
        "baseline_refresh_steps": 6,
    },
    "batch": {"batch": 3, "time_constants": {"tau_theta": 2}},
    "paired batch": {"batch": 2, "baseline": "paired"},
    "momentum": {"update": {"rule": "momentum", "learning_rate": 0.05, "momentum": 0.8}},
    "adam": {"update": {"rule": "adam", "learning_rate": 0.01}},
    "cosine": {
        "update": {"learning_rate": 0.5, "schedule": {"kind": "cosine", "steps": 800}},
    },
    "clamp": {"update": {"clamp": 1.5, "learning_rate": 0.2}, "baseline": "paired"},
    "clamp in windows": {"update": {"clamp": 1.5}, "time_constants": {"tau_theta": 8, "tau_x": 4}},
    "compensation": {"update": {"compensate": True}, "time_constants": {"tau_theta": 6}},
    "no copy in float64": {"update": {"float_copy": False, "learning_rate": 0.2}},
    "sequential": {"perturbation": {"kind": "sequential"}},
    "walsh": {"perturbation": {"kind": "walsh"}},
    "sinusoidal": {"perturbation": {"kind": "sinusoidal"}, "samples": {"order": "random"}},
    "normal start": {"initial": {"distribution": "normal", "standard_deviation": 0.7}},
    "analog": {
        "algorithm": "analog",
        "time_constants": {"tau_p": 1, "tau_x": 50, "tau_theta": 2, "tau_hp": 10},
    },
    "analog batch": {
        "algorithm": "analog",
        "batch": 2,
        "time_constants": {"tau_p": 2, "tau_x": 30, "tau_theta": 4.5, "tau_hp": 6},
        "update": {"rule": "adam", "learning_rate": 0.003},
    },
}


def reproduced(path: Path) -> mgd_lab.ReplayReport:
    report = replay_run(path)
    assert report.differences == ()
    assert report.reproduced
    assert report.state_agrees
    assert report.agreeing == report.snapshots > 1
    return report


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_train(train, way: str) -> None:
    report = reproduced(train(training=WAYS[way]))
    assert report.steps == 610


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        ("parity2", {}),
        ("parity4", {"stop.steps": 20_000}),
        ("nist7x7", {"stop.steps": 1_500, "evaluate.every_steps": 1_000}),
    ],
)
def test_shipped_experiments(tmp_path: Path, config: str, changes: dict[str, Any]) -> None:
    experiment = mgd_lab.load_experiment(CONFIGS / f"{config}.yaml", changes)
    result = mgd_lab.run(experiment, runs_dir=tmp_path)
    assert result.path is not None
    report = reproduced(result.path)
    assert report.steps == result.counters.steps
    # A replay measures nothing.
    assert report.seconds < result.wall_seconds


def chip_with(**more: Any) -> dict[str, Any]:
    return {
        "driver": "emulated",
        "network": {"layers": [2, 2, 1], "activation": "sigmoid", "output_activation": "sigmoid"},
        **more,
    }


def test_projected_and_rounded_updates(train) -> None:
    limits = {"parameters": {"low": -1.2, "high": 1.2}, "on_update": "project"}
    path = train(chip=chip_with(limits=limits))
    with mgd_lab.open_run(path) as run:
        assert int(run.state()["projected"]) > 0
    reproduced(path)
    parameters = {"low": -2.0, "high": 2.0, "resolution": 0.01, "safe": 0.0}
    reproduced(train(chip=chip_with(limits={"parameters": parameters, "on_update": "project"})))


@pytest.mark.parametrize(
    "update", [{"float_copy": False}, {"float_copy": False, "rounding": "stochastic"}]
)
@pytest.mark.parametrize("on_update", ["refuse", "project"])
def test_rounding_of_every_kind(train, update: dict[str, Any], on_update: str) -> None:
    edges = {"low": -1.2, "high": 1.2, "safe": 0.0} if on_update == "project" else {}
    limits = {"parameters": {"resolution": 0.1, **edges}, "on_update": on_update}
    reproduced(train(chip=chip_with(limits=limits), training={"update": update}))


@pytest.mark.parametrize("stop", [{"probes": 777}, {"steps": 333}, {"steps": 20}])
def test_the_log_may_end_within_a_window(train, stop: dict[str, Any]) -> None:
    path = train(training={"time_constants": {"tau_theta": 50, "tau_x": 7}}, stop=stop)
    report = reproduced(path)
    assert report.steps % 50


def test_the_start_may_come_from_elsewhere(train) -> None:
    first = train(stop={"steps": 200})
    reproduced(train(training={"initial": {"from": "run", "path": str(first)}}))
    reproduced(train(training={"initial": {"from": "chip"}}))


def test_the_best_parameters_may_be_kept(train) -> None:
    training = {"finish": "best", "update": {"learning_rate": 3.0}}
    path = train(training=training, evaluate={"every_steps": 100})
    with mgd_lab.open_run(path) as run:
        assert "finish_best" in run.events().kind
        last = run.parameters().theta[-1]
        assert last.tolist() != run.state()["theta"].tolist()
    reproduced(path)


def interrupted(train, **sections: Any) -> Path:
    """A run that was stopped after a while."""
    folder = train(**sections).parent.parent
    experiment = mgd_lab.load_experiment(folder / "experiment.yaml", {"stop": {"seconds": 60}})
    stop = threading.Event()
    result = mgd_lab.run(
        experiment,
        runs_dir=folder / "interrupted",
        interrupt=stop,
        observe=lambda progress: stop.set() if progress.counters.steps > 300 else None,
    )
    assert result.status == "interrupted"
    assert result.path is not None
    return result.path


def test_a_run_that_crashed_within_a_window(train) -> None:
    folder = train(stop={"steps": 1}).parent.parent
    changes = {
        "stop": {"seconds": 60},
        "training.time_constants.tau_theta": 1_000_000,
        "logging.checkpoint_every_seconds": 1e-6,
    }
    experiment = mgd_lab.load_experiment(folder / "experiment.yaml", changes)

    def crash(progress: Any) -> None:
        if progress.counters.steps > 2000:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        mgd_lab.run(experiment, runs_dir=folder / "crashed", observe=crash)
    (path,) = (folder / "crashed").iterdir()
    (path / "summary.json").unlink()
    report = replay_run(path)
    assert report.reproduced
    assert report.state_agrees
    assert report.steps > 0


@pytest.mark.parametrize("window", [1, 64])
def test_resumed_runs_are_replayed_as_one(train, window: int) -> None:
    times = {"time_constants": {"tau_theta": window, "tau_x": 40}}
    path = interrupted(train, training=times, stop={"steps": 64})
    with mgd_lab.open_run(path) as run:
        steps = run.counters.steps
    mgd_lab.resume(path, {"stop": {"steps": steps + 500}})
    assert reproduced(path).steps == steps + 500


def test_each_part_is_replayed_with_its_own_settings(train) -> None:
    path = train(stop={"steps": 400})
    mgd_lab.resume(
        path, {"stop.steps": 800, "training.update.learning_rate": 0.2}, accept_changes=True
    )
    mgd_lab.resume(path, {"stop.steps": 900})
    assert reproduced(path).steps == 900
    # Told apart by what is in the folder: with one rate for all, they are not reproduced.
    (path / "resolved-1.json").write_text((path / "resolved.json").read_text())
    found = replay_run(path).first_difference
    assert found is not None
    assert found.first_step == 0
    assert found.what == "parameters"


def test_a_run_that_the_limits_ended(train, tmp_path: Path) -> None:
    limits = {"parameters": {"low": -1.5, "high": 1.5}}
    file = tmp_path / "experiment.yaml"
    experiment = {
        "chip": chip_with(limits=limits),
        "task": {"dataset": "parity"},
        "training": {"update": {"learning_rate": 2.0}, "time_constants": {"tau_theta": 3}},
        "stop": {"steps": 5000},
    }
    file.write_text(json.dumps(experiment))
    with pytest.raises(LimitError):
        mgd_lab.run(mgd_lab.load_experiment(file), runs_dir=tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()
    report = replay_run(path)
    assert report.reproduced
    assert 0 < report.steps < 5000
    # Gone on with where the refused update is projected.
    changes = {"chip.limits.on_update": "project", "stop.steps": report.steps + 300}
    mgd_lab.resume(path, changes, accept_changes=True)
    assert reproduced(path).steps == report.steps + 300


def test_nothing_to_replay(train) -> None:
    with pytest.raises(ConfigurationError, match=r"logging\.costs is window_mean"):
        replay_run(train(logging={"costs": "window_mean"}))
    with pytest.raises(ConfigurationError, match="rung learns"):
        replay_run(train(chip=chip_with(rung="learns")))


def test_perturbed_nodes_are_named(train) -> None:
    with pytest.raises(ConfigurationError, match=r"target is nodes.*entered each layer"):
        replay_run(train(training={"perturbation": {"target": "nodes"}}))
