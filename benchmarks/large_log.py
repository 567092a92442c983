"""What a long log costs to open, show and plot: time and peak memory against one 100 times shorter.

    python benchmarks/large_log.py [--steps 100000000] [--folder DIR] [--json FILE]

Logs are written through the log's own writer, with random costs: about 17 bytes a step, so that
10⁸ steps take 1.8 GB of the disk, which are freed at the end. Each measurement is a process of its
own. Targets: peak memory below 500 MB, and not 1.5 times that of the short log.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import mgd_lab
from mgd_lab.bench.chips import build_chip
from mgd_lab.experiment import resolved_mapping
from mgd_lab.records import (
    Checkpoint,
    Counters,
    Evaluation,
    ParameterSnapshot,
    Record,
    StepBlock,
    Telemetry,
)
from mgd_lab.run_store import RunFolder, create_run
from mgd_lab.run_store.log_writer import LogWriter

BYTES_A_STEP = 17
ROW = 1_000
EVERY = 100_000
TARGET_MB = 500.0
TARGET_RATIO = 1.5

EXPERIMENT: dict[str, Any] = {
    "name": "long",
    "seed": 1,
    "chip": {"driver": "emulated", "name": "2-2-1 chip", "network": {"layers": [2, 2, 1]}},
    "task": {"dataset": "parity"},
    "stop": {"seconds": 1.0},
}

# Each is a program that takes the run's folder and prints seconds and peak resident megabytes.
PROGRAMS = {
    "open": "from mgd_lab import open_run",
    "show": "from mgd_lab.cli import show",
    "plot": "from mgd_lab.figures import plot_runs",
    "read 1000 of all": "from mgd_lab import open_run",
    "checksums": "from mgd_lab import open_run",
}
BODIES = {
    "open": "with open_run(path) as run: run.summary; run.counters; run.costs(0, 1000)",
    "show": "show.command(path)",
    "plot": "plot_runs([path], path / 'plot.png')",
    "read 1000 of all": "with open_run(path) as run: run.costs(stride=run.counters.steps // 1000)",
    "checksums": "with open_run(path) as run: assert run.damaged_blocks() == []",
}
FRAME = """
import contextlib, io, re, sys, time
from pathlib import Path
{imports}
path = Path(sys.argv[1])
began = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):
    {body}
seconds = time.perf_counter() - began
# Not ru_maxrss: that begins with what the parent process held.
kilobytes = re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]
print(seconds, int(kilobytes) / 1000)
"""


def new_run(folder: Path) -> RunFolder:
    """A run without records, of an emulated chip."""
    file = folder / "long.yaml"
    file.write_text(json.dumps(EXPERIMENT), encoding="utf-8")
    loaded = mgd_lab.load_experiment(file)
    with build_chip(loaded.experiment.chip) as chip:
        description = chip.description.as_mapping()
    description["telemetry"] = [{"name": "supply", "unit": "V"}, {"name": "die", "unit": "°C"}]
    environment = {"chip": {"description": description, "rung": "signs", "identity": {}}}
    resolved = resolved_mapping(loaded.experiment)
    return create_run(
        folder, "long", files={}, resolved=resolved, environment=environment, simulated=True
    )


def write(folder: RunFolder, steps: int) -> float:
    """Fills the log; seconds that it took."""
    random = np.random.default_rng(1)
    costs, baselines = random.random((2, EVERY))
    samples = random.integers(0, 4, EVERY).astype(np.uint8)
    began = time.perf_counter()
    log = LogWriter(folder.log)
    for first in range(0, steps, EVERY):
        for at in range(0, EVERY, ROW):
            span = slice(at, at + ROW)
            log.write(StepBlock(first + at, samples[span], costs[span], baselines[span], 0.0, 0.0))
        for record in beside(first + EVERY, costs[:9]):
            log.write(record)
    log.close()
    return time.perf_counter() - began


def beside(step: int, theta: np.ndarray[Any, np.dtype[np.float64]]) -> list[Record]:
    """What is kept beside the costs when `step` steps have been done, and a checkpoint."""
    readings = [Telemetry(step, ("supply", "die"), theta[:2], float(step + k)) for k in range(10)]
    return [
        ParameterSnapshot(step, step, theta),
        Evaluation(step, step, "train", 4, float(theta[0]), 0.5, float(step)),
        *readings,
        Checkpoint(Counters(step, 2 * step), float(step), float(step), {"theta": theta}),
    ]


def measure(name: str, folder: RunFolder) -> dict[str, float]:
    """Seconds and peak resident memory of one of the programs."""
    program = FRAME.format(imports=PROGRAMS[name], body=BODIES[name])
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder.path)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, megabytes = map(float, done.stdout.split())
    return {"seconds": seconds, "peak_mb": megabytes}


def compare(steps: int, folder: Path) -> dict[str, Any]:
    """Both logs, and every program on each."""
    short, long = steps // 100, steps
    runs = {size: new_run(folder) for size in (short, long)}
    writing = {size: write(run, size) for size, run in runs.items()}
    size = runs[long].log.stat().st_size
    print(
        f"{long:.0e} steps: {size / 1e6:,.0f} MB, {size / long:.2f} bytes a step, written in "
        f"{writing[long]:.1f} s",
        flush=True,
    )
    results: dict[str, Any] = {
        "steps": long,
        "bytes": size,
        "bytes_a_step": size / long,
        "write_seconds": writing[long],
        "cases": [],
    }
    for name in PROGRAMS:
        few, many = measure(name, runs[short]), measure(name, runs[long])
        memory = many["peak_mb"] / few["peak_mb"]
        results["cases"].append(
            {"case": name, "short": few, "long": many, "memory_ratio": memory}
            | {"time_ratio": many["seconds"] / few["seconds"]}
        )
        print(
            f"{name}: {many['seconds']:.2f} s against {few['seconds']:.2f} s, peak "
            f"{many['peak_mb']:.0f} MB (target {TARGET_MB:.0f}) against {few['peak_mb']:.0f} MB: "
            f"{memory:.2f} (target {TARGET_RATIO})",
            flush=True,
        )
    return results


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=100_000_000)
    parser.add_argument("--folder", type=Path, help="where to write the logs; a temporary folder")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.steps % (100 * EVERY):
        parser.error(f"--steps: a multiple of {100 * EVERY:,}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        needed, free = 1.2 * BYTES_A_STEP * options.steps, shutil.disk_usage(name).free
        if free < needed:
            parser.error(
                f"{name} has {free / 1e9:.1f} GB free and {needed / 1e9:.1f} GB are needed; use "
                "--folder or fewer --steps"
            )
        results = compare(options.steps, Path(name))
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
