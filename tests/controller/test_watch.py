"""Telemetry, retries, disk and the host's sleep: each stops or pauses, and what can clear does."""

import dataclasses
import math
import threading

import numpy as np
import pytest

from mgd_lab.bench.watching import Attendance, check_guards, free_bytes_at
from mgd_lab.chip import TelemetryChannel
from mgd_lab.chip.recovery import Recovery
from mgd_lab.controller import HostWatch, PauseControl
from mgd_lab.controller.surroundings import TelemetryGuard
from mgd_lab.errors import ConfigurationError, GuardError, MeasurementError, RunStoreError
from mgd_lab.experiment import TelemetryWindow
from mgd_lab.records import Checkpoint, Event, StepBlock, Telemetry

CHANNELS = (TelemetryChannel("temperature", "°C"), TelemetryChannel("supply", "V"))
GOOD = (25.0, 3.3)
STEPS = {"stop": {"steps": 400}, "evaluate": {"every_steps": 10_000}}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("mgd_lab.controller.intermission._LOOK_SECONDS", 0.0)


@pytest.fixture
def sensing(double):
    """A chip that gives one reading after another, and stays at the last."""

    def make(readings, *others):
        chip = double("registers", "samples", "signs", *others)
        left = list(readings)

        class Sensing(type(chip)):
            @property
            def description(self):
                return dataclasses.replace(self.inner.description, telemetry=CHANNELS)

            def read_telemetry(self):
                return np.array(left.pop(0) if len(left) > 1 else left[0])

        chip.__class__ = Sensing
        return chip

    return make


def _reported(run):
    return [(event.kind, event.details.get("guard")) for event in run.of(Event)]


def test_telemetry_is_read_by_the_clock_and_at_both_ends(train, sensing, fake_clock):
    readings = [(25.0 + k, 3.3) for k in range(1000)]
    run = train(
        on=sensing(readings),
        clock=fake_clock(0.02),
        logging={"telemetry_every_seconds": 2.0},
        **STEPS,
    )
    records = run.of(Telemetry)
    assert records[0].step == 0
    assert records[-1].step == 400
    assert [record.values[0] for record in records] == [25.0 + k for k in range(len(records))]
    assert {record.names for record in records} == {("temperature", "supply")}
    gaps = np.diff([record.utc_seconds for record in records[:-1]])
    assert len(gaps) > 5
    assert (gaps >= 2.0).all()
    assert (gaps < 2.5).all()
    # Before anything is measured, and before the checkpoint that closes the log.
    kinds = [type(record) for record in run.records]
    assert kinds.index(Telemetry) < kinds.index(StepBlock)
    assert isinstance(run.records[-1], Checkpoint)


def test_a_chip_without_channels_is_not_asked(train, double):
    assert train(on=double("samples", "signs")).of(Telemetry) == []


def test_as_many_readings_as_channels(train, sensing):
    run = train(on=sensing([(1.0,)]), catch=MeasurementError)
    assert "telemetry of shape (1,), expected (2,)" in str(run.error)


@pytest.mark.parametrize(
    ("window", "bad", "words"),
    [
        ({"high": 40.0}, (41.0, 3.3), "temperature reads 41 °C, outside its window [-inf, 40] °C"),
        ({"low": 0.0}, (-1.0, 3.3), "temperature reads -1 °C"),
        ({"high": 40.0}, (math.inf, 3.3), "temperature reads inf °C"),
        ({"low": 0.0, "high": 40.0}, (9.9e37, 3.3), "temperature reads 9.9e+37 °C"),
    ],
)
@pytest.mark.parametrize("good", [0, 3])
def test_a_reading_outside_its_window_stops(train, sensing, fake_clock, window, bad, words, good):
    chip = sensing([*[GOOD] * good, bad])
    run = train(
        on=chip,
        clock=fake_clock(0.02),
        logging={"telemetry_every_seconds": 2.0},
        guards={"telemetry": {"temperature": window}},
        catch=GuardError,
        **STEPS,
    )
    assert words in str(run.error)
    assert "guards.telemetry" in str(run.error)
    assert run.error.exit_code == 3
    assert run.final.final == "failed"
    assert run.of(Telemetry)[-1].values[0] == bad[0]
    if not good:
        assert run.of(StepBlock) == []
    else:
        assert 0 < run.state.steps < 400
    np.testing.assert_array_equal(chip.inner.read_parameters(), chip.description.safe)


def test_a_window_is_looked_at_within_a_long_training_window(train, sensing, fake_clock):
    run = train(
        on=sensing([*[GOOD] * 3, (41.0, 3.3)]),
        clock=fake_clock(0.02),
        chip={"max_block_probes": 4},
        training={"time_constants": {"tau_theta": 400}},
        logging={"telemetry_every_seconds": 1.0},
        guards={"telemetry": {"temperature": {"high": 40.0}}},
        catch=GuardError,
        **STEPS,
    )
    assert 0 < run.state.steps < 400
    assert run.state.updates == 0
    assert len(run.column("costs")) == run.state.steps


@pytest.mark.parametrize("block", [3, None])
@pytest.mark.parametrize("window", [1, 50])
@pytest.mark.parametrize("baseline", ["measured", "paired"])
def test_a_pause_ends_when_the_reading_is_back(train, sensing, fake_clock, window, block, baseline):
    training = {"baseline": baseline, "time_constants": {"tau_x": 7, "tau_theta": window}}
    changes = {"training": training, "chip": {"max_block_probes": block}, **STEPS}
    told = []
    run = train(
        on=sensing([GOOD, GOOD, (41.0, 3.3), (44.0, 3.3), (25.0, 3.3)]),
        clock=fake_clock(0.02 if window == 1 or block else 0.2),
        logging={"telemetry_every_seconds": 1.0},
        guards={"telemetry": {"temperature": {"high": 40.0, "action": "pause"}}},
        observe=lambda progress: told.append(progress.paused),
        **changes,
    )
    never = train(**changes)
    np.testing.assert_array_equal(run.theta, never.theta)
    np.testing.assert_array_equal(run.column("costs"), never.column("costs"))
    assert run.outcome.counters.probes == never.outcome.counters.probes
    events = [event for event in run.of(Event) if event.kind != "baseline_again"]
    assert [event.kind for event in events] == ["guard", "paused", "continued"]
    assert all(event.details["guard"] == "telemetry" for event in events)
    assert "reads 41 °C" in events[1].message
    assert events[1].details["chip"] == "hold"
    assert events[2].details["seconds"] >= 2.0
    assert 0 < events[1].step < 400
    assert any("reads 41 °C" in reason for reason in told)
    assert told[-1] == ""
    # All so far is kept before a pause that may last.
    place = run.records.index(events[1])
    assert isinstance(run.records[place + 1], Checkpoint)


def test_one_missing_reading_is_nothing_three_are(train, sensing, fake_clock):
    silent = (math.nan, 3.3)
    options = {
        "clock": fake_clock(0.02),
        "logging": {"telemetry_every_seconds": 1.0},
        "guards": {"telemetry": {"temperature": {"high": 40.0}}},
        "catch": GuardError,
        **STEPS,
    }
    good = train(on=sensing([silent, silent, GOOD, silent, silent, GOOD]), **options)
    assert good.error is None
    bad = train(on=sensing([GOOD, silent, silent, silent, GOOD]), **options)
    assert "temperature gave no reading 3 times in a row" in str(bad.error)


def test_a_chip_that_rests_may_have_no_reading():
    values = {"now": math.nan}

    class Reader:
        names, units, chip_rests = ("current",), ("A",), True

        def read(self, step):
            return np.array([values["now"]])

    reader = Reader()
    guard = TelemetryGuard(reader, {"current": TelemetryWindow(high=1.0)}, 1.0)
    assert [guard.look(0) for _ in range(5)] == [None] * 5
    values["now"] = 2.0
    assert "outside its window" in guard.look(0).message
    guard.forget()
    values["now"], reader.chip_rests = math.nan, False
    assert [guard.look(0) for _ in range(2)] == [None] * 2
    assert "gave no reading" in guard.look(0).message


def test_a_guard_that_stops_does_so_during_a_pause(train, sensing, fake_clock):
    """Paused for the temperature, and held: the supply may still end the run."""
    windows = {"temperature": {"high": 40.0, "action": "pause"}, "supply": {"low": 3.0}}
    run = train(
        on=sensing([GOOD, (41.0, 3.3), (41.0, 2.9), GOOD]),
        clock=fake_clock(0.02),
        logging={"telemetry_every_seconds": 1.0},
        guards={"telemetry": windows},
        catch=GuardError,
        **STEPS,
    )
    assert "supply reads 2.9 V" in str(run.error)
    assert [event.kind for event in run.of(Event)] == ["guard", "paused", "error"]


def test_a_channel_that_the_chip_does_not_report(train, sensing):
    with pytest.raises(ConfigurationError) as caught:
        train(on=sensing([GOOD]), guards={"telemetry": {"temprature": {"high": 40.0}}})
    assert "guards.telemetry.temprature" in str(caught.value)
    assert "did you mean 'temperature'?" in str(caught.value)
    assert "temperature, supply" in str(caught.value)


def test_a_chip_that_reports_nothing(experiment, double):
    made = experiment(guards={"telemetry": {"temperature": {"high": 40.0}}})
    bare = dataclasses.replace(double("signs").description, telemetry=())
    with pytest.raises(ConfigurationError, match=r"its channels: none"):
        check_guards(made.guards, bare)


class _Recovering:
    """Gives `at[n]` recoveries at the n-th question."""

    def __init__(self, clock, at):
        self.clock, self.at, self.asked = clock, at, 0

    def __call__(self):
        self.asked += 1
        return [
            Recovery("timeout", f"no reply ({k})", 2, 0.1, self.clock.now)
            for k in range(self.at.get(self.asked, 0))
        ]


@pytest.mark.parametrize(
    ("at", "trips"),
    [({3: 5}, False), ({3: 6}, True), ({3: 3, 4: 3}, True), ({3: 3, 200: 3}, False)],
)
def test_recoveries_too_frequent(train, double, fake_clock, at, trips):
    clock = fake_clock(0.02)
    chip = double("samples", "signs")
    chip.take_recoveries = _Recovering(clock, at)
    run = train(
        on=chip,
        clock=clock,
        guards={"retries": {"most": 5, "within_seconds": 10.0, "action": "stop"}},
        catch=GuardError,
        stop={"steps": 2000},
        evaluate={"every_steps": 10_000},
    )
    assert (run.error is not None) == trips
    if trips:
        assert "recovered from 6 faults within 10 s" in str(run.error)
        assert "guards.retries.most is 5" in str(run.error)
    assert run.events.count("timeout") == sum(
        count for asked, count in at.items() if asked <= chip.take_recoveries.asked
    )


def test_after_a_pause_recoveries_are_counted_anew(train, double, fake_clock):
    clock, control, pauses = fake_clock(0.02), PauseControl(), []

    def observe(progress):
        if progress.paused:
            pauses.append(progress.paused)
            control.resume()

    chip = double("samples", "signs")
    chip.take_recoveries = _Recovering(clock, {3: 6, 5: 5})
    run = train(
        on=chip,
        clock=clock,
        guards={"retries": {"most": 5, "within_seconds": 1000.0, "action": "pause"}},
        attendance=Attendance(control),
        observe=observe,
        **STEPS,
    )
    assert len(pauses) == 1
    assert run.outcome.status == "finished"
    assert ("continued", "retries") in _reported(run)


class _Disk:
    def __init__(self, *free):
        self.free = list(free)

    def __call__(self):
        return self.free.pop(0) if len(self.free) > 1 else self.free[0]


def test_a_disk_that_fills_pauses_until_there_is_room(train, fake_clock):
    """1.1 times what is asked for, so that the pause does not begin again at once."""
    disk = _Disk(9000, 2000, 999, 500, 1000, 1099, 1100, 1001)
    changes = {"training": {"time_constants": {"tau_theta": 20}}, "stop": {"steps": 900}}
    run = train(
        clock=fake_clock(0.05),
        guards={"disk": {"free_bytes": 1000, "action": "pause"}},
        attendance=Attendance(free_bytes=disk),
        **changes,
    )
    never = train(**changes)
    np.testing.assert_array_equal(run.theta, never.theta)
    reported = [event for event in _reported(run) if event[0] != "baseline_again"]
    assert reported == [("guard", "disk"), ("paused", "disk"), ("continued", "disk")]
    assert disk.free == [1001]
    # At 1000 and 1099 it went on waiting; nobody looks more often than every 5 s.
    assert run.of(Event)[-1].details["seconds"] >= 20.0
    assert "0.0 MB left" in run.of(Event)[0].message


def test_a_disk_that_fills_may_stop_the_run(train, fake_clock):
    run = train(
        clock=fake_clock(0.05),
        guards={"disk": {"free_bytes": 1000, "action": "stop"}},
        attendance=Attendance(free_bytes=_Disk(9000, 999)),
        catch=GuardError,
        **STEPS,
    )
    assert "guards.disk.free_bytes" in str(run.error)
    assert 0 < run.state.steps < 400


def test_the_space_of_a_folder(tmp_path):
    assert free_bytes_at(tmp_path)() > 0
    with pytest.raises(RunStoreError, match="gone"):
        free_bytes_at(tmp_path / "gone")()


@pytest.mark.parametrize("action", ["stop", "pause", "continue"])
def test_a_host_that_slept(train, fake_clock, action):
    slept, control = iter([0.0, 0.4, 29.0, 31.0]), PauseControl()
    run = train(
        clock=fake_clock(0.05),
        guards={"host_slept": {"action": action}},
        attendance=Attendance(control, slept_seconds=lambda: next(slept, 0.0)),
        observe=lambda progress: progress.paused and control.resume(),
        catch=GuardError,
        **STEPS,
    )
    never = train(**STEPS)
    if action == "stop":
        assert "for 31 s" in str(run.error)
        return
    np.testing.assert_array_equal(run.theta, never.theta)
    told = [event for event in _reported(run) if event[0] != "baseline_again"]
    pause = [("paused", "host_slept"), ("continued", "host_slept")] if action == "pause" else []
    assert told == [("guard", "host_slept"), *pause]


class _Boot:
    def __init__(self):
        self.now = 100.0

    def boottime(self):
        return self.now


def test_how_long_the_host_was_away():
    clock = _Boot()
    watch = HostWatch(clock)
    assert watch.take() == 0.0
    for _ in range(50):
        clock.now += 1.0
        watch.tick()
    assert watch.take() == 0.0
    clock.now += 61.0
    watch.tick()
    clock.now += 3.0
    watch.tick()
    assert watch.take() == 60.0
    assert watch.take() == 0.0


def test_a_thread_gives_the_signs_of_life(monkeypatch):
    monkeypatch.setattr("mgd_lab.controller.host_watch._TICK_SECONDS", 0.01)
    clock = _Boot()
    ticks = []

    class Counting(HostWatch):
        def tick(self):
            super().tick()
            ticks.append(1)
            if len(ticks) == 3:
                enough.set()

    enough = threading.Event()
    with Counting(clock) as watch:
        assert enough.wait(10)
    assert not any(thread.name == "mgd-lab-host" for thread in threading.enumerate())
    assert watch.take() == 0.0
