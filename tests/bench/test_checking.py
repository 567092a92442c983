"""The numbers of `check`, against the run that they foretell."""

import pytest

from mgd_lab import open_run, run
from mgd_lab.bench import check, checking

CASES = [
    ({}, 600),
    ({"time_constants": {"tau_theta": 7}}, 600),
    ({"time_constants": {"tau_p": 3, "tau_x": 5, "tau_theta": 7}, "batch": 3}, 500),
    ({"baseline": "paired", "batch": 2}, 500),
    ({"baseline_refresh_steps": 2, "time_constants": {"tau_x": 9, "tau_theta": 6}}, 500),
    ({"algorithm": "analog", "time_constants": {"tau_x": 10, "tau_hp": 2}}, 500),
    ({"time_constants": {"tau_theta": 300}}, 500),
    ({"perturbation": {"target": "nodes"}, "time_constants": {"tau_x": 4, "tau_theta": 6}}, 500),
    ({"perturbation": {"target": "nodes"}, "baseline": "paired"}, 300),
]


@pytest.fixture(autouse=True)
def short_rehearsal(monkeypatch):
    monkeypatch.setattr(checking, "_REHEARSAL_SECONDS", 0.1)


@pytest.mark.parametrize(("training", "steps"), CASES)
@pytest.mark.parametrize("every", [1, 50, None])
def test_probes_and_evaluations(load, tmp_path, training, steps, every):
    loaded = load(
        training=training,
        stop={"steps": steps},
        evaluate={"every_steps": every},
    )
    report = check(loaded, runs_dir=tmp_path / "runs")
    counters = run(loaded, runs_dir=tmp_path / "runs").counters
    assert report.steps == steps
    assert report.updates == counters.updates
    assert report.probes == pytest.approx(counters.probes, rel=0.01)
    assert report.evaluation_probes == counters.evaluation_probes
    assert report.simulated
    assert report.seconds > 0
    assert report.free_disk_bytes > 1e6


@pytest.mark.parametrize(
    "costs",
    [
        "all",
        "window_mean",
    ],
)
def test_disk_of_a_long_run(load, tmp_path, costs):
    loaded = load(
        stop={"steps": 60_000},
        logging={"costs": costs, "checkpoint_every_seconds": 1000},
        evaluate={"every_steps": 10_000},
    )
    report = check(loaded, runs_dir=tmp_path / "runs")
    result = run(loaded, runs_dir=tmp_path / "runs")
    with open_run(result.path):
        pass
    size = sum(p.stat().st_size for p in result.path.glob("log.sqlite*"))
    assert report.disk_bytes == pytest.approx(size, rel=0.2)


@pytest.mark.parametrize(
    ("stop", "steps"),
    [
        ({"steps": None, "updates": 30}, 90),
        ({"steps": None, "probes": 400}, 300),
        ({"steps": 50, "updates": 30}, 50),
        ({}, 50),
    ],
)
def test_how_long_it_will_take(load, stop, steps):
    loaded = load(training={"time_constants": {"tau_x": 3, "tau_theta": 3}}, stop=stop)
    assert check(loaded).steps == steps


def test_chips_are_not_touched_more_than_to_make_them_safe(load, tmp_path):
    loaded = load(chip={"limits": {"parameters": {"safe": 0.25}}})
    before = sorted(tmp_path.iterdir())
    check(loaded, runs_dir=tmp_path / "deep" / "runs")
    assert sorted(tmp_path.iterdir()) == before


def test_stochastic_rounding_without_a_resolution_is_told(load, tmp_path):
    update = {"rounding": "stochastic"}
    [told] = check(load(training={"update": update}), runs_dir=tmp_path).warnings
    assert "training.update.rounding: stochastic changes nothing" in told
    coarse = load(training={"update": update}, chip={"limits": {"parameters": {"resolution": 0.1}}})
    assert check(coarse, runs_dir=tmp_path).warnings == ()
