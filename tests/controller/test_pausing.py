"""A pause holds the chip or makes it safe, and the run goes on in place as if nothing had been."""

import threading

import numpy as np
import pytest

from mgd_lab.bench import chip_drivers
from mgd_lab.bench.watching import Attendance
from mgd_lab.controller import PauseControl
from mgd_lab.errors import ChipError, ConfigurationError, GuardError, StoppedError
from mgd_lab.records import Checkpoint, Event

LONG = {"time_constants": {"tau_x": 5, "tau_theta": 30}}
EVALUATED = 4


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("mgd_lab.controller.intermission._LOOK_SECONDS", 0.0)


class _Resting:
    """Counts, and can refuse."""

    def __init__(self, error=None):
        self.done = []
        self.error = error

    def make_safe(self):
        self.done.append("safe")

    def energise(self, theta):
        self.done.append(theta.copy())
        if self.error is not None:
            raise self.error


def _asking(control, probe):
    """Asks for a pause while this probe of the training is measured."""

    def spoil(before, costs):
        if before <= EVALUATED + probe < before + len(costs):
            control.request("the lamp is changed")
        return costs

    return spoil


@pytest.mark.parametrize("chip_rule", ["hold", "safe"])
@pytest.mark.parametrize("block", [1, 7, None])
@pytest.mark.parametrize("probe", [0, 1, 41, 130])
@pytest.mark.parametrize("algorithm", ["discrete", "analog"])
def test_nothing_depends_on_a_pause(train, double, algorithm, probe, block, chip_rule):
    training = dict(LONG, algorithm=algorithm)
    if algorithm == "analog":
        training["time_constants"] = {"tau_x": 5, "tau_theta": 3, "tau_hp": 1}
    changes = {
        "training": training,
        "chip": {"max_block_probes": block},
        "stop": {"steps": 150},
        "evaluate": {"every_steps": 60},
    }
    control, resting = PauseControl(), _Resting()
    reasons = []

    def observe(progress):
        if progress.paused:
            reasons.append(progress.paused)
            control.resume()

    run = train(
        on=double("samples", "signs", spoil=_asking(control, probe)),
        guards={"pause": {"chip": chip_rule}},
        attendance=Attendance(control, resting=resting),
        observe=observe,
        **changes,
    )
    never = train(**changes)
    assert reasons == ["the lamp is changed"]
    np.testing.assert_array_equal(run.theta, never.theta)
    np.testing.assert_array_equal(run.column("costs"), never.column("costs"))
    np.testing.assert_array_equal(run.column("baselines"), never.column("baselines"))
    assert run.evaluations == never.evaluations
    assert run.outcome.counters.probes == never.outcome.counters.probes
    events = [event for event in run.of(Event) if event.kind != "baseline_again"]
    assert [(event.kind, event.details["guard"]) for event in events] == [
        ("paused", ""),
        ("continued", ""),
    ]
    if chip_rule == "hold":
        assert resting.done == []
    else:
        safe, theta = resting.done
        assert safe == "safe"
        paused_at = run.records.index(events[0])
        checkpoint = run.records[paused_at + 1]
        assert isinstance(checkpoint, Checkpoint)
        np.testing.assert_array_equal(theta, checkpoint.state["theta"].astype(np.float32))


def test_a_baseline_of_before_the_pause_is_measured_again(train, double):
    control = PauseControl()
    run = train(
        on=double("samples", "signs", spoil=_asking(control, 20)),
        chip={"max_block_probes": 1},
        training=LONG,
        attendance=Attendance(control),
        observe=lambda progress: progress.paused and control.resume(),
    )
    assert run.events == ["paused", "continued", "baseline_again"]
    assert run.outcome.counters.remeasured_probes == 1


def test_a_chip_that_learns_is_told_everything_again(train, experiment, fake_clock):
    changes = {
        "chip": {"rung": "learns"},
        "logging": {"costs": "none"},
        "training": {"update": {"rule": "momentum", "learning_rate": 0.1}},
        "stop": {"steps": 800},
        "evaluate": {"every_steps": 100},
    }
    chip = chip_drivers()["emulated"].build(experiment(**changes).chip, None)
    control, asked = PauseControl(), []

    class Forgetting(_Resting):
        def make_safe(self):
            super().make_safe()
            # As a chip that lost its supply.
            chip._learning = None

    def observe(progress):
        if progress.paused:
            control.resume()
        elif progress.counters.steps > 200 and not asked:
            asked.append(progress.counters.steps)
            control.request()

    run = train(
        on=chip,
        clock=fake_clock(0.06),
        guards={"pause": {"chip": "safe"}},
        attendance=Attendance(control, resting=Forgetting()),
        observe=observe,
        **changes,
    )
    never = train(**changes)
    assert run.events == ["paused", "continued"]
    assert 200 < run.of(Event)[0].step < 800
    np.testing.assert_array_equal(run.state.theta, never.state.theta)
    np.testing.assert_array_equal(run.state.chip_snapshot, never.state.chip_snapshot)


def test_interrupted_during_a_pause(train, double):
    control, interrupt = PauseControl(), threading.Event()
    run = train(
        on=double("samples", "signs", spoil=_asking(control, 20)),
        attendance=Attendance(control),
        interrupt=interrupt,
        observe=lambda progress: progress.paused and interrupt.set(),
    )
    assert run.outcome.status == "interrupted"
    assert run.final.final == "interrupted"
    assert run.events == ["paused", "interrupted"]
    assert 0 < run.outcome.counters.steps < 50


def test_a_pause_that_lasts_too_long(train, double, fake_clock):
    control = PauseControl()
    run = train(
        on=double("samples", "signs", spoil=_asking(control, 20)),
        clock=fake_clock(0.5),
        guards={"pause": {"longest_seconds": 60.0}},
        attendance=Attendance(control),
        catch=GuardError,
    )
    assert "paused for 60 s" in str(run.error)
    assert "the lamp is changed" in str(run.error)
    assert run.error.exit_code == 3
    assert run.events == ["paused", "error"]
    assert run.final.final == "failed"


@pytest.mark.parametrize(
    ("error", "status"), [(StoppedError("stop"), "interrupted"), (ChipError("dead"), None)]
)
def test_a_chip_that_cannot_be_energised_again(train, double, error, status):
    control = PauseControl()
    run = train(
        on=double("samples", "signs", spoil=_asking(control, 20)),
        guards={"pause": {"chip": "safe"}},
        attendance=Attendance(control, resting=_Resting(error)),
        observe=lambda progress: progress.paused and control.resume(),
        catch=ChipError,
    )
    assert (run.outcome and run.outcome.status) == status
    assert run.error is (None if status else error)
    assert "continued" not in run.events


def test_safe_needs_somebody_who_can(train, double):
    with pytest.raises(ConfigurationError, match="use hold"):
        train(on=double("samples", "signs"), guards={"pause": {"chip": "safe"}})


def test_a_pause_that_was_taken_back_is_none(train):
    control = PauseControl()
    control.request()
    control.resume()
    assert train(attendance=Attendance(control)).events == []


def test_the_first_cause_stays_until_it_goes_on():
    control = PauseControl()
    assert not control.requested
    control.toggle()
    control.request("another")
    assert control.cause.reason == "on request"
    control.toggle()
    assert control.cause is None
    control.request("another")
    assert control.cause.reason == "another"


def test_resume_wakes_who_waits():
    control = PauseControl()
    control.request()
    thread = threading.Thread(target=control.resume)
    thread.start()
    control.wait(60.0)
    thread.join()
    assert not control.requested


@pytest.mark.parametrize("closing", [False, True])
def test_a_request_during_an_evaluation(train, double, closing):
    control, asked = PauseControl(), []

    def spoil(before, costs):
        first = EVALUATED + 100 if closing else 0
        if before == first + 1 and not asked:
            asked.append(before)
            control.request()
        return costs

    changes = {"chip": {"max_block_probes": 1}, "evaluate": {"every_steps": 1000}}
    run = train(
        on=double("samples", "signs", spoil=spoil),
        attendance=Attendance(control),
        observe=lambda progress: progress.paused and control.resume(),
        **changes,
    )
    never = train(**changes)
    assert len(asked) == 1
    assert run.evaluations == never.evaluations
    assert run.outcome.cost == never.outcome.cost
    np.testing.assert_array_equal(run.theta, never.theta)
