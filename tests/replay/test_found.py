"""What was changed in a log is found, and where."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mgd_lab.replay import Difference, ReplayReport, replay_run

STEP = 333
BEFORE, AFTER = 325, 350  # the snapshots around it

NIST = {
    "chip": {
        "driver": "emulated",
        "network": {"layers": [49, 4, 4], "activation": "sigmoid", "output_activation": "sigmoid"},
    },
    "task": {"dataset": "nist7x7"},
    "stop": {"steps": 400},
}


@pytest.fixture(scope="session")
def recorded(train) -> Path:
    return train()


@pytest.fixture
def copy(recorded: Path, tmp_path: Path) -> Callable[[], Path]:
    return lambda: Path(shutil.copytree(recorded, tmp_path / "run"))


def first(report: ReplayReport) -> Difference:
    assert not report.reproduced
    assert report.first_difference is not None
    return report.first_difference


def test_one_cost_changed_by_its_last_bit(copy, forge) -> None:
    path = copy()
    forge(path).change_step(STEP, "costs", forge.flip_last_bit, crc="forgotten")
    report = replay_run(path)
    found = first(report)
    assert found.what == "parameters"
    assert (found.first_step, found.last_step) == (BEFORE, AFTER - 1)
    assert "of 9 parameters differ" in found.message
    # Those before it agree: at 0, 25, … 325.
    assert report.agreeing == 1 + BEFORE // 25
    assert not report.state_agrees


@pytest.mark.parametrize("column", ["costs", "baselines"])
@pytest.mark.parametrize("rule", ["sgd", "momentum"])
def test_the_step_itself_is_named(train, forge, column: str, rule: str) -> None:
    # With many parameters no two perturbations are alike.
    path = train(**NIST, training={"update": {"rule": rule, "learning_rate": 0.005}})
    forge(path).change_step(STEP, column, lambda cost: cost + 1e-6, crc="forgotten")
    (suspect,) = first(replay_run(path)).suspects
    assert suspect.step == STEP
    expected = -1e-6 if column == "costs" else 1e-6
    assert suspect.change == pytest.approx(expected, rel=1e-3)


def test_steps_with_the_same_perturbation_are_all_named(copy, forge) -> None:
    path = copy()
    forge(path).change_step(STEP, "costs", lambda cost: cost + 0.01, crc="forgotten")
    named = [suspect.step for suspect in first(replay_run(path)).suspects]
    assert STEP in named
    assert all(BEFORE <= step < AFTER for step in named)


def test_a_checksum_names_the_block(copy, forge) -> None:
    path = copy()
    log = forge(path)
    log.change_step(STEP, "costs", forge.flip_last_bit)
    report = replay_run(path)
    begins, count = log.block_of(STEP)
    (damage,) = [found for found in report.differences if found.what == "damage"]
    assert (damage.first_step, damage.last_step) == (begins, begins + count - 1)
    # The replay goes on through it, and knows better.
    assert report.differences[0].what == ("parameters" if begins + count > AFTER else "damage")
    assert "parameters" in {found.what for found in report.differences}


def test_a_forged_checksum_hides_nothing(copy, forge) -> None:
    path = copy()
    forge(path).change_step(STEP, "costs", lambda cost: cost * 1.5, crc="forged")
    assert {found.what for found in replay_run(path).differences} == {"parameters", "state"}


def test_a_changed_sample(copy, forge) -> None:
    path = copy()
    forge(path).change_step(STEP, "samples", lambda sample: 3 - sample, crc="forgotten")
    report = replay_run(path)
    found = first(report)
    assert (found.what, found.first_step, found.last_step) == ("samples", STEP, STEP)
    # Samples do not enter the estimate.
    assert report.agreeing == report.snapshots
    assert report.state_agrees


def test_a_baseline_that_was_not_in_force(train, forge) -> None:
    path = train(training={"time_constants": {"tau_theta": 50, "tau_x": 20}})
    forge(path).change_step(STEP, "baselines", forge.flip_last_bit, crc="forged")
    found = first(replay_run(path))
    assert (found.what, found.first_step, found.last_step) == ("baselines", STEP - 1, STEP)


@pytest.mark.parametrize(("column", "what"), [("costs", "costs"), ("baselines", "baselines")])
def test_no_number(copy, forge, column: str, what: str) -> None:
    path = copy()
    forge(path).change_step(STEP, column, lambda _: float("nan"), crc="forged")
    found = first(replay_run(path))
    assert (found.what, found.first_step, found.last_step) == (what, STEP, STEP)


def test_a_changed_snapshot(copy, forge) -> None:
    path = copy()
    forge(path).change_snapshot(4, 2, forge.flip_last_bit)
    report = replay_run(path)
    (found,) = report.differences
    assert (found.what, found.first_step, found.last_step) == ("parameters", 100, 100)
    assert "it is the snapshot that was changed" in found.message
    assert "1 of 9 parameters differ, most weights" in found.message
    assert report.agreeing == report.snapshots - 1


def test_a_changed_start(copy, forge) -> None:
    path = copy()
    forge(path).change_snapshot(0, 2, lambda theta: theta + 0.1)
    found = first(replay_run(path))
    assert (found.what, found.first_step) == ("initial", 0)


def test_a_damaged_snapshot(copy, forge) -> None:
    path = copy()
    forge(path).execute("UPDATE parameter_blocks SET theta = zeroblob(length(theta))")
    report = replay_run(path)
    assert "snapshots cannot be read any further" in first(report).message
    assert report.agreeing == 0


def test_snapshots_that_were_taken_away(copy, forge) -> None:
    path = copy()
    forge(path).execute("DELETE FROM parameter_blocks")
    report = replay_run(path)
    assert not report.reproduced
    assert "0 snapshots of the parameters are in the log" in first(report).message


@pytest.mark.parametrize("name", ["theta", "total", "baseline", "projected"])
def test_a_changed_state(copy, forge, name: str) -> None:
    path = copy()
    forge(path).change_state(name, lambda values: values + 1)
    found = first(replay_run(path))
    assert found.what == "state"
    assert found.message.endswith(f"not reproduced: {name}")


def test_the_memory_of_the_rule(train, forge) -> None:
    path = train(training={"update": {"rule": "adam", "learning_rate": 0.01}})
    forge(path).change_state("rule.square", lambda values: values * 2)
    assert first(replay_run(path)).message.endswith("not reproduced: rule.square")


def test_missing_steps(copy, forge) -> None:
    path = copy()
    log = forge(path)
    begins, count = log.block_of(STEP)
    assert begins + count < 610
    log.execute(f"DELETE FROM step_blocks WHERE first_step = {begins}")
    found = first(replay_run(path))
    assert (found.what, found.first_step, found.last_step) == ("steps", begins, begins + count - 1)
    assert "are missing" in found.message


def test_a_log_cut_short(copy, forge) -> None:
    path = copy()
    forge(path).execute(
        "DELETE FROM step_blocks WHERE first_step = (SELECT max(first_step) FROM step_blocks)"
    )
    found = first(replay_run(path))
    assert found.what == "steps"
    assert found.last_step == 609


def test_another_learning_rate_than_the_one_told(copy) -> None:
    path = copy()
    resolved = path / "resolved.json"
    resolved.write_text(
        resolved.read_text().replace('"learning_rate": 0.5', '"learning_rate": 0.25')
    )
    found = first(replay_run(path))
    assert (found.what, found.first_step, found.last_step) == ("parameters", 0, 24)


def test_surroundings_are_told_where_something_differs(copy, forge) -> None:
    path = copy()
    environment = path / "environment.json"
    environment.write_text(environment.read_text().replace('"numpy": "', '"numpy": "9.'))
    assert replay_run(path).surroundings == ()
    forge(path).change_step(STEP, "costs", lambda cost: cost * 1.5, crc="forged")
    (told,) = replay_run(path).surroundings
    assert told.startswith("the run had NumPy 9.")


def test_an_update_that_the_limits_refuse(train, forge) -> None:
    limits = {"parameters": {"low": -30.0, "high": 30.0}}
    chip: dict[str, Any] = {
        "driver": "emulated",
        "network": {"layers": [2, 2, 1]},
        "limits": limits,
    }
    path = train(chip=chip)
    forge(path).change_step(STEP, "costs", lambda cost: cost + 100.0, crc="forged")
    found = first(replay_run(path))
    assert (found.what, found.first_step, found.last_step) == ("update", BEFORE, STEP)
    assert "is refused" in found.message
