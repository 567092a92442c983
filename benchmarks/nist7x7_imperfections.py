"""NIST7x7 on imperfect chips: what training reaches, and how long it takes.

    python benchmarks/nist7x7_imperfections.py claims [--seeds 5] [--steps 1000000] [--json FILE]
    python benchmarks/nist7x7_imperfections.py curves [--seeds 3] [--steps 300000] [--json FILE]
                                                      [--only TITLE] [--figure FILE]

`claims` trains a clean chip and three imperfect ones for 10⁶ steps and prints the median accuracy
on the held-out tenth; Adam beside the shipped rule where neurons differ. `curves` turns up one
imperfection at a time and prints the probes to 80 % on a validation tenth, beside the levels at
which fewer than half of the chips ever get there. Each seed is another start, another order of
codes and samples, and another chip.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from many_runs import Ended, run_all

from mgd_lab.figures.style import GREY, PALETTE, SETTINGS, WIDTH_INCHES

_CONFIGS = Path(__file__).parent.parent / "configs"
_EXPERIMENT = _CONFIGS / "nist7x7.yaml"
_ADAM: Mapping[str, Any] = {"training.update": {"rule": "adam", "learning_rate": 0.001}}

Overrides = Mapping[str, Any]

_TARGET = 0.8
_RANGE = 8.0
# Where the emulated chip's own loop is compiled it trains by itself, in a tenth of the time.
_BY_ITSELF: Mapping[str, Any] = {"chip.rung": "learns", "logging.costs": "none"}


@dataclass(frozen=True)
class Imperfection:
    """One imperfection at several levels.

    Attributes:
        title: with its unit, for tables and axes.
        levels: from none to too much.
        key: of the chip file, below `imperfections`; a level goes there.
        besides: what else is said there.
    """

    title: str
    levels: Sequence[float]
    key: str
    besides: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def overrides(self, level: float) -> Overrides:
        """Of the experiment."""
        if level == 0:
            return _BY_ITSELF
        value: Any = level
        if self.key == "resolution.bits":
            grid = {"bits": int(level), "low": -_RANGE, "high": _RANGE}
            return {"chip.imperfections": {"resolution": grid}}
        for name in reversed(self.key.split(".")):
            value = {name: value}
        own: Overrides = _BY_ITSELF if self.key == "activation_variation" else {}
        return {"chip.imperfections": {**value, **self.besides}, **own}


CURVES = (
    Imperfection("cost noise σ", (0, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3), "cost_noise.white"),
    Imperfection("read noise σ of outputs", (0, 3e-3, 1e-2, 3e-2, 0.1, 0.3), "read_noise.outputs"),
    Imperfection("noise σ of values written", (0, 3e-4, 3e-3, 1e-2, 3e-2, 0.1), "update_noise"),
    Imperfection(
        "noise σ of increments",
        (0, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
        "update_noise",
        {"writing": "increments"},
    ),
    Imperfection("activation variation σ", (0, 0.1, 0.2, 0.4, 0.8, 1.6), "activation_variation"),
    Imperfection("bits of θ, float copy", (0, 8, 6, 5, 4, 3, 2), "resolution.bits"),
    Imperfection("crosstalk to neighbours", (0, 0.05, 0.1, 0.2, 0.4, 0.8), "crosstalk"),
    Imperfection("fraction of θ stuck", (0, 0.02, 0.05, 0.1, 0.2, 0.4), "stuck.fraction"),
)

CLAIMS: Mapping[str, tuple[Overrides, float]] = {
    "clean chip": (_BY_ITSELF, 0.95),
    "cost noise 0.003": ({"chip.imperfections": {"cost_noise": {"white": 0.003}}}, 0.92),
    "θ of 4 bits, float copy": (
        {
            "chip.imperfections": {
                "resolution": {"bits": 4, "low": -_RANGE, "high": _RANGE},
            }
        },
        0.92,
    ),
    "activation variation 0.2": (
        {"chip.imperfections": {"activation_variation": 0.2}, **_BY_ITSELF},
        0.92,
    ),
    "clean chip, Adam": ({**_ADAM, **_BY_ITSELF}, 0.95),
    "variation 0.2, Adam": (
        {"chip.imperfections": {"activation_variation": 0.2}, **_ADAM, **_BY_ITSELF},
        0.92,
    ),
}


def _common(seed: int, steps: int, every: int, split: str) -> dict[str, Any]:
    return {
        "seed": seed,
        "chip.seed": seed,
        "stop": {"steps": steps},
        "evaluate": {"every_steps": every, "split": split},
        "logging.costs": "window_mean",
        "task.split": {"validation": 0.1, "test": 0.1},
    }


def _tell(done: int, of: int) -> None:
    print(f"\r{done} of {of} runs", end="\n" if done == of else "", file=sys.stderr)


def claims(seeds: int, steps: int) -> list[dict[str, Any]]:
    """Median accuracies at the end, beside what is aimed at."""
    runs = [
        {**_common(seed, steps, steps, "test"), **overrides}
        for overrides, _ in CLAIMS.values()
        for seed in range(1, seeds + 1)
    ]
    ended = run_all(_EXPERIMENT, runs, _tell)
    table: list[dict[str, Any]] = []
    for k, (title, (_, aim)) in enumerate(CLAIMS.items()):
        accuracies = [_accuracy(each) for each in ended[k * seeds : (k + 1) * seeds]]
        table.append(
            {"chip": title, "median": statistics.median(accuracies), "aim": aim, "all": accuracies}
        )
    print(f"{'chip':<28} median  aimed at  all seeds ({steps:,} steps)")
    for row in table:
        every = " ".join(f"{value:.1%}" for value in row["all"])
        print(f"{row['chip']:<28} {row['median']:6.1%}   ≥ {row['aim']:.0%}    {every}")
    return table


def curves(seeds: int, steps: int, only: str) -> list[dict[str, Any]]:
    """Probes to the target against the level of each imperfection."""
    every = max(2000, steps // 100)
    cells = [(each, level) for each in CURVES if only in each.title for level in each.levels]
    runs = [
        {
            **_common(seed, steps, every, "validation"),
            **each.overrides(level),
            "stop": {"steps": steps, "accuracy_at_least": _TARGET},
        }
        for each, level in cells
        for seed in range(1, seeds + 1)
    ]
    ended = run_all(_EXPERIMENT, runs, _tell)
    table: list[dict[str, Any]] = []
    for k, (each, level) in enumerate(cells):
        mine = ended[k * seeds : (k + 1) * seeds]
        probes = [run.probes for run in mine if run.status == "target_reached"]
        # A chip that never gets there takes for ever: the median of all is then one of those.
        most = statistics.median_high([*probes, *[sys.maxsize] * (seeds - len(probes))])
        table.append(
            {
                "imperfection": each.title,
                "level": level,
                "reached": len(probes),
                "of": seeds,
                "median_probes": None if most == sys.maxsize else most,
                "accuracies": [_accuracy(run) for run in mine],
            }
        )
    print(f"{'imperfection':<24} {'level':>8}  reached 80 %  median probes")
    for row in table:
        told = "-" if row["median_probes"] is None else f"{row['median_probes']:,}"
        print(
            f"{row['imperfection']:<24} {row['level']:>8g}  {row['reached']} of {row['of']:<8} "
            f"{told:>12}"
        )
    return table


def _accuracy(ended: Ended) -> float:
    if ended.accuracy is None:
        raise SystemExit(f"a run gave no accuracy ({ended.status}): {ended.message}")
    return ended.accuracy


def draw(table: list[dict[str, Any]], path: Path, steps: int) -> None:
    """Probes to the target against each level.

    Open circles where some of the chips did not get there in the probes of a run (dotted), crosses
    where most did not.
    """
    plt: Any = importlib.import_module("matplotlib.pyplot")
    with plt.rc_context(dict(SETTINGS)):
        columns = 4
        figure, axes = plt.subplots(
            2, columns, figsize=(WIDTH_INCHES, 3.4), sharey=True, layout="constrained"
        )
        for place, axis in enumerate(axes.flat):
            if place >= len(CURVES):
                axis.set_visible(False)
                continue
            _panel(axis, CURVES[place], table, 2 * steps)
            if place % columns == 0:
                axis.set_ylabel("probes to 80 % (10³)")
        figure.savefig(path)


def _panel(axis: Any, each: Imperfection, table: list[dict[str, Any]], most: int) -> None:
    rows = [row for row in table if row["imperfection"] == each.title]
    places = list(range(len(rows)))
    reached = [(k, row) for k, row in enumerate(rows) if row["median_probes"]]
    never = [k for k, row in enumerate(rows) if not row["median_probes"]]
    thousands = most / 1000
    axis.axhline(thousands, color=GREY, linewidth=0.6, linestyle=(0, (1, 1)))
    axis.plot(
        [k for k, _ in reached],
        [row["median_probes"] / 1000 for _, row in reached],
        color=PALETTE[0],
    )
    for k, row in reached:
        axis.plot(
            k,
            row["median_probes"] / 1000,
            "o",
            color=PALETTE[0],
            markerfacecolor=PALETTE[0] if row["reached"] == row["of"] else "white",
            markersize=3.2,
            markeredgewidth=0.8,
        )
    axis.plot(
        never, [thousands] * len(never), "x", color=PALETTE[1], markersize=4, markeredgewidth=1
    )
    axis.set_ylim(0, 1.1 * thousands)
    axis.set_xlim(-0.4, len(rows) - 0.6)
    axis.set_xlabel(each.title)
    axis.set_xticks(places, ["none" if not row["level"] else f"{row['level']:g}" for row in rows])
    axis.tick_params(axis="x", labelrotation=60)


def main() -> None:
    """Runs one of the two studies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=("claims", "curves"))
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--only", default="", help="curves whose title has this in it")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    if given.study == "claims":
        table = claims(given.seeds or 5, given.steps or 1_000_000)
    else:
        steps = given.steps or 300_000
        table = curves(given.seeds or 3, steps, given.only)
        if given.figure:
            draw(table, given.figure, steps)
    if given.json:
        given.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
