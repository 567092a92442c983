"""Probes a second of the shipped benches, in the virtual time of their simulated instruments.

    python benchmarks/bench.py [--probes 256] [--list-probes 2048] [--json FILE]

No time of the host is in the figures, so that they are the same on every machine. Each bench is
compared with the sum of its instruments' own minimum times, software-timed, and its lists with
its software timing. The minimum of a probe is one exchange with each source that has a level to
change (those on one GPIB board in turn, all others at the same time), the slowest settling, one
exchange with the meter, its integration and the transfer of its reading. Targets: software timing
≥ 0.8 of that; lists ≥ 10 times software timing where the instruments allow, which `limit` tells:
the same minimum divided by that of a step of the lists (settling and integration, or an
instrument's shortest step), with no time for loading and fetching.

The board with a supply is measured in real time, as its serial line is: the median of five blocks,
against the bytes of its probes and costs on the line and one exchange with the supply.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from drivers.bench.chip import BenchChip
from drivers.bench.parts import parts_of
from drivers.bench.settings import BenchSettings
from drivers.remote_chip import RemoteChip
from mgd_lab import load_experiment
from mgd_lab.bench.chips import build_chip
from mgd_lab.chip.instruments import DelaysReadings
from mgd_lab.costs import CostFunction
from mgd_lab.experiment.entry_points import EntryPoints
from sim_instruments.bench.bench import EXCHANGE_SECONDS, Bench
from sim_instruments.bench.plug import BenchInstrument

Float32 = NDArray[np.float32]

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
TARGETS = np.array([[0], [1], [1], [0]], np.float32)
CONFIGS = Path(__file__).parents[1] / "configs"

_ROUNDS = 5
_BITS_A_BYTE = 10
_QUICK = {
    "chip.simulated.time_constant_seconds": 1e-6,
    "chip.settle_seconds": 1e-4,
    "chip.instruments.dmm.trigger_delay_seconds": 1e-4,
    "chip.instruments.dmm.line_frequency_hertz": 60,
}
_UNIT: dict[str, Any] = {
    "driver": "keithley_2600", "model": "2601B", "line_frequency_hertz": 60,
    "smua": {"source_range": 40.0, "compliance": 0.001, "nplc": 0.001},
}  # fmt: skip
_SHARED_BUS = {
    f"chip.instruments.smu{k}": {**_UNIT, "resource": f"GPIB0::1{k}::INSTR"} for k in range(1, 10)
} | {
    "chip.parameters": [
        {"names": [f"p{k}"], "instrument": f"smu{k}", "channels": ["smua"], "low": -12, "high": 12}
        for k in range(1, 10)
    ],
    "chip.triggers": [],
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "bench_qdac": ("bench_qdac", {}),
    "bench_smu": ("bench_smu", {}),
    "bench_qdac, chip settles in 0.1 ms, 60 Hz": ("bench_qdac", _QUICK),
    "bench_smu, nine 2601B on one GPIB board, chip settles in 0.1 ms, 60 Hz": (
        "bench_smu",
        _QUICK | _SHARED_BUS,
    ),
}


def settings_of(config: str, changes: dict[str, Any], timing: str) -> BenchSettings:
    """The bench of a shipped experiment."""
    overrides = {**changes, "chip.timing": timing}
    chip = load_experiment(CONFIGS / f"{config}.yaml", overrides).experiment.chip
    if not isinstance(chip, BenchSettings):
        raise TypeError(f"{config}: not a bench")
    return chip


@dataclass(frozen=True)
class Block:
    """Probes as a training makes them: every other one a baseline's."""

    theta: Float32
    samples: NDArray[np.uint32]
    perturbations: Float32

    @classmethod
    def of(cls, probes: int) -> Self:
        """So many."""
        rng = np.random.default_rng(1)
        theta = rng.uniform(-1, 1, 9).astype(np.float32)
        perturbations = (0.1 * rng.choice([-1, 1], (probes, 9))).astype(np.float32)
        perturbations[::2] = 0.0
        samples = np.repeat(rng.integers(0, 4, (probes + 1) // 2), 2)[:probes].astype(np.uint32)
        return cls(theta, samples, perturbations)

    @property
    def levels(self) -> Float32:
        """What changes from probe to probe, (n, 11): parameters, then inputs."""
        return np.hstack([self.theta + self.perturbations, INPUTS[self.samples]])


def measured_seconds(settings: BenchSettings, block: Block) -> float:
    """Seconds that a block takes on the bench's own clock."""
    bench = Bench(settings, EntryPoints("mgd_lab.simulated_bench", BenchInstrument))
    clock = bench.time
    with BenchChip(settings, bench.visa_library()) as chip:
        chip.switch_outputs(True)
        chip.set_cost(CostFunction("mse"))
        chip.load_samples(INPUTS, TARGETS)
        began = clock.now()
        chip.measure_dense(block.theta, block.samples, block.perturbations)
        return clock.now() - began


def minimum_seconds(settings: BenchSettings, block: Block) -> tuple[float, float]:
    """Of a block: probe by probe, and of the steps of a list alone."""
    parts = parts_of(settings, None)
    boxes, sources = parts.boxes, parts.sources
    changes = np.ones_like(block.levels, np.bool_)
    changes[1:] = np.diff(block.levels, axis=0) != 0
    telling = sum(
        parts.lanes.spans(
            {
                name: EXCHANGE_SECONDS
                for name, columns in sources.columns.items()
                if row[columns].any()
            }
        )
        for row in changes
    )
    settling = float(sources.settle_seconds.max())
    integrations: list[float] = []
    for name in parts.meters.names:
        meter = boxes.all[name]
        delay = meter.trigger_delay_seconds if isinstance(meter, DelaysReadings) else 0.0
        integrations.append(meter.times.reading - delay + meter.times.transfer)
    probes, once = len(changes), settling + max(integrations)
    steps = [boxes.all[name].times.list_step for name in sources.columns]
    return telling + probes * (once + EXCHANGE_SECONDS), probes * max(once, *steps)


def compare(
    config: str, changes: dict[str, Any], probes: int, list_probes: int
) -> dict[str, float]:
    """Rates and ratios of one bench."""
    block = Block.of(probes)
    by_software = settings_of(config, changes, "software")
    one_by_one, in_a_list = minimum_seconds(by_software, block)
    software = probes / measured_seconds(by_software, block)
    by_hardware = settings_of(config, changes, "hardware")
    hardware = list_probes / measured_seconds(by_hardware, Block.of(list_probes))
    return {
        "software": software,
        "minimum": probes / one_by_one,
        "software_ratio": software * one_by_one / probes,
        "hardware": hardware,
        "hardware_ratio": hardware / software,
        "limit": one_by_one / in_a_list,
    }


def board(probes: int) -> dict[str, float]:
    """Rates and ratio of the board with a supply."""
    settings: Any = load_experiment(CONFIGS / "bench_board.yaml").experiment.chip
    block = Block.of(probes)
    seconds: list[float] = []
    with build_chip(settings) as chip:
        if not isinstance(chip, RemoteChip):
            raise TypeError("bench_board: no chip behind a link")
        chip.switch_outputs(on=True)
        chip.set_cost(CostFunction("mse"))
        chip.load_samples(INPUTS, TARGETS)
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            chip.measure_dense(block.theta, block.samples, block.perturbations)
            seconds.append(time.perf_counter() - began)
    sent = block.samples.nbytes + block.perturbations.nbytes
    on_line = (sent + 8 * probes) * _BITS_A_BYTE / settings.baud_rate
    least = on_line + EXCHANGE_SECONDS
    median = statistics.median(seconds)
    return {
        "software": probes / median,
        "minimum": probes / least,
        "software_ratio": least / median,
    }


def main() -> None:
    """Prints a line a bench."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--probes", type=int, default=256, help="of a block")
    parser.add_argument("--list-probes", type=int, default=2048, help="of a block in lists")
    parser.add_argument("--json", type=Path, help="where figures are written")
    given = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    for name, (config, changes) in CASES.items():
        found = results[name] = compare(config, changes, given.probes, given.list_probes)
        print(name)
        print(
            f"  software  {found['software']:8,.0f} probes/s, of its instruments' minimum "
            f"{found['minimum']:,.0f}: {found['software_ratio']:.2f} (aimed at 0.8)"
        )
        print(
            f"  hardware  {found['hardware']:8,.0f} probes/s, times software: "
            f"{found['hardware_ratio']:.1f} (aimed at 10; these instruments allow "
            f"{found['limit']:.1f})"
        )
    found = results["bench_board"] = board(given.probes)
    print("bench_board, in real time")
    print(
        f"  software  {found['software']:8,.0f} probes/s, of its line and its supply's minimum "
        f"{found['minimum']:,.0f}: {found['software_ratio']:.2f} (aimed at 0.8)"
    )
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
