"""θ of few bits on two-bit parity: what nearest rounding without a copy loses. Behind `slow`."""

from __future__ import annotations

from pathlib import Path

import pytest

import mgd_lab

CONFIGS = Path(__file__).parents[2] / "configs"
# θ of solutions reaches beyond ±5.
REACH = 10.0
SEEDS = range(6)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def solved(folder: Path, bits: int, **update: object) -> int:
    parameters = {"low": -REACH, "high": REACH, "safe": 0.0}
    parameters["resolution"] = 2 * REACH / 2**bits if bits else 0.0
    results = [
        mgd_lab.run(
            mgd_lab.load_experiment(
                CONFIGS / "parity2.yaml",
                {
                    "seed": seed,
                    "chip.limits": {"parameters": parameters, "on_update": "project"},
                    "training.time_constants.tau_theta": 4,
                    "stop.steps": 40_000,
                    "evaluate.every_steps": 1000,
                    **{f"training.update.{key}": value for key, value in update.items()},
                },
                chip_file=CONFIGS / "chips" / "parity2_emulated.yaml",
            ),
            runs_dir=folder,
        )
        for seed in SEEDS
    ]
    found = sum(result.status == "target_reached" for result in results)
    print(f"{bits} bits, {update}: {found} of {len(SEEDS)}")
    return found


def test_five_bits_stop_nearest_rounding_without_a_copy(tmp_path: Path) -> None:
    assert solved(tmp_path, 0) >= 4
    assert solved(tmp_path, 5, float_copy=False) <= 1


def test_four_bits_are_enough_with_a_copy_or_stochastic_rounding(tmp_path: Path) -> None:
    assert solved(tmp_path, 4) >= 4
    assert solved(tmp_path, 4, float_copy=False, rounding="stochastic") >= 2
