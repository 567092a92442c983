"""What a presentation costs on an emulated chip, against PyTorch, and against itself.

    python benchmarks/emulator.py [--rounds 7] [--only network|on-chip] [--json FILE]

The network is the paper's for Fashion-MNIST (14,378 parameters). All that is compared runs in
turn within one process, round after round, after it has been compiled; medians of the rounds'
ratios are printed. Targets: forward ≥ 2 times torch on the CPU, at its best layout and number of
threads; probes with a vector of their own each ≥ 0.7 of plain forward; two threads ≥ 1.5 times one.
On a chip that learns: ≥ 10⁶ steps/s at P = 9 and ≥ 0.5·10⁶ at P = 220, ≥ 1.5 and ≥ 3 times a loop
in Numba as a user would write it, see `on_chip.py`.
torch computes in float32; the engine is compared with it in float32, and shown in float64 too.
"""

# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import on_chip
from numpy.typing import NDArray

from mgd_lab.experiment.emulation import NetworkSettings, Precision
from sim_instruments.compiled_engine import CompiledEngine
from sim_instruments.emulated import network_of
from sim_instruments.engines import Engine, Network, NumpyEngine

Float64 = NDArray[np.float64]

SAMPLES = 4096
# What NumPy is asked for at once: it takes long.
FEW = 128

_CHANNELS = (16, 32, 32)


def fashion_mnist() -> Network:
    """1→16→32→32 convolutions of 3 × 3 with ReLU and pooling, ten dense outputs."""
    layers: list[dict[str, Any]] = []
    for channels in _CHANNELS:
        layers.append({"kind": "conv", "out_channels": channels})
        layers += [{"kind": "relu"}, {"kind": "max_pool"}]
    layers.append({"kind": "dense", "outputs": 10})
    settings = {"kind": "chain", "input": (1, 28, 28), "layers": layers}
    return network_of(NetworkSettings.model_validate(settings))


class Material:
    """θ, amplitudes, samples and codes, the same for all."""

    def __init__(self, network: Network) -> None:
        random = np.random.default_rng(0)
        parameters = network.parameters
        self.theta = random.normal(0, 0.1, parameters).astype(np.float32).astype(np.float64)
        self.amplitudes = np.full(parameters, 0.01)
        self.inputs = random.random((SAMPLES, network.inputs)).astype(np.float32)
        self.targets = random.random((SAMPLES, network.outputs)).astype(np.float32)
        self.samples = np.arange(SAMPLES, dtype=np.uint32)
        width = -(-parameters // 8)
        self.codes = random.integers(0, 256, (SAMPLES, width)).astype(np.uint8)
        self.signs = np.ones(SAMPLES, np.int8)

    @property
    def values(self) -> tuple[Float64, Float64, Float64]:
        """θ, and θ for bits of 0 and of 1."""
        return self.theta, self.theta - self.amplitudes, self.theta + self.amplitudes

    def load(self, engine: Engine) -> Engine:
        """The engine with the samples in its memory."""
        engine.load(self.inputs, self.targets)
        engine.set_amplitudes(self.amplitudes)
        return engine

    def forward(self, engine: Engine, count: int = SAMPLES) -> None:
        """One θ for all."""
        engine.costs(self.theta[None], self.samples[:count])

    def probes(self, engine: Engine, count: int = SAMPLES) -> None:
        """A sample and a ± vector of its own each."""
        chosen = (self.samples[:count], self.signs[:count], self.codes[:count])
        engine.costs_of_codes(*self.values, *chosen)


def compiled(network: Network, precision: Precision, threads: int) -> Engine:
    """The engine with so many threads."""
    return CompiledEngine(network, precision, threads)


def in_torch(
    material: Material, threads: int, layout: str, batch: int
) -> Callable[[], None] | None:
    """The same network in torch, forward; None where torch is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    torch: Any = importlib.import_module("torch")
    modules: list[Any] = []
    before = 1
    for channels in _CHANNELS:
        modules += [torch.nn.Conv2d(before, channels, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
        before = channels
    network = torch.nn.Sequential(*modules, torch.nn.Flatten(), torch.nn.Linear(before, 10))
    format_of = {"channels last": torch.channels_last, "contiguous": torch.contiguous_format}
    network = network.to(memory_format=format_of[layout])
    inputs = torch.from_numpy(material.inputs.reshape(-1, 1, 28, 28))
    inputs = inputs.contiguous(memory_format=format_of[layout])
    targets = torch.from_numpy(material.targets)

    def forward() -> None:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            for first in range(0, SAMPLES, batch):
                span = slice(first, first + batch)
                ((network(inputs[span]) - targets[span]) ** 2).mean(dim=1)

    return forward


def seconds_of(work: Callable[[], None], presentations: int) -> float:
    """Seconds a presentation."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / presentations


def contestants(threads: int) -> dict[str, tuple[Callable[[], None], int]]:
    """What is timed, with the number of its presentations."""
    network = fashion_mnist()
    material = Material(network)
    found: dict[str, tuple[Callable[[], None], int]] = {}
    for precision in ("float32", "float64"):
        for count in sorted({1, threads}):
            engine = material.load(compiled(network, precision, count))
            name = f"{precision}, {count} threads"
            found[f"forward, {name}"] = (lambda e=engine: material.forward(e), SAMPLES)
            found[f"probes, {name}"] = (lambda e=engine: material.probes(e), SAMPLES)
    slow = material.load(NumpyEngine(network))
    found["forward, numpy"] = (lambda: material.forward(slow, FEW), FEW)
    for count in sorted({1, threads}):
        for layout in ("contiguous", "channels last"):
            for batch in (64, 512):
                work = in_torch(material, count, layout, batch)
                if work is not None:
                    found[f"torch, {count} threads, {layout}, batch {batch}"] = (work, SAMPLES)
    return found


def measure(rounds: int, threads: int) -> dict[str, list[float]]:
    """Seconds a presentation of each, round after round."""
    timed = contestants(threads)
    for work, _ in timed.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, (work, count) in timed.items():
            seconds[name].append(seconds_of(work, count))
    return seconds


def ratio(slow: list[float], fast: list[float]) -> float:
    """How many times as fast, as the median of the rounds."""
    return statistics.median(s / f for s, f in zip(slow, fast, strict=True))


def compare(seconds: dict[str, list[float]], threads: int) -> list[dict[str, Any]]:
    """Rates, and the ratios that are aimed at."""
    for name, times in seconds.items():
        print(f"{name}: {1 / statistics.median(times):,.0f} presentations/s", flush=True)
    results: list[dict[str, Any]] = []

    def tell(what: str, found: float, target: float) -> None:
        print(f"{what}: {found:.2f} (target {target})", flush=True)
        results.append({"what": what, "ratio": found, "target": target})

    ours = seconds[f"forward, float32, {threads} threads"]
    theirs = {name: times for name, times in seconds.items() if name.startswith("torch")}
    if theirs:
        best = min(theirs, key=lambda name: statistics.median(theirs[name]))
        tell(f"forward against {best}", ratio(theirs[best], ours), 2.0)
    else:
        print("forward against torch: skipped, since torch is not installed")
    for precision in ("float32", "float64"):
        plain = seconds[f"forward, {precision}, {threads} threads"]
        own = seconds[f"probes, {precision}, {threads} threads"]
        tell(f"probes against forward, {precision}", ratio(plain, own), 0.7)
        if threads > 1:
            alone = seconds[f"probes, {precision}, 1 threads"]
            tell(f"{threads} threads against one, {precision}", ratio(alone, own), 1.5)
    return results


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("network", "on-chip"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {}
    if options.only != "on-chip":
        seconds = measure(options.rounds, options.threads)
        report["ratios"] = compare(seconds, options.threads)
        report["presentations_per_second"] = {
            name: 1 / statistics.median(times) for name, times in seconds.items()
        }
    if options.only != "network":
        report["on_chip"] = on_chip.compare(options.rounds)
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
