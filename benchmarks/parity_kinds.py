"""Two-bit parity from many random starts: the four kinds of codes, and the analog algorithm.

    python benchmarks/parity_kinds.py [--starts 400] [--steps 200000] [--json FILE]

Every start is a seed; the same seeds serve every row. A start is solved where the cost over all
four samples falls below 0.04 within the steps given. `same settings` changes nothing but the kind;
`whole periods` holds a sample for one period of the codes, moves θ after it, by η τ_θ = 2.
Intervals are Wilson's, of 95 %; the last column compares with random codes of the same settings on
the same starts (McNemar's test, exact).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from many_runs import Ended, run_all, wilson

from mgd_lab.codes import hadamard_size, period

_EXPERIMENT = Path(__file__).parent.parent / "configs" / "parity2.yaml"
_CHIP = {
    "driver": "emulated",
    "name": "parity2 chip",
    "rung": "learns",
    "network": {"layers": [2, 2, 1]},
}
_PARAMETERS = 9


def _discrete(kind: str, window: int, rate: float) -> dict[str, Any]:
    return {
        "training.perturbation.kind": kind,
        "training.time_constants": {"tau_p": 1, "tau_x": window, "tau_theta": window},
        "training.update.learning_rate": rate / window,
    }


def rows() -> dict[tuple[str, str], dict[str, Any]]:
    """(settings, kind) → overrides."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    kinds = ("random", "walsh", "sinusoidal", "sequential")
    for kind in kinds:
        found["same settings", kind] = _discrete(kind, 1, 0.5)
    for kind in kinds:
        # Random codes have no period; they are held as long as those of Walsh.
        hold = period(kind, _PARAMETERS) or hadamard_size(_PARAMETERS)
        found["whole periods", kind] = _discrete(kind, hold, 2.0)
    found["analog", "random"] = {
        "training.algorithm": "analog",
        "training.time_constants": {"tau_p": 1, "tau_x": 50, "tau_theta": 50, "tau_hp": 5},
        "training.update.learning_rate": 0.1,
    }
    return found


def solved_only_by_one(ours: list[Ended], theirs: list[Ended]) -> float:
    """p of McNemar's exact test: how likely so unequal a split of the disagreeing starts is."""
    pairs = [(_solved(a), _solved(b)) for a, b in zip(ours, theirs, strict=True)]
    only_ours, only_theirs = pairs.count((True, False)), pairs.count((False, True))
    n, k = only_ours + only_theirs, min(only_ours, only_theirs)
    tail = math.fsum(math.comb(n, j) for j in range(k + 1)) / 2**n
    return min(1.0, 2 * tail)


def _solved(ended: Ended) -> bool:
    return ended.status == "target_reached"


def _report(done: Mapping[tuple[str, str], list[Ended]]) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = []
    for (settings, kind), ended in done.items():
        peer = done["whole periods" if settings == "whole periods" else "same settings", "random"]
        solved = [each for each in ended if _solved(each)]
        low, high = wilson(len(solved), len(ended))
        table.append(
            {
                "settings": settings,
                "kind": kind,
                "starts": len(ended),
                "solved": len(solved),
                "fraction": len(solved) / len(ended),
                "interval": [low, high],
                "median_steps": statistics.median(e.steps for e in solved) if solved else None,
                "p_against_random": solved_only_by_one(ended, peer),
            }
        )
    return table


def main() -> None:
    """Prints the table and writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=400)
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    common = {
        "chip": _CHIP,
        "logging.costs": "none",
        "stop": {"steps": given.steps, "cost_below": 0.04},
        "evaluate.every_steps": 250,
    }
    kinds = rows()
    settings = [
        {**common, **overrides, "seed": seed}
        for overrides in kinds.values()
        for seed in range(given.starts)
    ]
    ended = run_all(
        _EXPERIMENT,
        settings,
        lambda done, of: print(f"\r{done} of {of} runs", end="", file=sys.stderr),
    )
    parts = [ended[k : k + given.starts] for k in range(0, len(ended), given.starts)]
    table = _report(dict(zip(kinds, parts, strict=True)))
    print("\nsettings        kind         solved            95 %          median steps  p(random)")
    for row in table:
        low, high = row["interval"]
        steps = "-" if row["median_steps"] is None else f"{row['median_steps']:,.0f}"
        print(
            f"{row['settings']:<15} {row['kind']:<12} {row['solved']:>3} of {row['starts']} "
            f"{row['fraction']:6.1%}   {low:5.1%} to {high:5.1%}  {steps:>10}"
            f"   {row['p_against_random']:.2g}"
        )
    if given.json:
        given.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
