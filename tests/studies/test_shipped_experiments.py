"""The shipped experiments keep what the README says of them. Minutes each: behind `slow`."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import pytest

import mgd_lab

CONFIGS = Path(__file__).parents[2] / "configs"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def end(config: str, folder: Path, seed: int, **changes: object) -> mgd_lab.RunResult:
    loaded = mgd_lab.load_experiment(
        CONFIGS / f"{config}.yaml",
        {"seed": seed, "logging.costs": "none", **changes},
        chip_file=CONFIGS / "chips" / f"{config}_emulated.yaml",
    )
    return mgd_lab.run(loaded, runs_dir=folder)


def test_parity2_solves_70_of_100_starts(tmp_path: Path) -> None:
    results = [end("parity2", tmp_path, seed) for seed in range(100)]
    solved = [result.counters.steps for result in results if result.status == "target_reached"]
    print(f"parity2: {len(solved)} of 100, median {statistics.median(solved):,.0f} steps")
    assert len(solved) >= 70


def test_parity4_solves_half_of_ten_starts(tmp_path: Path) -> None:
    results = [end("parity4", tmp_path, seed) for seed in range(10)]
    solved = [result.counters.steps for result in results if result.status == "target_reached"]
    print(f"parity4: {len(solved)} of 10, steps {solved}")
    assert len(solved) >= 5


def test_nist7x7_accuracy_on_held_out_samples(tmp_path: Path) -> None:
    early: list[float] = []
    late: list[float] = []
    for seed in range(5):
        result = end("nist7x7", tmp_path, seed)
        assert result.path is not None
        with mgd_lab.open_run(result.path) as run:
            evaluations = run.evaluations()
        at = int(np.searchsorted(evaluations.step, 300_000))
        assert evaluations.step[at] == 300_000
        early.append(float(evaluations.accuracy[at]))
        late.append(float(evaluations.accuracy[-1]))
    print(f"nist7x7: {sorted(early)} at 300,000 steps, {sorted(late)} at 1,000,000")
    assert statistics.median(early) >= 0.88
    assert statistics.median(late) >= 0.94


def test_digits_reaches_92_percent_on_the_test_split(tmp_path: Path) -> None:
    results = [end("digits", tmp_path, seed, **{"chip.rung": "generated"}) for seed in range(1, 6)]
    found = sorted(result.accuracy or 0.0 for result in results)
    seconds = statistics.median(result.wall_seconds for result in results)
    print(f"digits: {found}, {seconds:.0f} s each")
    assert statistics.median(found) >= 0.92
