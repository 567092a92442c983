"""Costs that are no measurement are refused before anything is updated with them."""

import math

import numpy as np
import pytest

from mgd_lab.bench.watching import Attendance
from mgd_lab.controller import CostGuard, PauseControl, check_overflow
from mgd_lab.errors import GuardError, MeasurementError
from mgd_lab.experiment import CostBounds
from mgd_lab.records import Event, StepBlock

EVALUATED = 4
LONG = {"time_constants": {"tau_x": 4, "tau_theta": 16}}


def _places(costs, length, bounds):
    """Where a guard trips that is shown the costs in pieces."""
    guard = CostGuard(bounds)
    for start in range(0, len(costs), length):
        trip = guard.look(costs[start : start + length])
        if trip is not None:
            return start + trip.place, trip.kind
    return None


@pytest.mark.parametrize("length", [1, 2, 5, 16, 17, 40, 400])
@pytest.mark.parametrize(
    ("value", "bounds", "kind"),
    [
        (math.nan, {}, "number"),
        (math.inf, {}, "number"),
        (-math.inf, {}, "number"),
        (9.9e37, {}, "number"),
        (9.91e37, {}, "number"),
        (-9.9e37, {}, "number"),
        (1e300, {}, "number"),
        (1.5, {"high": 1.0}, "range"),
        (-0.1, {"low": 0.0}, "range"),
        (9.9e37, {"low": 0.0, "high": 1.0}, "number"),
        (0.25, {"rails": (0.25, 4.0)}, "rail"),
    ],
)
def test_the_first_bad_cost_is_found_however_blocks_are_cut(length, value, bounds, kind):
    costs = np.random.default_rng(0).uniform(0.3, 0.9, 400)
    guard = CostBounds(stuck_probes=2, **bounds)
    assert _places(costs, length, guard) is None
    for place in (0, 1, 39, 399):
        spoilt = costs.copy()
        spoilt[place] = value
        spoilt[place + 7 :] = math.nan
        assert _places(spoilt, length, guard) == (place, kind)


@pytest.mark.parametrize("value", [9.89e37, -9.89e37, 0.0, 5e-324])
def test_what_is_large_or_small_is_still_a_cost(value):
    assert CostGuard(CostBounds()).look(np.array([value])) is None
    assert CostGuard(CostBounds()).judge(np.full(40, value)) is None


@pytest.mark.parametrize("edge", [0.25, 0.75])
def test_edges_are_inside(edge):
    assert CostGuard(CostBounds(low=0.25, high=0.75)).look(np.array([edge])) is None


def test_stuck_costs_are_counted_across_blocks():
    rng = np.random.default_rng(5)
    for _ in range(300):
        most = int(rng.integers(2, 60))
        lengths = rng.integers(1, int(rng.integers(2, 70)), 200)
        costs = np.repeat(rng.integers(0, 3, 200), lengths).astype(np.float64)[:600]
        run, before, expected = 0, math.nan, None
        for place, cost in enumerate(costs):
            run, before = (run + 1 if cost == before else 1), cost
            if run == most:
                expected = (place, "stuck")
                break
        for length in (1, 3, 16, 17, 50, 600):
            assert _places(costs, length, CostBounds(stuck_probes=most)) == expected


def test_after_a_trip_neighbours_are_counted_anew():
    guard = CostGuard(CostBounds(stuck_probes=5, high=1.0))
    for _ in range(2):
        assert guard.look(np.full(4, 0.5)) is None
        assert guard.look(np.full(4, 0.5)).place == 0
    assert guard.look(np.array([0.5, 0.5, 2.0])).kind == "range"
    assert guard.look(np.full(4, 0.5)) is None


def test_evaluations_may_repeat_a_cost():
    guard = CostGuard(CostBounds(stuck_probes=3))
    for _ in range(5):
        assert guard.judge(np.full(20, 0.5)) is None
    assert guard.look(np.full(2, 0.5)) is None


def test_any_number_of_equal_costs_where_nobody_counts():
    guard = CostGuard(CostBounds(stuck_probes=None))
    assert guard.look(np.full(50_000, 0.1)) is None
    assert guard.look(np.full(16, 0.1)) is None


@pytest.mark.parametrize("size", [1, 60])
def test_outputs_that_tell_an_overflow(size):
    outputs = np.zeros((size, 2))
    check_overflow(outputs, "outputs", "chip")
    outputs[-1, 1] = -9.9e37
    with pytest.raises(
        MeasurementError, match=rf"'chip' returned outputs of -9.9e\+37 at \[{size - 1}, 1\]"
    ):
        check_overflow(outputs, "outputs", "chip")


@pytest.mark.parametrize("kind", ["training", "evaluation"])
def test_softmax_does_not_hide_an_overflow(train, double, kind):
    """The cross-entropy of outputs that are all 9.9e37 would be a fine log 4."""
    chip = double("outputs", layers=(49, 4, 4))
    honest = chip.inner.outputs

    def outputs(parameters, inputs):
        found = honest(parameters, inputs)
        if chip.probes >= (EVALUATED if kind == "training" else 0):
            found[...] = 9.9e37
        return found

    chip.inner.outputs = outputs
    run = train(
        on=chip,
        chip={"rung": "forward"},
        task={"dataset": "nist7x7", "cost": "cross_entropy"},
        evaluate={"samples": EVALUATED},
        catch=MeasurementError,
    )
    assert "tell an overflow" in str(run.error)
    assert run.evaluations == ([(0, 0)] if kind == "training" else [])
    assert run.of(StepBlock) == []


def _at(probe, value):
    """Spoils one training probe, the first time that it is measured."""
    spoilt = []

    def spoil(before, costs):
        place = EVALUATED + probe - before
        if 0 <= place < len(costs) and not spoilt:
            spoilt.append(place)
            costs[place] = value
        return costs

    return spoil


@pytest.mark.parametrize("block", [1, 7, None])
@pytest.mark.parametrize(
    ("value", "guard", "words"),
    [
        (9.9e37, {}, "tell an overflow"),
        (7.0, {"high": 5.0}, r"outside guards.cost, \[ … 5\]"),
        (0.75, {"rails": [0.75]}, "guards.cost.rails"),
    ],
)
def test_a_cost_that_is_out_of_bounds_stops_the_run(train, double, value, guard, words, block):
    """τ_x = 4, τ_θ = 16: 20 probes a window; probe 47 belongs to the third."""
    changes = {"training": LONG, "chip": {"max_block_probes": block}}
    chip = double("samples", "signs", spoil=_at(47, value))
    stopped = train(
        on=chip, guards={"cost": guard}, catch=(GuardError, MeasurementError), **changes
    )
    good = train(**{**changes, "stop": {"steps": 32}})
    assert stopped.error is not None
    assert stopped.error.exit_code == 3
    for part in ("'double' returned a cost of", "at step 37 ", "nothing was updated with it"):
        assert part in str(stopped.error)
    with pytest.raises(type(stopped.error), match=words):
        raise stopped.error
    np.testing.assert_array_equal(stopped.state.theta, good.state.theta)
    assert stopped.state.updates == 2
    assert stopped.final.final == "failed"
    assert value not in stopped.column("costs")
    assert value not in stopped.column("baselines")
    assert len(stopped.column("costs")) == stopped.state.steps <= 37


@pytest.mark.parametrize("block", [1, 7, None])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("value", [math.nan, 9.91e37, 7.0])
@pytest.mark.parametrize("algorithm", ["discrete", "analog"])
def test_a_pause_measures_the_block_again(train, double, algorithm, value, batch, block):
    """The parameters are those of a run in which every cost was good."""
    training = {**LONG, "algorithm": algorithm, "batch": batch}
    if algorithm == "analog":
        training["time_constants"] = {"tau_x": 4, "tau_theta": 3, "tau_hp": 1}
    changes = {"training": training, "chip": {"max_block_probes": block}, "stop": {"steps": 60}}
    control = PauseControl()
    reasons = []

    def observe(progress):
        if progress.paused:
            reasons.append(progress.paused)
            control.resume()

    chip = double("samples", "signs", spoil=_at(47, value))
    paused = train(
        on=chip,
        guards={"cost": {"high": 5.0, "action": "pause"}},
        attendance=Attendance(control),
        observe=observe,
        **changes,
    )
    good = train(**changes)
    assert len(reasons) == 1
    assert "returned a cost of" in reasons[0]
    np.testing.assert_array_equal(paused.theta, good.theta)
    np.testing.assert_array_equal(paused.column("costs"), good.column("costs"))
    np.testing.assert_array_equal(paused.column("baselines"), good.column("baselines"))
    assert [e for e in paused.events if e != "baseline_again"] == ["paused", "continued"]
    told = paused.of(Event)[0]
    assert told.details["guard"] == "cost"
    assert told.message == reasons[0]
    counters = paused.outcome.counters
    evaluations = EVALUATED * len(paused.evaluations)
    assert counters.remeasured_probes > 0
    assert chip.probes == counters.probes + counters.remeasured_probes + evaluations
    assert counters.probes == good.outcome.counters.probes


@pytest.mark.parametrize("closing", [False, True])
def test_an_evaluation_that_is_paused_is_made_again(train, double, closing):
    before = 60 if closing else 0
    spoilt = []

    def spoil(probes, costs):
        if probes >= before and len(costs) == EVALUATED and not spoilt:
            spoilt.append(probes)
            costs[2] = math.nan
        return costs

    control = PauseControl()
    changes = {"stop": {"steps": 50}, "evaluate": {"every_steps": 1000}}
    paused = train(
        on=double("samples", "signs", spoil=spoil),
        guards={"cost": {"action": "pause"}},
        attendance=Attendance(control),
        observe=lambda progress: progress.paused and control.resume(),
        **changes,
    )
    good = train(**changes)
    assert len(spoilt) == 1
    assert paused.evaluations == good.evaluations == [(0, 0), (50, 50)]
    assert "sample 2 of the train split" in paused.of(Event)[0].message
    assert paused.outcome.counters.remeasured_probes == EVALUATED
    assert paused.outcome.cost == good.outcome.cost


@pytest.mark.parametrize("block", [1, 2, 7, 64])
@pytest.mark.parametrize("frozen_from", [0, 33, 400])
def test_a_chip_that_freezes(train, double, frozen_from, block):
    last = []

    def freeze(before, costs):
        for place in range(len(costs)):
            if before + place >= EVALUATED + frozen_from:
                last.append(costs[place])
                costs[place] = last[0]
        return costs

    most = 40
    run = train(
        on=double("samples", "signs", spoil=freeze),
        chip={"max_block_probes": block},
        training=LONG,
        evaluate={"every_steps": 10_000},
        stop={"steps": 2000},
        guards={"cost": {"stuck_probes": most}},
        catch=GuardError,
    )
    assert "guards.cost.stuck_probes: 40" in str(run.error)
    # The 40th of the equal costs, and all of its block, was not used.
    assert frozen_from + most - 1 - 64 - 20 < run.state.probes < frozen_from + most
    step = int(str(run.error).split("at step ")[1].split(" ")[0])
    assert step == (frozen_from + most - 1) // 5 * 4 + max(0, (frozen_from + most - 1) % 5 - 1)


def test_defaults_let_a_chip_repeat_itself_for_long(train, double):
    def constant(before, costs):
        return np.full_like(costs, 0.25)

    chip = double("samples", "signs", spoil=constant)
    assert train(on=chip, stop={"probes": 9998, "steps": None}).error is None
    again = train(
        on=double("samples", "signs", spoil=constant),
        stop={"probes": 10_100, "steps": None},
        evaluate={"every_steps": 10_000},
        catch=GuardError,
    )
    assert "10000" in str(again.error)
