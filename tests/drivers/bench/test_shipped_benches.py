"""The shipped benches train through their instruments' dialects, in either timing alike."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import mgd_lab
from mgd_lab.cli.app import app

CONFIGS = Path(__file__).parents[3] / "configs"
BENCHES = ["bench_qdac", "bench_smu"]
STEPS = 256


@pytest.fixture(autouse=True)
def _installed():
    """The instruments that are really installed, not this folder's fakes."""


def trained(name, folder, **changes):
    """The run's result, all of its costs, θ at its end."""
    loaded = mgd_lab.load_experiment(CONFIGS / f"{name}.yaml", changes)
    result = mgd_lab.run(loaded, runs_dir=folder)
    with mgd_lab.open_run(result.path) as run:
        return result, run.costs(), run.parameters()


def short(name, folder, timing, **changes):
    stop = {"stop": {"steps": STEPS}, "evaluate.every_steps": STEPS}
    return trained(name, folder, **stop, **{"chip.timing": timing}, **changes)


def bits(records):
    return [np.asarray(column).tobytes() for column in records]


@pytest.mark.parametrize("name", BENCHES)
def test_both_timings_train_to_the_same_bits_without_noise(tmp_path, name):
    ended = []
    for timing in ("software", "hardware"):
        result, costs, theta = short(name, tmp_path, timing, **{"chip.simulated.noise": 0})
        assert result.simulated
        assert result.counters.steps == STEPS
        assert result.counters.remeasured_probes == 0
        ended.append((bits(costs), bits(theta)))
    assert ended[0] == ended[1]


@pytest.mark.parametrize("timing", ["software", "hardware"])
@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_trains_with_the_noise_of_its_instruments(tmp_path, name, timing):
    quiet, _, _ = short(name, tmp_path, timing, **{"chip.simulated.noise": 0})
    noisy, _, theta = short(name, tmp_path, timing)
    assert noisy.cost != quiet.cost
    assert noisy.cost == pytest.approx(quiet.cost, rel=0.05)
    assert np.isfinite(theta.theta).all()


@pytest.mark.parametrize(("name", "conductor"), [("bench_qdac", "dac"), ("bench_smu", "smu1")])
def test_check_tells_the_timing_and_the_rate(name, conductor):
    for timing, words in (
        ("auto", f"probes/s in large blocks by the instruments' own times ({conductor} conducts"),
        ("software", "probes/s in large blocks by the instruments' own times (the chip file asks"),
    ):
        arguments = ["check", str(CONFIGS / f"{name}.yaml"), "--set", f"chip.timing={timing}"]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        (line,) = [each for each in result.stdout.splitlines() if each.startswith("  timing ")]
        assert words in line
        assert ("hardware" if timing == "auto" else "software") in line


@pytest.mark.slow
@pytest.mark.parametrize("timing", ["software", "hardware"])
@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_learns_parity(tmp_path, name, timing):
    result, _, _ = trained(name, tmp_path, **{"chip.timing": timing})
    assert result.status == "target_reached"
    assert result.cost < 0.04
    assert result.accuracy == 1.0
    assert result.wall_seconds < 60


def test_the_example_of_the_documents_is_a_chip_file(tmp_path):
    document = (CONFIGS.parent / "docs" / "bench.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", document, re.DOTALL)[1]
    (tmp_path / "chip.yaml").write_text(example, encoding="utf-8")
    chip = mgd_lab.load_experiment(
        CONFIGS / "bench_qdac.yaml", chip_file=tmp_path / "chip.yaml"
    ).experiment.chip
    assert [len(run.names) for run in chip.parameters] == [6, 3]


def test_the_example_of_the_documents_trains_and_is_left_safe(tmp_path):
    document = (CONFIGS.parent / "docs" / "bench.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", document, re.DOTALL)[1]
    (tmp_path / "chip.yaml").write_text(
        example.replace('"@py"', '"@sim"') + "simulated: {network: {layers: [2, 2, 1]}}\n",
        encoding="utf-8",
    )
    narrow = {
        "training.initial.low": -0.5,
        "training.initial.high": 0.5,
        "training.update.learning_rate": 0.02,
    }
    loaded = mgd_lab.load_experiment(
        CONFIGS / "bench_qdac.yaml",
        {"stop": {"steps": 64}} | narrow,
        chip_file=tmp_path / "chip.yaml",
    )
    result = mgd_lab.run(loaded, runs_dir=tmp_path)
    assert result.counters.steps == 64
    with mgd_lab.open_run(result.path) as run:
        last = run.events(1)
    assert list(last.kind) == ["made_safe"]
    assert list(last.message) == ["parameters at their safe values, outputs off, as read back"]


@pytest.mark.parametrize("name", BENCHES)
def test_the_same_file_is_for_the_bench_on_the_table(tmp_path, name):
    changes = {"chip.visa_library": "@py"}
    loaded = mgd_lab.load_experiment(CONFIGS / f"{name}.yaml", changes)
    assert not loaded.experiment.chip.simulates
    assert json.loads(loaded.experiment.chip.model_dump_json())["simulated"]["time"] == "virtual"


@pytest.mark.parametrize("timing", ["software", "hardware"])
@pytest.mark.parametrize("name", BENCHES)
def test_a_chip_that_settles_more_slowly_than_the_file_says_is_measured_wrong(
    tmp_path, name, timing
):
    quiet = {"chip.simulated.noise": 0}
    slow = quiet | {"chip.simulated.time_constant_seconds": 4e-4}
    (_, settled, _), (_, unsettled, _) = (
        short(name, tmp_path, timing, **changes) for changes in (quiet, slow)
    )
    assert np.abs(settled.cost - unsettled.cost).max() > 1e-3
