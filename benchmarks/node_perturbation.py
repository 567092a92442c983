"""How many probes a gradient takes, when nodes are perturbed and when weights are.

    python benchmarks/node_perturbation.py [--repeats 24] [--json FILE] [--figure FILE]

Random codes of small amplitude on noise-free emulated chips, with scikit-learn's digits. Each
repeat has its own θ, samples and codes; both methods get the same θ and samples. The angle is that
between the estimate so far and the true gradient, by central differences of the network. `one
sample` holds a sample, whose baseline is one probe in all; `mean of 8` presents another one of 8
samples at each step, each with its baseline: two probes a step. Probes are medians over repeats
with 95 % intervals from 2000 bootstrap samples, ratios are those of the medians.

`nodes, balanced` gives each layer an amplitude of its own, ∝ (N/G)^¼ with N = Σ (|x|² + 1) over its
nodes and G = |∂C/∂a|², means of eight other starts: what makes the estimate's noise least.
`law` is what the noise of independent codes makes of 45° on one sample: P − 1 for weights, and
|∂C/∂a|² Σ N / |∂C/∂θ|² for nodes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from node_angles import Data, Trial, angles, balanced, chip_of, node_count
from numpy.typing import NDArray

from mgd_lab.datasets.digits import digits
from mgd_lab.figures.style import GREY, PALETTE, SETTINGS, WIDTH_INCHES

Float64 = NDArray[np.float64]
Interval = tuple[float, float, float]

NETWORKS: dict[str, dict[str, Any]] = {
    "MLP 64-32-10": {
        "layers": [64, 32, 10],
        "activation": "tanh",
        "output_activation": "softmax",
    },
    "CNN 8 (3×3)-10": {
        "kind": "chain",
        "input": [1, 8, 8],
        "layers": [
            {"kind": "conv", "out_channels": 8},
            {"kind": "relu"},
            {"kind": "max_pool"},
            {"kind": "dense", "outputs": 10},
            {"kind": "softmax"},
        ],
    },
}
SAMPLES = 8
# Of one sample, and of a mean.
DEGREES = ((45.0, 30.0), (45.0,))
_GRID_RATIO = 1.06
# Steps that angles are followed for, in numbers of what is perturbed: (means, nodes) → steps.
_FOLLOWED = {(False, False): 5, (False, True): 20, (True, False): 14, (True, True): 40}


@dataclass(frozen=True)
class Row:
    """Probes to an angle, medians with 95 % intervals; null where too many did not reach it."""

    network: str
    gradient: str
    degrees: float
    method: str
    perturbed: int
    probes: Interval | None
    fewer_than_weights: Interval | None
    law_at_45: float | None
    repeats: int


@dataclass(frozen=True)
class Curves:
    """Angles (repeats, grid) in degrees after so many probes (grid,)."""

    probes: Float64
    degrees: Float64


def followed(
    name: str, data: Data, samples: int, repeats: int
) -> tuple[dict[str, Curves], dict[str, float]]:
    """Curves of all methods, and of one sample the law's medians."""
    chip = chip_of(NETWORKS[name])
    nodes = node_count(chip)
    relative = balanced(chip, data)
    even = np.ones_like(relative)
    steps = {"weights": chip.description.parameters, "nodes": nodes, "nodes, balanced": nodes}
    grids = {
        method: _grid(int(_FOLLOWED[samples > 1, method != "weights"] * count))
        for method, count in steps.items()
    }
    found: dict[str, list[Float64]] = {method: [] for method in steps}
    laws: dict[str, list[float]] = {method: [] for method in steps}
    for seed in range(1, repeats + 1):
        trial = Trial(chip, data, seed, samples)
        makers = {
            "weights": trial.weights,
            "nodes": partial(trial.nodes, relative=even),
            "nodes, balanced": partial(trial.nodes, relative=relative),
        }
        for method, make in makers.items():
            blocks = make(trial.shown(int(grids[method][-1])))
            found[method].append(angles(blocks, trial.gradient, grids[method]))
        if samples == 1:
            noise, squares = trial.of_layers()
            signal = trial.gradient @ trial.gradient
            laws["weights"].append(chip.description.parameters - 1.0)
            for method, a in (("nodes", even), ("nodes, balanced", relative)):
                laws[method].append(float(np.sum(noise / a**2) * np.sum(squares * a**2) / signal))
    # A held sample has one baseline in all; samples that change have one each.
    extra, each = (1.0, 1.0) if samples == 1 else (0.0, 2.0)
    curves = {
        method: Curves(extra + each * grid.astype(np.float64), np.array(found[method]))
        for method, grid in grids.items()
    }
    return curves, {method: float(np.median(law)) for method, law in laws.items() if law}


def reached(curves: Curves, degrees: float) -> Float64:
    """Probes of each repeat until its angle is `degrees` for the first time; infinite if never."""
    below = curves.degrees <= degrees
    return np.where(below.any(axis=1), curves.probes[below.argmax(axis=1)], np.inf)


def with_interval(values: Float64, others: Float64 | None = None) -> Interval | None:
    """Median (of values, or its ratio to that of others) and 95 % interval of the bootstrap.

    None where too many repeats did not reach the angle to tell.
    """
    rows = np.random.default_rng(1).integers(0, len(values), (2000, len(values)))

    def medians(chosen: NDArray[np.int64]) -> Float64:
        found = np.median(values[chosen], axis=-1)
        return found if others is None else found / np.median(others[chosen], axis=-1)

    edges = np.quantile(medians(rows), [0.025, 0.975], method="nearest")
    found = np.array([medians(np.arange(len(values))), *edges])
    middle, low, high = found.tolist()
    return (middle, low, high) if np.isfinite(found).all() else None


def table(name: str, gradient: str, curves: dict[str, Curves], laws: dict[str, float]) -> list[Row]:
    """A row a method and angle."""
    chip = chip_of(NETWORKS[name])
    rows: list[Row] = []
    for degrees in DEGREES[gradient != "one sample"]:
        weights = reached(curves["weights"], degrees)
        for method, each in curves.items():
            probes = reached(each, degrees)
            rows.append(
                Row(
                    network=name,
                    gradient=gradient,
                    degrees=degrees,
                    method=method,
                    perturbed=len(chip.description.safe)
                    if method == "weights"
                    else node_count(chip),
                    probes=with_interval(probes),
                    fewer_than_weights=None
                    if method == "weights"
                    else with_interval(weights, probes),
                    law_at_45=laws.get(method),
                    repeats=len(each.degrees),
                )
            )
    return rows


def drawn(curves: dict[tuple[str, int], dict[str, Curves]], path: Path) -> None:
    """Medians, and of one sample the middle 95 % of the repeats."""
    mpl: Any = importlib.import_module("matplotlib")
    plt: Any = importlib.import_module("matplotlib.pyplot")
    with mpl.rc_context(dict(SETTINGS)):
        size = {"figsize": (WIDTH_INCHES, 3.0), "layout": "constrained"}
        figure, axes = plt.subplots(1, len(NETWORKS), sharey=True, **size)
        for ax, name in zip(axes, NETWORKS, strict=True):
            for (network, samples), methods in curves.items():
                if network == name:
                    _draw(ax, methods, samples)
            for degrees in DEGREES[0]:
                ax.axhline(degrees, color=GREY, lw=0.5, ls=":")
            ax.set_xscale("log")
            ax.set_xlim(2, 2e5)
            ax.set_xticks([10**k for k in range(1, 6)], [f"{10**k:,}" for k in range(1, 6)])
            ax.set_title(name, fontsize=9.0)
            ax.set_xlabel("Probes, baselines included")
        axes[0].set_ylabel("Angle to the true gradient (°)")
        axes[0].set_ylim(0, 90)
        axes[0].set_yticks([0, 30, 45, 60, 90])
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        figure.savefig(path)


def _draw(ax: Any, methods: dict[str, Curves], samples: int) -> None:
    for colour, (method, each) in zip(PALETTE, methods.items(), strict=False):
        label = f"{method}, {'one sample' if samples == 1 else f'mean of {samples}'}"
        low, middle, high = np.percentile(each.degrees, [2.5, 50, 97.5], axis=0)
        ax.plot(each.probes, middle, color=colour, ls="-" if samples == 1 else "--", label=label)
        if samples == 1:
            ax.fill_between(each.probes, low, high, color=colour, alpha=0.2, lw=0)


def _grid(most: int) -> NDArray[np.int64]:
    places = math.ceil(math.log(most) / math.log(_GRID_RATIO))
    return np.array(sorted({round(_GRID_RATIO**place) for place in range(places)}), np.int64)


def _told(value: Interval | None) -> str:
    if value is None:
        return "not reached"
    middle, low, high = (f"{each:,.0f}" if value[0] >= 100 else f"{each:.3g}" for each in value)
    return f"{middle} ({low}–{high})"


def _print(rows: list[Row]) -> None:
    print("| network | gradient | angle | perturbed | probes | fewer by | law at 45° |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        fewer = "" if row.method == "weights" else _told(row.fewer_than_weights)
        law = "" if row.law_at_45 is None or row.degrees != 45 else f"{row.law_at_45:,.0f}"
        print(
            f"| {row.network} | {row.gradient} | {row.degrees:g}° | {row.perturbed:,} {row.method} "
            f"| {_told(row.probes)} | {fewer} | {law} |"
        )


def main() -> int:
    """Table to the screen, JSON and figure to files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=24)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    data = digits().split("train")
    rows: list[Row] = []
    curves: dict[tuple[str, int], dict[str, Curves]] = {}
    for name in NETWORKS:
        for samples, gradient in ((1, "one sample"), (SAMPLES, f"mean of {SAMPLES}")):
            began = time.perf_counter()
            curves[name, samples], laws = followed(name, data, samples, options.repeats)
            rows.extend(table(name, gradient, curves[name, samples], laws))
            print(f"{name}, {gradient}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    _print(rows)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if options.figure:
        drawn(curves, options.figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
