"""Many runs of one experiment, with other settings each, on all cores; what studies are made of."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mgd_lab

Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """A run that has ended.

    Attributes:
        status: finished, target_reached, target_missed, …, or refused with `message`.
        steps, probes: done.
        cost, accuracy: of the last evaluation.
        evaluated: (step, accuracy) of every evaluation; (step, cost) where there is no accuracy.
    """

    status: str
    steps: int
    probes: int
    cost: float | None
    accuracy: float | None
    evaluated: Sequence[tuple[int, float]]
    message: str = ""


def run_all(
    experiment: Path,
    settings: Sequence[Overrides],
    tell: Callable[[int, int], None],
) -> list[Ended]:
    """One run for each of the settings, in their order; runs are kept nowhere.

    `tell` gets how many are done, and of how many.
    """
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        found: list[Ended] = []
        for ended in workers.map(partial(run_one, experiment), settings, chunksize=4):
            found.append(ended)
            tell(len(found), len(settings))
        return found


def run_one(experiment: Path, overrides: Overrides) -> Ended:
    """One run in a folder of its own, which is removed."""
    loaded = mgd_lab.load_experiment(experiment, overrides=dict(overrides))
    with tempfile.TemporaryDirectory() as folder:
        result = mgd_lab.run(loaded, runs_dir=folder)
        evaluated: list[tuple[int, float]] = []
        if result.path is not None:
            with mgd_lab.open_run(result.path) as run:
                found = run.evaluations()
                values = found.cost if math.isnan(found.accuracy[0]) else found.accuracy
                evaluated = list(zip(found.step.tolist(), values.tolist(), strict=True))
    return Ended(
        status=result.status,
        steps=result.counters.steps,
        probes=result.counters.probes,
        cost=result.cost,
        accuracy=result.accuracy,
        evaluated=evaluated,
        message=result.message,
    )


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a fraction; z = 1.96 is 95 % (Wilson, JASA 22, 209, 1927)."""
    fraction, square = successes / trials, z * z / trials
    centre = (fraction + square / 2) / (1 + square)
    spread = math.sqrt(fraction * (1 - fraction) / trials * z * z + square * square / 4)
    half = spread / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)
