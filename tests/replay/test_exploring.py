"""Other settings on recorded measurements."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import mgd_lab
from mgd_lab.errors import ConfigurationError, ExperimentFileError
from mgd_lab.replay import Exploration, replay_run


@pytest.fixture(scope="session")
def recorded(train) -> Path:
    return train(training={"update": {"learning_rate": 0.05}})


def explored(path: Path, *changes: str) -> Exploration:
    report = replay_run(path, list(changes))
    assert report.reproduced
    assert report.explored is not None
    return report.explored


def test_the_recorded_settings_lead_where_the_run_went(recorded: Path) -> None:
    found = explored(recorded, "training.update.learning_rate=0.05")
    assert found.stops_at is None
    assert [row.step for row in found.deviations] == [*range(0, 601, 25), 610]
    assert all(row.distance == 0.0 for row in found.deviations)
    assert all(row.length_ratio == 1.0 for row in found.deviations[1:])


def test_distance_is_that_of_the_updates(recorded: Path) -> None:
    found = explored(recorded, "training.update.learning_rate=0.025")
    with mgd_lab.open_run(recorded) as run:
        snapshots = run.parameters()
    # Half the rate, half the way, on the same measurements.
    halves = np.linalg.norm(snapshots.theta - snapshots.theta[0], axis=1) / 2
    assert [row.distance for row in found.deviations] == pytest.approx(halves.tolist())
    assert all(row.length_ratio == pytest.approx(0.5) for row in found.deviations[1:])
    assert all(row.angle_degrees < 1e-6 for row in found.deviations[1:])


def test_it_says_where_it_stops_to_mean_something(recorded: Path) -> None:
    size = 0.05 * math.sqrt(9)
    found = explored(recorded, "training.update.learning_rate=0.025")
    assert found.perturbation_size == pytest.approx(size)
    assert found.stops_at is not None
    before = [row for row in found.deviations if row.step < found.stops_at]
    assert all(row.distance <= size for row in before)
    assert 0 < found.stops_at < 610
    # A smaller change means something for longer.
    near = explored(recorded, "training.update.learning_rate=0.045")
    assert near.stops_at is None or near.stops_at > found.stops_at


@pytest.mark.parametrize(
    "changes",
    [
        ["training.update.clamp=1.1"],
        ["training.update.compensate=true"],
        ["training.update.float_copy=false"],
        ["training.update.rule=adam", "training.update.clamp=1.1"],
    ],
)
def test_what_an_update_does_beside_its_rule(recorded: Path, changes: list[str]) -> None:
    assert explored(recorded, *changes).deviations[-1].distance > 0


def test_another_rounding(train) -> None:
    parameters = {"resolution": 0.05}
    chip = {
        "driver": "emulated",
        "network": {"layers": [2, 2, 1], "activation": "sigmoid", "output_activation": "sigmoid"},
        "limits": {"parameters": parameters},
    }
    path = train(chip=chip, training={"update": {"learning_rate": 0.02, "float_copy": False}})
    found = explored(path, "training.update.rounding=stochastic")
    assert found.deviations[-1].distance > 0
    assert explored(path, "training.update.float_copy=false").deviations[-1].distance == 0


def test_rules_and_averaging(recorded: Path) -> None:
    adam = explored(recorded, "training.update.rule=adam", "training.update.learning_rate=0.001")
    assert adam.changes == {"training.update.rule": "adam", "training.update.learning_rate": 0.001}
    angles = [row.angle_degrees for row in adam.deviations[1:]]
    assert 1.0 < np.mean(angles) < 90.0
    # Fewer updates of larger windows: at their ends the same way has been gone.
    averaged = explored(recorded, "training.time_constants.tau_theta=5")
    assert [row.distance for row in averaged.deviations] == pytest.approx(
        [0.0] * len(averaged.deviations), abs=1e-12
    )
    with_mean = explored(
        recorded, "training.time_constants.tau_theta=5", "training.update.scale=mean"
    )
    assert with_mean.deviations[-1].length_ratio == pytest.approx(0.2)


def test_a_recorded_rule_leaves_no_numbers_behind(train) -> None:
    schedule = {"kind": "cosine", "steps": 500}
    update = {"rule": "momentum", "momentum": 0.5, "learning_rate": 0.02, "schedule": schedule}
    path = train(training={"update": update})
    explored(path, "training.update.rule=sgd", "training.update.schedule.kind=constant")


def test_the_filters_of_the_analog_algorithm(train) -> None:
    times = {"tau_p": 1, "tau_x": 50, "tau_theta": 2, "tau_hp": 10}
    path = train(training={"algorithm": "analog", "time_constants": times})
    same = explored(path, "training.time_constants.tau_hp=10")
    assert same.deviations[-1].distance == 0.0
    other = explored(path, "training.time_constants.tau_hp=5")
    assert other.deviations[-1].distance > 0.0


def test_the_limits_end_it(train) -> None:
    limits = {"parameters": {"low": -3.0, "high": 3.0}}
    chip = {"driver": "emulated", "network": {"layers": [2, 2, 1]}, "limits": limits}
    path = train(chip=chip, training={"update": {"learning_rate": 0.05}})
    found = explored(path, "training.update.learning_rate=5.0")
    assert "must stay within [-3, 3]" in found.refused
    assert len(found.deviations) < 26


@pytest.mark.parametrize(
    "change",
    [
        "seed=4",
        "training.perturbation.amplitude=0.1",
        "training.time_constants.tau_p=2",
        "training.time_constants={tau_theta: 2}",
        "training.samples.order=cyclic",
        "training.batch=2",
        "training.baseline=paired",
        "training.initial.low=0",
        "chip.rung=cost",
        "task.cost=mse",
    ],
)
def test_what_decided_what_was_measured_is_refused(recorded: Path, change: str) -> None:
    with pytest.raises(ConfigurationError, match="decided what was measured"):
        replay_run(recorded, [change])


def test_what_moves_no_parameter_is_refused(recorded: Path) -> None:
    with pytest.raises(ConfigurationError, match="moves no parameter"):
        replay_run(recorded, {"stop.steps": 5})


def test_values_are_checked(recorded: Path) -> None:
    with pytest.raises(ExperimentFileError, match=r"training\.update\.learning_rate"):
        replay_run(recorded, ["training.update.learning_rate=fast"])


def test_rows_are_bounded(train) -> None:
    path = train(logging={"parameters_every_updates": 1})
    found = explored(path, "training.update.learning_rate=0.4")
    assert 200 < len(found.deviations) <= 512
