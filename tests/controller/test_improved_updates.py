"""Norm-compensated steps, limited modulations, and θ that the host does not keep in float64."""

import math

import numpy as np
import pytest

from mgd_lab.controller import ChunkSource
from mgd_lab.records import Event

P = 9
COARSE = {"limits": {"parameters": {"resolution": 0.25}}}


def test_compensation_divides_the_learning_rate(train):
    times = {"tau_p": 2, "tau_theta": 8}
    runs = [
        train(training={"time_constants": times, "update": update}, stop={"steps": 80})
        for update in (
            {"learning_rate": 0.3, "compensate": True},
            {"learning_rate": 0.3 / math.sqrt(1 + (P - 1) / 4)},
        )
    ]
    np.testing.assert_allclose(runs[0].theta, runs[1].theta, rtol=1e-12)


UPDATES = {
    "clamp": ({"clamp": 1.3}, {}),
    "compensate": ({"compensate": True}, {}),
    "no copy": ({"float_copy": False}, COARSE),
    "stochastic": ({"rounding": "stochastic", "learning_rate": 0.1}, COARSE),
    "stochastic, no copy": ({"rounding": "stochastic", "float_copy": False}, COARSE),
}


@pytest.mark.parametrize("name", UPDATES)
@pytest.mark.parametrize("baseline", ["measured", "paired"])
def test_rungs_blocks_and_chunks_change_nothing(train, monkeypatch, name, baseline):
    update, chip = UPDATES[name]
    training = {
        "update": update,
        "baseline": baseline,
        "time_constants": {"tau_p": 2, "tau_x": 3, "tau_theta": 7},
        "batch": 2,
    }
    changes = {"training": training, "stop": {"steps": 300}}
    plain = train(**{**changes, "training": {**training, "update": {}}}, chip=chip)
    reference = train(**changes, chip=chip)
    assert (reference.theta[-1] != plain.theta[-1]).any()
    for rung, block in (("forward", 1), ("signs", 5), ("generated", None), ("dense", 7)):
        other = train(**changes, chip={**chip, "rung": rung, "max_block_probes": block})
        np.testing.assert_array_equal(other.theta, reference.theta)
        np.testing.assert_array_equal(other.column("costs"), reference.column("costs"))
        assert other.state.clamp == reference.state.clamp
    monkeypatch.setattr(ChunkSource, "most_steps", lambda _: 5)
    np.testing.assert_array_equal(train(**changes, chip=chip).theta, reference.theta)


def test_limited_steps_are_counted_and_told(train):
    run = train(training={"update": {"clamp": 1.3}}, stop={"steps": 1000})
    modulations = run.column("costs") - run.column("baselines")
    assert run.state.clamp.limited > 20
    told = [event for event in run.of(Event) if event.kind == "clamped"]
    assert told[-1].details["count"] == run.state.clamp.limited
    assert f"{run.state.clamp.limited} of 1,000 modulations" in told[-1].message
    # The log holds what was measured.
    assert np.abs(modulations).max() > 1.3 * np.abs(modulations).mean()


def test_events_do_not_come_with_every_checkpoint(train):
    run = train(
        training={"update": {"clamp": 1.1}},
        stop={"steps": 1000},
        logging={"checkpoint_every_seconds": 1e-6},
    )
    told = [event.details["count"] for event in run.of(Event) if event.kind == "clamped"]
    assert told[-1] == run.state.clamp.limited
    assert len(told) <= 2 + math.log2(told[-1] / told[0])


def test_the_last_window_that_is_open_is_not_in_the_scale(train):
    run = train(
        training={"update": {"clamp": 2.0}, "time_constants": {"tau_theta": 50}},
        stop={"steps": 220},
    )
    clamp = run.state.clamp
    assert clamp.steps == 200
    modulations = (run.column("costs") - run.column("baselines"))[200:]
    limit = 2.0 * clamp.mean / clamp.weight
    expected = np.abs(np.clip(modulations, -limit, limit))
    assert clamp.total == pytest.approx(expected.sum(), rel=1e-12)


@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_theta_of_the_host_is_what_the_chip_has(train, rounding):
    update = {"float_copy": False, "rounding": rounding}
    run = train(training={"update": update}, chip=COARSE, stop={"steps": 100})
    np.testing.assert_array_equal(run.theta % 0.25, 0.0)
    np.testing.assert_array_equal(run.state.theta, run.state.sent)


def test_small_updates_add_up_only_where_something_keeps_them(train):
    """Steps of θ below half the chip's: nearest rounding without a copy loses each of them."""
    updates = {
        "hard": {"float_copy": False},
        "copy": {},
        "stochastic": {"float_copy": False, "rounding": "stochastic"},
    }
    found = {}
    for name, update in updates.items():
        run = train(
            training={"update": {"learning_rate": 0.05, **update}}, chip=COARSE, stop={"steps": 500}
        )
        found[name] = np.abs(run.theta[-1] - run.theta[0]).max()
        assert name != "hard" or found["hard"] == 0.0
    assert found["copy"] > 0.1
    assert found["stochastic"] >= 0.25


@pytest.mark.parametrize("clamp", [None, 4.0])
def test_glitches_of_the_cost_do_not_throw_theta_away(train, double, clamp):
    """One cost in 97 is wrong by a thousand times what a perturbation changes."""

    def glitch(before: int, costs: np.ndarray) -> np.ndarray:
        costs[(np.arange(before, before + len(costs)) % 97) == 96] += 10.0
        return costs

    update = {"learning_rate": 0.05} if clamp is None else {"learning_rate": 0.05, "clamp": clamp}
    run = train(
        on=double("samples", "dense", spoil=glitch),
        training={"update": update},
        stop={"steps": 2000},
        logging={"parameters_every_updates": 100},
    )
    # Between two snapshots, from the first hundred steps on, which are not limited.
    walked = np.abs(np.diff(run.theta[1:], axis=0)).max()
    assert walked > 15.0 if clamp is None else walked < 3.0
