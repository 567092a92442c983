"""What it costs to lose nothing.

    python benchmarks/durability.py [--rounds 5] [--steps 10000000] [--json FILE]

Training at τ_θ = 1 over TCP with every measurement kept and checkpoints every second, against the
same training with records dropped, in turn (target: rate ratio ≥ 0.9); the bytes that a step takes
in the log; and, of a run of 10⁷ steps, the time from starting `mgd-lab resume` to the first new
probe (target: under 2 s). `benchmarks/large_log.py` opens and plots a log of 10⁸ steps.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import mgd_lab
from mgd_lab.bench.assembly import assemble, fit, start
from mgd_lab.bench.chips import build_chip
from mgd_lab.bench.initial import initial_parameters
from mgd_lab.bench.task import data_set
from mgd_lab.controller import SystemClock
from mgd_lab.experiment import EmulationSettings, LoadedExperiment
from mgd_lab.records import Record
from mgd_lab.run_store import RunWriter, create_run
from sim_instruments.emulated import emulated_chip
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.socket_server import SocketServer

_LAYERS = (2, 2, 1)
_STEPS_OVER_TCP = 8_000
# Run in a process of its own: says when the first probe after a resume is measured.
_RESUME = """
import sys, time
from sim_instruments.emulated import EmulatedChip
measured, done = EmulatedChip.measure_generated, int(sys.argv[2])
def first(self, theta, step, skip, count):
    if step >= done:
        print("first probe", time.time(), flush=True)
        EmulatedChip.measure_generated = measured
    return measured(self, theta, step, skip, count)
EmulatedChip.measure_generated = first
from mgd_lab.cli import main
sys.argv = ["mgd-lab", "resume", sys.argv[1], "--set", f"stop.steps={done + 4096}"]
main()
"""


class Nowhere:
    """A sink that forgets."""

    def write(self, record: Record) -> None:
        """Nothing."""


def _serve(ready: Connection) -> None:
    chip = emulated_chip(EmulationSettings.model_validate({"network": {"layers": _LAYERS}}))
    server = SocketServer(ScpiChipDevice(chip), "127.0.0.1", 0, Occupancy())
    server.start()
    ready.send(server.resource)
    ready.recv()
    server.close()


@contextmanager
def served() -> Generator[str]:
    """Resource of an emulated chip in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join()


def experiment(folder: Path, chip: dict[str, Any], tau_theta: int, steps: int) -> LoadedExperiment:
    """Two-bit parity; evaluations so rare that they do not count."""
    path = folder / f"{chip['driver']}-{tau_theta}.yaml"
    path.write_text(
        json.dumps(
            {
                "name": path.stem,
                "chip": chip,
                "task": {"dataset": "parity", "bits": 2},
                "training": {
                    "perturbation": {"kind": "random", "amplitude": 0.05},
                    "time_constants": {"tau_theta": tau_theta},
                    "update": {"learning_rate": 0.1 / tau_theta},
                },
                "stop": {"steps": steps},
                "evaluate": {"every_steps": steps},
            }
        )
    )
    return mgd_lab.load_experiment(path)


def seconds_of(loaded: LoadedExperiment, folder: Path, *, durable: bool) -> tuple[float, Path]:
    """Seconds of the training, the closing of its log included, and the run's folder."""
    chosen = loaded.experiment
    with build_chip(chosen.chip) as chip:
        fitted = fit(chosen, data_set(chosen.task, chosen.seed), chip)
        state = start(fitted, initial_parameters(chosen.training.initial, chosen.seed, chip))
        run = create_run(folder, "bench", files={}, resolved={}, environment={}, simulated=True)
        store = RunWriter(run) if durable else nullcontext(Nowhere())
        began = time.perf_counter()
        with store as sink, ThreadPoolExecutor(1) as workers:
            assemble(
                fitted,
                chip,
                sink=sink,
                clock=SystemClock(),
                interrupt=threading.Event(),
                observe=lambda _: None,
                workers=workers,
            ).run(state)
        return time.perf_counter() - began, run.path


def rate_over_tcp(rounds: int, folder: Path) -> dict[str, Any]:
    """Durable against not, over a socket at τ_θ = 1."""
    ratios: list[float] = []
    rates: list[float] = []
    with served() as resource:
        chip = {"driver": "scpi", "resource": resource}
        loaded = experiment(folder, chip, 1, _STEPS_OVER_TCP)
        for k in range(rounds + 1):
            durable, _ = seconds_of(loaded, folder / "runs", durable=True)
            dropped, _ = seconds_of(loaded, folder / "runs", durable=False)
            if k:  # the first round warms up
                ratios.append(dropped / durable)
                rates.append(_STEPS_OVER_TCP / durable)
    ratio = statistics.median(ratios)
    print(
        f"tau_theta 1 over TCP: {statistics.median(rates):,.0f} steps/s, all kept; ratio to "
        f"nothing kept {ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f}; target 0.9)",
        flush=True,
    )
    return {"ratio": ratio, "ratios": ratios, "target": 0.9}


def long_run(steps: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Bytes a step, and the time that a resume takes to its first new probe."""
    chip = {"driver": "emulated", "network": {"layers": list(_LAYERS)}}
    loaded = experiment(folder, chip, 1024, steps)
    result = mgd_lab.run(loaded, runs_dir=folder / "runs")
    if result.path is None:
        raise SystemExit("the run has no folder")
    log = result.path / "log.sqlite"
    bytes_a_step = log.stat().st_size / result.counters.steps
    print(f"{steps:,} steps: {bytes_a_step:.2f} bytes a step in the log", flush=True)
    seconds: list[float] = []
    for _ in range(rounds):
        with mgd_lab.open_run(result.path) as run:
            done = run.counters.steps
        began = time.time()
        program = subprocess.run(
            [sys.executable, "-c", _RESUME, str(result.path), str(done)],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        )
        [line] = [line for line in program.stdout.splitlines() if line.startswith("first probe")]
        seconds.append(float(line.split()[-1]) - began)
    median = statistics.median(seconds)
    print(
        f"resume of {steps:,} steps to its first new probe: {median:.2f} s "
        f"({min(seconds):.2f}-{max(seconds):.2f}; target below 2)",
        flush=True,
    )
    return {
        "steps": steps,
        "bytes_a_step": bytes_a_step,
        "resume_seconds": median,
        "all_seconds": seconds,
        "target_seconds": 2.0,
    }


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        results = {
            "rate": rate_over_tcp(options.rounds, folder),
            "long_run": long_run(options.steps, options.rounds, folder),
        }
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
