"""A cost that is no number, or one too many, is never used; an interruption keeps whole steps."""

import math
import threading

import numpy as np
import pytest

from mgd_lab.codes import sample_order
from mgd_lab.errors import LimitError, MeasurementError
from mgd_lab.records import Checkpoint, StepBlock

ALL = ("registers", "outputs", "cost", "samples", "dense", "signs")
RUNGS = {
    "forward": ("outputs",),
    "cost": ("cost",),
    "dense": ("samples", "dense"),
    "signs": ("samples", "signs"),
}
EVALUATED = 4


def _value_at(probe, value):
    """Spoils one probe of the training; the evaluation at step 0 comes before it."""

    def spoil(before, costs):
        place = EVALUATED + probe - before
        if 0 <= place < len(costs):
            costs[place] = value
        return costs

    return spoil


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("block", [1, 7, None])
@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("probe", [22, 27])
def test_a_cost_that_is_no_number_stops_the_run(train, double, value, block, rung, probe):
    """τ_θ = 4, measured: 5 probes a window, the first without perturbation, then τ_x = 4 steps."""
    changes = {
        "chip": {"rung": rung, "max_block_probes": block},
        "training": {
            "time_constants": {"tau_x": 4, "tau_theta": 4},
            "update": {"rule": "momentum"},
        },
    }
    chip = double(*RUNGS[rung], spoil=_value_at(probe, value))
    trained = train(on=chip, catch=MeasurementError, **changes)
    window, place = divmod(probe, 5)
    good = train(**{**changes, "stop": {"steps": 4 * window}})
    message = str(trained.error)
    if rung == "forward":
        # The chip returned an output: what it costs is infinite or no number as well.
        value = math.inf if math.isinf(value) else value
    step = 4 * window + max(0, place - 1)
    sample = sample_order("shuffled", 3, 4, window, 1)[0]
    for part in (
        "'double'",
        f"a cost of {value}",
        f"at step {step} ",
        f"sample {sample}",
        f"code {step}",
        f"sign {1 if place else 0:+d}",
        "nothing was updated with it",
    ):
        assert part in message
    np.testing.assert_array_equal(trained.state.theta, good.state.theta)
    np.testing.assert_array_equal(trained.state.sent, good.state.sent)
    np.testing.assert_array_equal(trained.state.rule["velocity"], good.state.rule["velocity"])
    assert trained.state.updates == window
    assert np.isfinite(trained.column("costs")).all()
    assert np.isfinite(trained.state.total).all()
    assert trained.final.final == "failed"
    # Whole steps of earlier blocks count; the one with the bad cost does not.
    assert 4 * window <= trained.final.counters.steps <= step
    assert trained.events == ["error"]
    np.testing.assert_array_equal(chip.inner.read_parameters(), chip.description.safe)


def test_an_analog_run_stops_alike(train, double):
    changes = {
        "training": {
            "algorithm": "analog",
            "time_constants": {"tau_x": 4, "tau_theta": 3, "tau_hp": 1},
        }
    }
    chip = double(*RUNGS["signs"], spoil=_value_at(21, math.nan))
    trained = train(on=chip, catch=MeasurementError, **changes)
    good = train(**{**changes, "stop": {"steps": 21}})
    assert "at step 21 " in str(trained.error)
    np.testing.assert_array_equal(trained.state.theta, good.state.theta)
    np.testing.assert_array_equal(trained.state.filters.gradient, good.state.filters.gradient)
    assert trained.final.counters == good.final.counters.__class__(
        steps=21, probes=21, evaluation_probes=4, samples=24 // 4, updates=21
    )


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda costs: costs[:-1],
        lambda costs: np.concatenate([costs, costs[:1]]),
        lambda costs: costs[:1],
    ],
    ids=["one too few", "one too many", "only one"],
)
def test_the_wrong_number_of_costs(train, double, rung, batch, spoil):
    def after_a_while(before, costs):
        wrong = before > 20 and len(spoil(costs)) != len(costs)
        return spoil(costs) if wrong else costs

    if batch == 1 and rung in ("forward", "cost") and len(spoil(np.zeros(1))) == 1:
        pytest.skip("a chip with one register is asked for one cost at a time")
    chip = double(*RUNGS[rung], spoil=after_a_while)
    changes = {
        "chip": {"rung": rung},
        "training": {"batch": batch},
        "evaluate": {"every_steps": 99},
    }
    trained = train(on=chip, catch=MeasurementError, **changes)
    assert trained.error is not None
    assert "'double' returned" in str(trained.error)
    good = train(**{**changes, "stop": {"steps": max(1, trained.state.steps)}})
    assert trained.state.updates == trained.state.steps > 0
    np.testing.assert_array_equal(trained.state.theta, good.state.theta)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("fault", ["nan", "few"])
def test_evaluations_are_judged_too(train, double, rung, fault):
    def spoil(before, costs):
        if fault == "few":
            return costs[:-1]
        costs[2] = math.nan
        return costs

    chip = double(*RUNGS[rung], spoil=spoil)
    trained = train(on=chip, chip={"rung": rung}, catch=MeasurementError)
    assert "'double' returned" in str(trained.error)
    if fault == "nan":
        assert "sample 2 of the train split" in str(trained.error)
    assert trained.of(StepBlock) == []
    assert trained.evaluations == []


def test_blocks_are_as_large_as_permitted(train, double):
    for largest in (1, 2, 3, 7, 40, 41):
        chip = double(*RUNGS["signs"])
        train(
            on=chip,
            chip={"max_block_probes": largest},
            training={"time_constants": {"tau_theta": 20}},
            stop={"steps": 20},
            evaluate={"every_steps": 1000},
        )
        evaluations = -(-EVALUATED // largest)
        blocks = chip.blocks[evaluations:-evaluations]
        assert sum(blocks) == 40
        assert set(blocks[:-1]) <= {largest}
        assert 0 < blocks[-1] <= largest


class _InterruptAt:
    """Sets the event while the probe with this number is measured."""

    def __init__(self, event: threading.Event, probe: int) -> None:
        self.event = event
        self.probe = probe

    def __call__(self, before, costs):
        if before <= EVALUATED + self.probe < before + len(costs):
            self.event.set()
        return costs


@pytest.mark.parametrize("baseline", ["measured", "paired"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("block", [1, 2, 5, 7, 64])
@pytest.mark.parametrize("probe", [0, 1, 17, 100])
def test_an_interruption_inside_a_window(train, double, baseline, batch, block, probe):
    event = threading.Event()
    changes = {
        "training": {
            "baseline": baseline,
            "batch": batch,
            "time_constants": {"tau_x": 3, "tau_theta": 200},
        },
        "chip": {"max_block_probes": block},
    }
    chip = double(*RUNGS["signs"], spoil=_InterruptAt(event, probe))
    trained = train(on=chip, interrupt=event, **changes, stop={"steps": 600})
    assert trained.outcome.status == "interrupted"
    counters = trained.outcome.counters
    # Nothing is asked of the chip after the block that was under way.
    assert chip.probes - EVALUATED == counters.probes + counters.remeasured_probes
    assert chip.probes - EVALUATED - probe <= max(block, EVALUATED)
    assert counters.updates == 0
    assert counters.evaluation_probes == EVALUATED
    assert counters.samples == -(-counters.steps // 3) * batch
    largest_step = 2 * batch
    assert counters.remeasured_probes < largest_step
    assert trained.final.final == "interrupted"
    assert trained.final.counters == counters
    assert trained.events == ["interrupted"]
    if counters.steps == 0:
        assert trained.of(StepBlock) == []
        return
    whole = train(**changes, stop={"steps": 200})
    assert len(trained.column("costs")) == counters.steps
    for column in ("costs", "baselines", "samples"):
        expected = whole.column(column)[: counters.steps]
        np.testing.assert_array_equal(trained.column(column), expected)
    # The sum that the window has come to is kept for going on.
    part = train(**changes, stop={"steps": counters.steps})
    np.testing.assert_array_equal(trained.state.total, part.state.total)
    np.testing.assert_array_equal(trained.final.state["total"], part.state.total)
    baselines = trained.final.state["baseline"], part.final.state["baseline"]
    np.testing.assert_array_equal(*baselines)


def test_an_interruption_before_anything(train, double):
    event = threading.Event()
    event.set()
    chip = double(*RUNGS["signs"])
    trained = train(on=chip, interrupt=event)
    assert trained.outcome.status == "interrupted"
    assert trained.outcome.counters.steps == 0
    assert chip.probes <= EVALUATED


def test_an_interruption_during_an_evaluation(train, double):
    """A large test set on a slow chip must not hold up a Ctrl-C."""
    event = threading.Event()
    chip = double("outputs", spoil=_InterruptAt(event, -3))
    trained = train(on=chip, interrupt=event, chip={"max_block_probes": 1})
    assert trained.outcome.status == "interrupted"
    assert chip.probes <= 2


@pytest.mark.parametrize("algorithm", ["discrete", "analog"])
def test_an_update_that_leaves_the_limits_is_not_made(train, algorithm):
    times = {"tau_x": 4, "tau_hp": 1.0} if algorithm == "analog" else {}
    trained = train(
        chip={"limits": {"parameters": {"low": -1.5, "high": 1.5}}},
        training={
            "algorithm": algorithm,
            "time_constants": times,
            "update": {"rule": "momentum", "learning_rate": 5.0},
        },
        stop={"steps": 5000},
        catch=LimitError,
    )
    assert "learning rate" in str(trained.error)
    assert trained.events == ["error"]
    assert trained.final.final == "failed"
    assert trained.state.updates == trained.state.steps - 1
    np.testing.assert_array_equal(trained.state.theta, trained.theta[-1])
    assert (np.abs(trained.theta) <= 1.45 + 1e-9).all()


def test_divergence_is_refused_without_a_warning(train):
    trained = train(
        training={"update": {"learning_rate": 1e308, "rule": "momentum"}}, catch=LimitError
    )
    assert "chip" in str(trained.error)


def test_projections_are_counted_and_told(train):
    trained = train(
        chip={"limits": {"parameters": {"low": -1.5, "high": 1.5}, "on_update": "project"}},
        training={"update": {"learning_rate": 5.0}},
        stop={"steps": 2000},
    )
    assert trained.outcome.status == "finished"
    told = [event for event in trained.records if getattr(event, "kind", "") == "projected"]
    assert sum(event.details["count"] for event in told) == trained.state.projected > 0
    assert (np.abs(trained.theta) <= 1.45 + 1e-9).all()


def test_an_error_in_the_chip_ends_the_log_properly(train, double):
    def broken(before, costs):
        if before > 20:
            raise RuntimeError("lamp out")
        return costs

    trained = train(on=double(*RUNGS["signs"], spoil=broken), catch=RuntimeError)
    assert trained.events == ["error"]
    assert isinstance(trained.records[-1], Checkpoint)
    assert trained.final.final == "failed"


def test_a_second_control_c_in_the_middle_of_a_block(train, double):
    def impatient(before, costs):
        if before > 20:
            raise KeyboardInterrupt
        return costs

    trained = train(on=double(*RUNGS["signs"], spoil=impatient), catch=KeyboardInterrupt)
    assert trained.final.final == "interrupted"
