"""Plans that would be too fast, or write too often, are refused before a value is sent."""

from dataclasses import replace

import numpy as np
import pytest

from mgd_lab import run
from mgd_lab.bench import check, checking
from mgd_lab.bench.assembly import fit
from mgd_lab.bench.chips import build_chip
from mgd_lab.bench.motion_plan import most_writes, most_writes_in
from mgd_lab.bench.task import data_set
from mgd_lab.controller.gate_chip import GatedChip
from mgd_lab.errors import LimitError
from sim_instruments.emulated import EmulatedChip


@pytest.fixture(autouse=True)
def short_rehearsal(monkeypatch):
    monkeypatch.setattr(checking, "_REHEARSAL_SECONDS", 0.01)


@pytest.fixture
def written(monkeypatch):
    """What reaches an emulated chip: registers, or θ of a block."""
    values: list[np.ndarray] = []
    for name in ("write_parameters", "measure_dense", "measure_signs", "measure_generated"):
        original = getattr(EmulatedChip, name)

        def keep(self, *arguments, original=original):
            values.append(np.array(arguments[0], np.float64))
            return original(self, *arguments)

        monkeypatch.setattr(EmulatedChip, name, keep)
    return values


def _with_probe_seconds(monkeypatch, seconds):
    build = EmulatedChip.__init__

    def timed(self, *arguments, **options):
        build(self, *arguments, **options)
        self._description = replace(self._description, probe_seconds=seconds)

    monkeypatch.setattr(EmulatedChip, "__init__", timed)


def _chip(rung, **limits):
    return {"rung": rung, "limits": {"parameters": limits}}


@pytest.mark.parametrize("rung", ["dense", "signs", "generated"])
@pytest.mark.parametrize("action", ["run", "check"])
def test_a_chip_that_moves_by_itself_in_an_unknown_time(load, tmp_path, rung, action):
    loaded = load(chip=_chip(rung, slew_per_second=10.0))
    with pytest.raises(LimitError) as caught:
        check(loaded) if action == "check" else run(loaded, runs_dir=tmp_path / "runs")
    for part in ("'bench chip'", "weights1[0]", "10 a second", "0.1", "probe_seconds", "forward"):
        assert part in str(caught.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("seconds", "fits"), [(0.01, True), (0.011, True), (0.009, False)])
def test_a_chip_that_moves_by_itself_in_a_known_time(load, monkeypatch, seconds, fits):
    _with_probe_seconds(monkeypatch, seconds)
    # The float32 nearest to 0.05 is a little more.
    loaded = load(
        chip=_chip("dense", slew_per_second=10.0001),
        training={"initial": {"low": -0.05, "high": 0.05}},
    )
    if fits:
        report = check(loaded)
        assert report.seconds_from == "the timings that the chip declares"
        return
    with pytest.raises(LimitError, match=r"weights1\[0\].*11\.1111 a second.*smaller amplitude"):
        check(loaded)


def test_a_chip_that_learns_by_itself_keeps_no_slew(load):
    loaded = load(chip=_chip("learns", slew_per_second=10.0))
    with pytest.raises(Exception, match="slew") as caught:
        check(loaded)
    assert caught.value.exit_code in (2, 4)


@pytest.mark.parametrize("rung", ["forward", "cost"])
def test_a_run_under_a_slew(load, tmp_path, written, rung):
    loaded = load(
        chip=_chip(rung, slew_per_second=20.0),
        training={"initial": {"low": -0.9, "high": 0.9}},
        stop={"steps": 20},
    )
    result = run(loaded, runs_dir=tmp_path / "runs")
    assert result.status == "finished"
    # The driver's own last write is the end of the way, not a step of it.
    steps = np.abs(np.diff(written, axis=0)).max(axis=1)
    assert steps[:-1].max() <= 20.0 * 0.02 + 1e-9
    distance = steps[:-1].sum()
    assert result.wall_seconds >= distance / 20.0


def test_check_of_a_chip_with_a_slew_takes_no_time(load):
    report = check(load(chip=_chip("forward", slew_per_second=0.001)))
    # 50 steps of two moves of up to 0.1 each.
    assert report.seconds == pytest.approx(50 * 2 * 100.0, rel=0.1)


CASES = [
    {},
    {"time_constants": {"tau_theta": 7, "tau_x": 3}},
    {"batch": 3},
    {"baseline": "paired", "batch": 2},
    {"baseline_refresh_steps": 2, "time_constants": {"tau_x": 9, "tau_theta": 6}},
    {"algorithm": "analog", "time_constants": {"tau_x": 10, "tau_hp": 2}, "batch": 2},
]


@pytest.mark.parametrize(
    ("rung", "training"),
    [("forward", training) for training in CASES]
    + [(rung, CASES[1]) for rung in ("cost", "dense", "signs", "generated", "learns")]
    + [("learns", CASES[5])],
)
def test_writes_are_foretold(load, tmp_path, monkeypatch, training, rung):
    gates: list[GatedChip] = []
    build = GatedChip.__init__

    def watched(self, *arguments):
        build(self, *arguments)
        gates.append(self)

    monkeypatch.setattr(GatedChip, "__init__", watched)
    loaded = load(
        chip=_chip(rung, writes_budget=10_000),
        training=training,
        stop={"steps": 60},
        evaluate={"every_steps": 10},
        logging={"costs": "none"},
    )
    report = check(loaded)
    assert report.writes_budget == 10_000
    gates.clear()
    run(loaded, runs_dir=tmp_path / "runs")
    counted = [gate.writes for gate in gates if gate.writes]
    assert len(counted) == 1
    assert counted[0] <= report.parameter_writes
    # All but the few that may be needed around the training, and the alignment of windows.
    assert counted[0] >= 0.6 * report.parameter_writes - 8


@pytest.mark.parametrize("stop", [{"steps": 60}, {"updates": 20}, {"probes": 130}])
@pytest.mark.parametrize(
    ("rung", "training"),
    [("forward", CASES[0]), ("forward", CASES[3]), ("cost", CASES[4]), ("dense", CASES[1])],
)
def test_no_run_writes_more_than_the_plan_says(load, tmp_path, training, rung, stop):
    stop = {"steps": None, **stop}
    loaded = load(chip=_chip(rung, writes_budget=10_000), training=training, stop=stop)
    with build_chip(loaded.experiment.chip) as chip:
        fitted = fit(loaded.experiment, data_set(loaded.experiment.task, 3), chip)
    worst = most_writes(fitted)
    result = run(loaded, runs_dir=tmp_path / "runs")
    assert worst >= most_writes_in(fitted, result.counters.steps)
    assert worst <= most_writes_in(fitted, 2 * result.counters.steps + 2 * fitted.window)
    # Exactly what the plan says is enough, and one less is refused.
    enough = load(chip=_chip(rung, writes_budget=worst), training=training, stop=stop)
    assert run(enough, runs_dir=tmp_path / "runs").status == "finished"
    less = load(chip=_chip(rung, writes_budget=worst - 1), training=training, stop=stop)
    with pytest.raises(LimitError, match=f"{worst:,} writes on the rung {rung}"):
        check(less)


@pytest.mark.parametrize("stop", [{"seconds": 3.0}, {"seconds": 3.0, "cost_below": 0.1}])
def test_a_budget_needs_a_run_with_an_end(load, stop):
    loaded = load(chip=_chip("forward", writes_budget=1000), stop={"steps": None, **stop})
    with pytest.raises(LimitError, match=r"stop\.steps, stop\.updates or stop\.probes"):
        check(loaded)


def test_the_smallest_budget_of_a_group_binds(load):
    limits = {
        "parameters": {"writes_budget": 100_000},
        "groups": {"biases1": {"writes_budget": 90}},
    }
    with pytest.raises(LimitError, match="may be written 90 times"):
        check(load(chip={"rung": "forward", "limits": limits}))


def test_ramps_are_part_of_the_plan(load):
    limits = {"low": -2.0, "high": 2.0, "slew_per_second": 1.0, "writes_budget": 10_000}
    report = check(load(chip=_chip("forward", **limits), stop={"steps": 10}))
    # A ramp from end to end in steps of 20 ms; moves of twice 0.05, in float32 a little more than
    # five steps, to every probe and two evaluations; and three writes around it all.
    assert report.parameter_writes == 200 + 6 * (20 + 2) + 3
