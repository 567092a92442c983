"""How much the controller costs: its steps a second against a bare NumPy loop's.

    python benchmarks/controller.py [--rounds 7] [--json FILE]

Everything that is compared runs in turn within one process, round after round; medians of the
rounds' ratios are printed. Targets: ≥ 0.5 at τ_θ = 1, P = 9; ≥ 0.4 at τ_θ = 1024, P = 9; ≥ 1.0 at
τ_θ = 1024, P = 220; log on against off ≥ 0.9; through pyvisa-sim ≥ 0.6 of a bare pyvisa loop of
the same exchanges at τ_θ = 1; peak memory flat within 5 % between 10⁵ and 10⁷ steps.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bare_loop
import numpy as np
import pyvisa

import mgd_lab
from drivers.scpi import DRIVER
from mgd_lab.bench.assembly import assemble, fit, start
from mgd_lab.bench.chips import build_chip
from mgd_lab.bench.initial import initial_parameters
from mgd_lab.bench.task import data_set
from mgd_lab.controller import SystemClock
from mgd_lab.experiment import LoadedExperiment
from mgd_lab.records import Record
from mgd_lab.run_store import RunWriter, create_run
from sim_instruments.scpi_chip import INSTRUMENT
from sim_instruments.visa_library import DeviceCore, simulated_library


@dataclass(frozen=True)
class Case:
    """A network, a window, and the ratio to the bare loop that is aimed at."""

    layers: tuple[int, int, int]
    tau_theta: int
    steps: int
    target: float


CASES = {
    "tau_theta 1, P 9": Case((2, 2, 1), 1, 30_000, 0.5),
    "tau_theta 1024, P 9": Case((2, 2, 1), 1024, 2_048_000, 0.4),
    "tau_theta 1024, P 220": Case((49, 4, 4), 1024, 614_400, 1.0),
}


class Nowhere:
    """A sink that forgets."""

    def write(self, record: Record) -> None:
        """Nothing."""


def experiment(
    folder: Path,
    layers: tuple[int, ...],
    tau_theta: int,
    steps: int,
    chip: dict[str, Any] | None = None,
) -> LoadedExperiment:
    """Random codes, measured baseline; evaluations so rare that they do not count."""
    data = folder / f"{layers[0]}.npz"
    if not data.exists():
        random = np.random.default_rng(0)
        np.savez(
            data,
            inputs=random.integers(0, 2, (256, layers[0])).astype(np.float32),
            targets=random.random((256, layers[-1])).astype(np.float32),
        )
    path = folder / f"{layers[0]}-{tau_theta}-{steps}.yaml"
    network = {"layers": list(layers)}
    path.write_text(
        json.dumps(
            {
                "seed": 1,
                "chip": {"driver": "emulated", **(chip or {}), "network": network},
                "task": {"dataset": "arrays", "file": str(data)},
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


def controller(
    loaded: LoadedExperiment, folder: Path, *, log: bool, chip: Any = None
) -> tuple[float, Any]:
    """Seconds of the training loop, the closing of its log included, and the last θ."""
    chosen = loaded.experiment
    chip = chip or build_chip(chosen.chip)
    with chip:
        fitted = fit(chosen, data_set(chosen.task, chosen.seed), chip)
        state = start(fitted, initial_parameters(chosen.training.initial, chosen.seed, chip))
        store = (
            RunWriter(
                create_run(folder, "bench", files={}, resolved={}, environment={}, simulated=True)
            )
            if log
            else nullcontext(Nowhere())
        )
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
        return time.perf_counter() - began, state.theta


def bare(loaded: LoadedExperiment) -> tuple[float, Any]:
    """Seconds of the bare loop, and the last θ."""
    chosen = loaded.experiment
    chip = build_chip(chosen.chip)
    network = bare_loop.Network(*chosen.chip.network.layers)  # type: ignore[attr-defined]
    inputs, targets = data_set(chosen.task, chosen.seed).split("train")
    theta = initial_parameters(chosen.training.initial, chosen.seed, chip)
    x, t = inputs.astype(np.float64), targets.astype(np.float64)
    began = time.perf_counter()
    theta = bare_loop.train(
        network,
        x,
        t,
        theta,
        seed=chosen.seed,
        steps=chosen.stop.steps or 0,
        tau_theta=int(chosen.training.time_constants.tau_theta),
        amplitude=0.05,
        learning_rate=chosen.training.update.learning_rate,
    )
    return time.perf_counter() - began, theta


def compare(name: str, rounds: int, folder: Path) -> dict[str, Any]:
    """Bare loop, controller with log, controller without, in turn."""
    case = CASES[name]
    loaded = experiment(folder, case.layers, case.tau_theta, case.steps)
    seconds: dict[str, list[float]] = {"bare": [], "log": [], "no log": []}
    for k in range(rounds + 1):
        bare_seconds, expected = bare(loaded)
        log_seconds, found = controller(loaded, folder / "runs", log=True)
        none_seconds, _ = controller(loaded, folder / "runs", log=False)
        if k == 0:
            # The first round warms up; and the two must have done the same thing. θ is sent as
            # float32, which the bare loop does not imitate.
            if not np.allclose(found, expected, rtol=0.0, atol=1e-3):
                raise SystemExit(f"{name}: controller and bare loop disagree")
            continue
        seconds["bare"].append(bare_seconds)
        seconds["log"].append(log_seconds)
        seconds["no log"].append(none_seconds)
    ratio = statistics.median(b / c for b, c in zip(seconds["bare"], seconds["log"], strict=True))
    logging = statistics.median(
        n / c for n, c in zip(seconds["no log"], seconds["log"], strict=True)
    )
    result: dict[str, Any] = {
        "case": name,
        "steps": case.steps,
        "controller_steps_per_second": case.steps / statistics.median(seconds["log"]),
        "bare_steps_per_second": case.steps / statistics.median(seconds["bare"]),
        "ratio": ratio,
        "target": case.target,
        "log_on_against_off": logging,
    }
    print(
        f"{name}: {result['controller_steps_per_second']:,.0f} steps/s, bare "
        f"{result['bare_steps_per_second']:,.0f}: ratio {ratio:.2f} (target {case.target}), "
        f"log on/off {logging:.2f} (target 0.9)",
        flush=True,
    )
    return result


class RecordingCore:
    """A device core that keeps what passes through it."""

    def __init__(self, core: DeviceCore, exchanges: list[tuple[bytes, int]]) -> None:
        self._core = core
        self._exchanges = exchanges

    def respond(self, message: bytes) -> bytes:
        """The core's response."""
        response = self._core.respond(message)
        self._exchanges.append((message, len(response)))
        return response

    def overrun(self, reason: str) -> None:
        """As the core."""
        self._core.overrun(reason)


def visa_chip(loaded: LoadedExperiment, wrap: list[tuple[bytes, int]] | None) -> tuple[Any, Any]:
    """The simulated library and the driver's chip on it."""
    settings: Any = loaded.experiment.chip
    core: DeviceCore = INSTRUMENT.build(settings)
    if wrap is not None:
        core = RecordingCore(core, wrap)
    library = simulated_library({settings.resource: core})
    return library, DRIVER.build(settings, library)


def bare_visa(loaded: LoadedExperiment, exchanges: list[tuple[bytes, int]]) -> float:
    """Seconds to pass the same messages through pyvisa, with nothing before, between or after."""
    library, _ = visa_chip(loaded, None)
    settings: Any = loaded.experiment.chip
    resource: Any = pyvisa.ResourceManager(library).open_resource(settings.resource)
    resource.read_termination = None
    resource.write_termination = None
    began = time.perf_counter()
    for message, length in exchanges:
        resource.write_raw(message)
        if message.startswith(b"EXCH"):
            resource.read_bytes(length)
        elif length:
            # The few replies of the set-up differ in length from session to session.
            resource.read_raw()
    seconds = time.perf_counter() - began
    resource.close()
    return seconds


def compare_visa(rounds: int, folder: Path) -> dict[str, Any]:
    """The driver through pyvisa-sim, two probes an exchange, against a bare pyvisa loop."""
    steps = 30_000
    resource = "TCPIP0::benchmark::5025::SOCKET"
    chip = {"driver": "scpi", "resource": resource, "visa_library": "@sim"}
    chip |= {"simulated": {"instrument": "scpi_chip", "resource": resource}}
    loaded = experiment(folder, (2, 2, 1), 1, steps, chip=chip)
    exchanges: list[tuple[bytes, int]] = []
    _, recorded = visa_chip(loaded, exchanges)
    controller(loaded, folder / "runs", log=True, chip=recorded)
    ratios: list[float] = []
    for k in range(rounds + 1):
        bare_seconds = bare_visa(loaded, exchanges)
        _, chip_here = visa_chip(loaded, None)
        ours, _ = controller(loaded, folder / "runs", log=True, chip=chip_here)
        if k:
            ratios.append(bare_seconds / ours)
    ratio = statistics.median(ratios)
    print(f"through pyvisa-sim, tau_theta 1, P 9: ratio {ratio:.2f} (target 0.6)", flush=True)
    return {"steps": steps, "exchanges": len(exchanges), "ratio": ratio, "target": 0.6}


def peak_memory(steps: int, folder: Path) -> float:
    """Peak resident memory of a run of its own process, MB."""
    code = (
        "import re, sys; sys.path.insert(0, sys.argv[1]); import controller; "
        "from pathlib import Path; folder = Path(sys.argv[2]); "
        "loaded = controller.experiment(folder, (2, 2, 1), 1024, int(sys.argv[3])); "
        "controller.controller(loaded, folder / 'runs', log=True); "
        # Not ru_maxrss: that begins with what the parent process held.
        "status = Path('/proc/self/status').read_text(); "
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', status)[1]) / 1000)"
    )
    here = str(Path(__file__).parent)
    output = subprocess.run(
        [sys.executable, "-c", code, here, str(folder), str(steps)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(output.stdout)


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=[*CASES, "memory", "visa"])
    options = parser.parse_args()
    results: dict[str, Any] = {"cases": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in CASES:
            if options.only in (None, case):
                results["cases"].append(compare(case, options.rounds, folder))
        if options.only in (None, "visa"):
            results["visa"] = compare_visa(options.rounds, folder)
        if options.only in (None, "memory"):
            few, many = peak_memory(100_000, folder), peak_memory(10_000_000, folder)
            results["peak_memory_mb"] = {"1e5 steps": few, "1e7 steps": many}
            print(f"peak memory: {few:.1f} MB at 1e5 steps, {many:.1f} MB at 1e7: {many / few:.3f}")
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
