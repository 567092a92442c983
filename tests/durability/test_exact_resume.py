"""A run that was interrupted anywhere, and goes on, ends as if nothing had happened."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest

import mgd_lab
from mgd_lab.errors import ConfigurationError, LimitError, LinkError, RunStoreError
from mgd_lab.run_store import Run
from sim_instruments.emulated import EmulatedChip

TRAININGS = {
    "every step": {},
    "windows": {"training": {"time_constants": {"tau_p": 3, "tau_x": 20, "tau_theta": 50}}},
    "refreshed": {
        "training": {
            "time_constants": {"tau_p": 1, "tau_x": 100, "tau_theta": 40},
            "baseline_refresh_steps": 7,
        }
    },
    "batch": {"training": {"batch": 3, "time_constants": {"tau_x": 8, "tau_theta": 16}}},
    "paired": {"training": {"baseline": "paired", "time_constants": {"tau_theta": 9}}},
    "momentum": {
        "training": {
            "update": {"rule": "momentum", "scale": "mean"},
            "time_constants": {"tau_x": 12, "tau_theta": 4},
        }
    },
    "adam": {
        "training": {
            "update": {
                "rule": "adam",
                "scale": "mean",
                "learning_rate": 0.01,
                "schedule": {"kind": "cosine", "steps": 300},
            },
            "time_constants": {"tau_theta": 4},
        }
    },
    "walsh": {"training": {"perturbation": {"kind": "walsh"}, "time_constants": {"tau_theta": 32}}},
    "sequential": {
        "training": {"perturbation": {"kind": "sequential"}, "time_constants": {"tau_theta": 9}}
    },
    "sinusoidal": {
        "training": {"perturbation": {"kind": "sinusoidal"}, "time_constants": {"tau_theta": 20}}
    },
    "nodes": {
        "training": {
            "perturbation": {"target": "nodes"},
            "time_constants": {"tau_p": 3, "tau_x": 10, "tau_theta": 25},
        },
        "chip": {
            "driver": "emulated",
            "network": {"layers": [2, 2, 1]},
            "max_block_probes": 3,
        },
    },
    "nodes paired": {
        "training": {
            "perturbation": {"target": "nodes", "kind": "walsh"},
            "time_constants": {"tau_x": 40, "tau_theta": 16},
            "baseline": "paired",
        }
    },
    "analog": {
        "training": {
            "algorithm": "analog",
            "time_constants": {"tau_p": 2, "tau_x": 50, "tau_hp": 5, "tau_theta": 50},
            "update": {"learning_rate": 0.1},
        }
    },
    "clamp and compensation": {
        "training": {
            "update": {"rule": "momentum", "clamp": 1.2, "compensate": True},
            "time_constants": {"tau_theta": 16},
        }
    },
    "stochastic rounding": {
        "training": {
            "update": {"rounding": "stochastic", "float_copy": False, "learning_rate": 0.1}
        },
        "chip": {
            "driver": "emulated",
            "network": {"layers": [2, 2, 1]},
            "limits": {"parameters": {"resolution": 0.25}},
        },
    },
    "stochastic rounding of a copy": {
        "training": {
            "update": {"rounding": "stochastic", "learning_rate": 0.1},
            "time_constants": {"tau_theta": 3},
        },
        "chip": {
            "driver": "emulated",
            "network": {"layers": [2, 2, 1]},
            "limits": {
                "parameters": {"low": -1.1, "high": 1.1, "resolution": 0.25},
                "on_update": "project",
            },
        },
    },
    "window means": {
        "training": {"time_constants": {"tau_theta": 16}},
        "logging": {"costs": "window_mean"},
    },
    "learns": {
        "training": {"time_constants": {"tau_x": 10, "tau_theta": 16}},
        "logging": {"costs": "none"},
    },
    "few a block": {
        "chip": {
            "driver": "emulated",
            "network": {"layers": [2, 2, 1]},
            "rung": "forward",
            "max_block_probes": 3,
        },
        "training": {"time_constants": {"tau_x": 8, "tau_theta": 16}},
    },
}
EMULATED = {"driver": "emulated", "network": {"layers": [2, 2, 1]}}
FEW = {**EMULATED, "max_block_probes": 3}


@pytest.mark.parametrize("name", TRAININGS)
@pytest.mark.parametrize("seed", [1, 2])
def test_interruptions_at_any_blocks_change_nothing(
    tmp_path, experiment_file, reference, differing, interrupted_after, name, seed
):
    keys = TRAININGS[name]
    rng = random.Random(f"{name} {seed}")
    experiment = mgd_lab.load_experiment(experiment_file(tmp_path, **keys))

    def moment():
        return interrupted_after(rng.choice([0, 1, 2, 3, 10, 30]))

    first = interrupted_after(rng.choice([0, 1, 2, 3]))
    result = mgd_lab.run(experiment, runs_dir=tmp_path / "runs", interrupt=first)
    assert result.status == "interrupted"
    for _ in range(4):
        if result.status == "interrupted":
            result = mgd_lab.resume(result.path, interrupt=moment())
    if result.status == "interrupted":
        result = mgd_lab.resume(result.path)
    assert result.status == "finished"
    assert differing(result.path, reference(**keys)) == []


def test_a_run_torn_out_of_a_window_goes_on_from_its_last_checkpoint(
    tmp_path, experiment_file, reference, differing, monkeypatch
):
    keys = TRAININGS["windows"]
    experiment = mgd_lab.load_experiment(experiment_file(tmp_path, **keys))
    measured, done = EmulatedChip.measure_generated, []

    def torn(self, *arguments):
        done.append(1)
        if len(done) == 5:
            raise KeyboardInterrupt
        return measured(self, *arguments)

    monkeypatch.setattr(EmulatedChip, "measure_generated", torn)
    with pytest.raises(KeyboardInterrupt):
        mgd_lab.run(experiment, runs_dir=tmp_path / "runs")
    [folder] = (tmp_path / "runs").iterdir()
    with mgd_lab.open_run(folder) as run:
        assert run.summary["status"] == "interrupted"
        assert run.summary["steps"] == run.counters.steps
    result = mgd_lab.resume(folder)
    assert differing(result.path, reference(**keys)) == []


@pytest.mark.parametrize("failing", range(1, 60, 6))
def test_a_link_that_fails_anywhere_leaves_a_run_that_goes_on_exactly(
    tmp_path, experiment_file, reference, differing, monkeypatch, failing
):
    keys = TRAININGS["few a block"]
    experiment = mgd_lab.load_experiment(experiment_file(tmp_path, **keys))
    outputs, done = EmulatedChip.outputs, []

    def broken(self, *arguments):
        done.append(1)
        if len(done) == failing:
            raise LinkError("the cable is out")
        return outputs(self, *arguments)

    monkeypatch.setattr(EmulatedChip, "outputs", broken)
    with pytest.raises(LinkError):
        mgd_lab.run(experiment, runs_dir=tmp_path / "runs")
    [folder] = (tmp_path / "runs").iterdir()
    result = mgd_lab.resume(folder)
    assert differing(result.path, reference(**keys)) == []


def test_a_longer_run_is_the_same_as_one_that_was_long_from_the_start(
    tmp_path, experiment_file, reference, differing
):
    experiment = mgd_lab.load_experiment(experiment_file(tmp_path, steps=123))
    short = mgd_lab.run(experiment, runs_dir=tmp_path / "runs")
    with pytest.raises(ConfigurationError, match=r"123 of 123 steps.*--set stop.steps"):
        mgd_lab.resume(short.path)
    result = mgd_lab.resume(short.path, {"stop.steps": 400})
    assert result.status == "finished"
    assert differing(result.path, reference(steps=400)) == []
    with mgd_lab.open_run(result.path) as run:
        assert run.experiment["stop"]["steps"] == 400
    before = json.loads((result.path / "resolved-1.json").read_text())
    assert before["stop"]["steps"] == 123


def test_an_evaluation_made_only_because_the_run_ended_is_not_the_best_of_a_longer_one(
    tmp_path, experiment_file, reference, differing
):
    keys = {"training": {"finish": "best", "update": {"learning_rate": 2.0}}}
    path = experiment_file(tmp_path, steps=670, **keys)
    short = mgd_lab.run(mgd_lab.load_experiment(path), runs_dir=tmp_path / "runs")
    with mgd_lab.open_run(short.path) as run:
        events, at_its_end = run.events(), run.evaluations()
    [best] = [event for event in events.details if "step" in event]
    assert (best["step"], at_its_end.step[-1]) == (670, 670)
    result = mgd_lab.resume(short.path, {"stop.steps": 900})
    assert result.cost > short.cost
    assert differing(result.path, reference(steps=900, **keys)) == []


def test_a_run_whose_checkpoints_hold_too_little_is_not_resumed(half, monkeypatch):
    folder = half()
    kept = Run.state

    def earlier(self):
        return {k: v for k, v in kept(self).items() if not k.startswith(("book.", "best."))}

    monkeypatch.setattr(Run, "state", earlier)
    with pytest.raises(ConfigurationError, match=r"earlier MGD Lab.*\{from: run\}"):
        mgd_lab.resume(folder)


def test_a_target_that_is_reached_must_be_moved(tmp_path, experiment_file):
    path = experiment_file(tmp_path, stop={"cost_below": 10.0})
    result = mgd_lab.run(mgd_lab.load_experiment(path), runs_dir=tmp_path / "runs")
    assert result.status == "target_reached"
    with pytest.raises(ConfigurationError, match=r"target is reached.*stop\.cost_below"):
        mgd_lab.resume(result.path)
    assert mgd_lab.resume(result.path, {"stop.cost_below": 1e-9}).status == "target_missed"


@pytest.fixture
def half(tmp_path, experiment_file, interrupted_after):
    """A run that was interrupted half-way."""

    def made(**keys):
        experiment = mgd_lab.load_experiment(experiment_file(tmp_path, **keys))
        stop = interrupted_after(20)
        result = mgd_lab.run(experiment, runs_dir=tmp_path / "runs", interrupt=stop)
        assert result.status == "interrupted"
        return result.path

    return made


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"training.perturbation.amplitude": 0.1},
        {"training.time_constants.tau_theta": 2},
        {"training.update.rule": "adam"},
        {"task.bits": 3},
        {"logging.costs": "none"},
    ],
)
def test_what_would_change_the_meaning_of_the_log_is_refused(half, change):
    folder = half()
    [key] = change
    with pytest.raises(ConfigurationError, match=key.replace(".", r"\.")) as caught:
        mgd_lab.resume(folder, change, accept_changes=True)
    assert "new run" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"training.update.learning_rate": 0.01},
        {"training.update.clamp": 3.0},
        {"training.update.rounding": "stochastic"},
        {"chip.limits.parameters.high": 50.0},
    ],
)
def test_other_changes_must_be_meant(half, change):
    folder = half()
    [key] = change
    with pytest.raises(ConfigurationError, match=key.replace(".", r"\.")) as caught:
        mgd_lab.resume(folder, change)
    assert "--accept-changes" in str(caught.value)
    with mgd_lab.open_run(folder) as run:
        assert run.summary["status"] == "interrupted"
    assert mgd_lab.resume(folder, change, accept_changes=True).status == "finished"
    with mgd_lab.open_run(folder) as run:
        [resumed] = [i for i, kind in enumerate(run.events().kind) if kind == "resumed"]
        assert key in run.events().message[resumed]
    # It is what the run is now: the next resume has nothing to accept.
    assert mgd_lab.resume(folder, {"stop.steps": 500}).status == "finished"


def test_other_arithmetic_or_another_chip_must_be_meant(half):
    folder = half()
    path = folder / "environment.json"
    environment = json.loads(path.read_text())
    environment["packages"]["numpy"] = "1.0"
    environment["chip"]["identity"]["model"] = "another"
    path.write_text(json.dumps(environment))
    with pytest.raises(ConfigurationError, match=r"numpy: was 1\.0") as caught:
        mgd_lab.resume(folder)
    assert "identity model: was another" in str(caught.value)
    assert mgd_lab.resume(folder, accept_changes=True).status == "finished"


def test_other_data_must_be_meant(tmp_path, half):
    rng = np.random.default_rng(1)
    inputs = rng.uniform(size=(12, 2)).astype(np.float32)
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=inputs[:, :1])
    data = {"dataset": "arrays", "file": str(tmp_path / "data.npz")}
    chip = {"driver": "emulated", "network": {"layers": [2, 2, 1]}}
    mapping = {"name": "data", "chip": chip, "task": data, "stop": {"steps": 300}}
    path = tmp_path / "data.yaml"
    path.write_text(json.dumps(mapping))
    del half
    result = mgd_lab.run(mgd_lab.load_experiment(path), runs_dir=tmp_path / "runs")
    np.savez(tmp_path / "data.npz", inputs=inputs[::-1], targets=inputs[::-1, :1])
    with pytest.raises(ConfigurationError, match="sha256"):
        mgd_lab.resume(result.path, {"stop.steps": 600})


def test_a_refused_update_is_made_when_its_limits_are_wider(
    tmp_path, experiment_file, reference, differing
):
    wide = {
        "chip": {**EMULATED, "limits": {"parameters": {"low": -20.0, "high": 20.0}}},
        "training": {"update": {"learning_rate": 1.0}, "time_constants": {"tau_theta": 4}},
        "steps": 100,
    }
    narrow = {**wide, "chip": {**EMULATED, "limits": {"parameters": {"low": -1.06, "high": 1.06}}}}
    experiment = mgd_lab.load_experiment(experiment_file(tmp_path, **narrow))
    with pytest.raises(LimitError):
        mgd_lab.run(experiment, runs_dir=tmp_path / "runs")
    [folder] = (tmp_path / "runs").iterdir()
    change = {"chip.limits": {"parameters": {"low": -20.0, "high": 20.0}}}
    try:
        mgd_lab.resume(folder, change, accept_changes=True)
    except LimitError:
        pytest.fail("the training is to stay within the wider limits")
    expected = [line for line in differing(folder, reference(**wide)) if "book" not in line]
    assert expected == []


def test_a_run_that_is_written_is_left_alone(half):
    from mgd_lab.run_store.lock import WriterLock

    folder = half()
    lock = WriterLock(folder)
    lock.acquire()
    try:
        with pytest.raises(RunStoreError, match="another process is writing"):
            mgd_lab.resume(folder)
    finally:
        lock.release()


def test_the_baseline_in_force_is_measured_again_and_told(half):
    folder = half(training={"time_constants": {"tau_x": 200, "tau_theta": 50}}, chip=FEW)
    with mgd_lab.open_run(folder) as run:
        assert run.counters.steps % 50
    result = mgd_lab.resume(folder)
    assert result.counters.remeasured_probes == 1
    with mgd_lab.open_run(folder) as run:
        events = run.events()
    [place] = np.flatnonzero(events.kind == "baseline_again")
    details = events.details[place]
    assert details["before"] == details["now"]


def test_the_best_parameters_are_those_that_a_run_ends_with(tmp_path, experiment_file):
    keys = {"training": {"finish": "best", "update": {"learning_rate": 4.0}}}
    experiment = mgd_lab.load_experiment(experiment_file(tmp_path, steps=900, **keys))
    result = mgd_lab.run(experiment, runs_dir=tmp_path / "runs")
    with mgd_lab.open_run(result.path) as run:
        evaluations, parameters, state = run.evaluations(), run.parameters(), run.state()
        events = run.events().kind.tolist()
    assert result.cost == evaluations.cost.min() < evaluations.cost[-1]
    assert "finish_best" in events
    assert np.array_equal(parameters.theta[-1], state["best.theta"])
    assert not np.array_equal(state["theta"], state["best.theta"])
    initial = {"from": "run", "path": str(result.path)}
    path = experiment_file(tmp_path / "next", training={"initial": initial}, steps=1)
    following = mgd_lab.run(mgd_lab.load_experiment(path), runs_dir=tmp_path / "runs")
    with mgd_lab.open_run(following.path) as run:
        assert np.array_equal(run.parameters().theta[0], state["best.theta"])
    shutil.rmtree(tmp_path / "runs")


def test_writes_are_counted_on(tmp_path, experiment_file, interrupted_after):
    chip = {**EMULATED, "limits": {"parameters": {"writes_budget": 60}}}
    sections = {"training": {"time_constants": {"tau_theta": 4}}, "steps": 200, "chip": chip}
    experiment = mgd_lab.load_experiment(experiment_file(tmp_path, **sections))
    result = mgd_lab.run(experiment, runs_dir=tmp_path / "runs", interrupt=interrupted_after(20))
    with mgd_lab.open_run(result.path) as run:
        before = int(run.state()["book.writes"])
    assert before >= result.counters.updates > 0
    with pytest.raises(LimitError, match="writes_budget"):
        mgd_lab.resume(result.path, {"stop.steps": 400})
    assert mgd_lab.resume(result.path).status == "finished"
    with mgd_lab.open_run(result.path) as run:
        assert before < int(run.state()["book.writes"]) <= 60


@pytest.mark.parametrize("window", [1, 3])
def test_a_chip_that_refuses_an_update_tells_how_far_it_came(tmp_path, experiment_file, window):
    states = []
    for rung in ("generated", "learns"):
        chip = {**EMULATED, "rung": rung, "limits": {"parameters": {"low": -2.0, "high": 2.0}}}
        training = {"update": {"learning_rate": 5.0}, "time_constants": {"tau_theta": window}}
        path = experiment_file(
            tmp_path / rung, chip=chip, training=training, logging={"costs": "none"}
        )
        with pytest.raises(LimitError):
            mgd_lab.run(mgd_lab.load_experiment(path), runs_dir=tmp_path / rung / "runs")
        [folder] = (tmp_path / rung / "runs").iterdir()
        with mgd_lab.open_run(folder) as run:
            states.append((run.counters, run.state()["theta"].tobytes()))
    assert states[0] == states[1]
    assert states[0][0].steps > 0
