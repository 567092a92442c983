"""Limits from the command line: what would break them is refused with exit 4, and says why."""

import pytest

from mgd_lab import open_run
from mgd_lab.cli.quantities import number


def _chip(desk, *, rung="forward", parameters="", more=""):
    desk.write(
        "chip.yaml",
        f"driver: emulated\nname: tiny chip\nrung: {rung}\nnetwork:\n  layers: [2, 2, 1]\n"
        f"limits:\n  parameters: {{{parameters}}}\n{more}",
    )


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    ("rung", "parameters", "parts"),
    [
        ("signs", "slew_per_second: 2.0", ("weights1[0]", "2 a second", "rung: forward")),
        ("generated", "slew_per_second: 2.0", ("weights1[0]", "rung generated", "probe_seconds")),
        ("forward", "writes_budget: 100", ("100 times", "writes_budget", "stop.steps")),
        ("signs", "writes_budget: 100", ("100 times", "writes_budget", "tau_theta")),
        ("signs", "low: -0.04, high: 0.04", ("weights1[0]", "amplitude 0.05", "[-0.04, 0.04]")),
        ("signs", "low: -0.5, high: 0.5", ("would become", "[-0.5, 0.5]", "initial range")),
    ],
)
def test_plans_that_would_leave_the_limits(desk, command, rung, parameters, parts):
    _chip(desk, rung=rung, parameters=parameters)
    ended = desk.call(command, "tiny.yaml")
    assert ended.code == 4
    for part in ("'tiny chip'", *parts):
        assert part in ended.err
    assert "Traceback" not in ended.err
    assert not (desk.folder / "runs").exists()


@pytest.mark.parametrize("command", ["run", "check"])
def test_inputs_beyond_their_range(desk, command):
    _chip(desk, more="  inputs: {low: 0.0, high: 0.5}\n")
    ended = desk.call(command, "tiny.yaml")
    assert ended.code == 4
    assert "[0, 0.5]" in ended.err


def test_a_budget_needs_an_end(desk):
    _chip(desk, parameters="writes_budget: 100")
    ended = desk.call("run", "tiny.yaml", "--set", "stop={seconds: 1000}")
    assert ended.code == 4
    assert "stop.steps" in ended.err


def test_check_tells_writes_and_budget(desk):
    _chip(desk, parameters="writes_budget: 5000")
    ended = desk.call("check", "tiny.yaml", "--json")
    assert ended.code == 0
    assert ended.last["writes_budget"] == 5000
    assert ended.last["parameter_writes"] < 500
    most = number(ended.last["parameter_writes"])
    assert f"at most {most}, of a budget of {number(5000)}" in ended.out


def test_an_update_that_would_leave_the_limits(desk):
    _chip(desk, rung="signs", parameters="low: -1.1, high: 1.1")
    ended = desk.call("run", "tiny.yaml", "--json", "--set", "training.update.learning_rate=50.0")
    assert ended.code == 4
    assert ended.last["status"] == "refused"
    assert "on_update" in ended.err
    with open_run(desk.run) as run:
        assert run.parameters().theta.min() >= -1.05
        assert run.parameters().theta.max() <= 1.05


def test_an_update_that_is_projected_is_shown(desk):
    _chip(desk, rung="signs", parameters="low: -1.1, high: 1.1", more="  on_update: project\n")
    ended = desk.call("run", "tiny.yaml", "--json", "--set", "training.update.learning_rate=50.0")
    assert ended.code == 0
    shown = desk.call("show", desk.run)
    assert shown.code == 0
    assert "projected: updates moved" in shown.out
    with open_run(desk.run) as run:
        events = run.events()
        counts = [
            details["count"]
            for details, kind in zip(events.details, events.kind, strict=True)
            if kind == "projected"
        ]
    assert sum(counts) > 0


def test_a_budget_that_ramps_use_up_ends_the_run(desk):
    # Without limits of θ, the plan cannot know how long the way to the start is.
    _chip(desk, parameters="slew_per_second: 20.0, writes_budget: 8, safe: 5.0")
    ended = desk.call("run", "tiny.yaml", "--json", "--set", "stop={steps: 1}")
    assert ended.code == 4
    assert ended.last["status"] == "refused"
    assert "is 8, 8 have been spent" in ended.err
    assert "raise limits.parameters.writes_budget" in ended.err
