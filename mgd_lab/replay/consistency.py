"""Steps that no run can have recorded: the schedule says which samples and baselines belong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mgd_lab.algorithm.schedule import Baseline
from mgd_lab.controller import Chunk
from mgd_lab.replay.report import Difference, What
from mgd_lab.run_store import Costs


def impossible_steps(
    chunk: Chunk, costs: Costs, baseline: Baseline, carried: float
) -> Iterator[Difference]:
    """The first such step of each kind among the chunk's.

    `costs` are those of the chunk's steps; `carried` is the C0 in force before them, where the
    baseline is `measured`.
    """
    expected = chunk.step_samples
    if costs.sample.shape != expected.shape:
        yield _at(
            "samples",
            chunk.plan.first_step,
            f"step {chunk.plan.first_step:,} records samples of shape {costs.sample.shape[1:]}, "
            f"and the experiment draws {expected.shape[1:]}",
        )
    else:
        wrong = costs.sample != expected
        each = wrong if wrong.ndim == 1 else wrong.any(axis=1)
        if each.any():
            k = int(np.argmax(each))
            step = chunk.plan.first_step + k
            yield _at(
                "samples",
                step,
                f"step {step:,} records sample {costs.sample[k]}, and the order of samples has "
                f"{expected[k]} there ({np.count_nonzero(each)} of {len(each)} steps here differ)",
            )
    yield from _costs(chunk, costs)
    yield from _baselines(chunk, costs, baseline)
    if baseline == "measured":
        yield from _carried(chunk, costs, carried)


def _costs(chunk: Chunk, costs: Costs) -> Iterator[Difference]:
    broken = ~np.isfinite(costs.cost)
    if broken.any():
        k = int(np.argmax(broken))
        step = chunk.plan.first_step + k
        yield _at("costs", step, f"step {step:,} records a cost of {costs.cost[k]}, no number")


def _baselines(chunk: Chunk, costs: Costs, kind: Baseline) -> Iterator[Difference]:
    found = np.isfinite(costs.baseline)
    broken = found if kind == "none" else ~found
    if broken.any():
        k = int(np.argmax(broken))
        step = chunk.plan.first_step + k
        why = "and the analog algorithm has none" if kind == "none" else "no number"
        message = f"step {step:,} records a baseline of {costs.baseline[k]}, {why}"
        yield _at("baselines", step, message)


def _carried(chunk: Chunk, costs: Costs, carried: float) -> Iterator[Difference]:
    before = np.concatenate([[carried], costs.baseline[:-1]])
    stale = ~chunk.plan.fresh & (costs.baseline != before)
    if stale.any():
        k = int(np.argmax(stale))
        step = chunk.plan.first_step + k
        yield Difference(
            "baselines",
            max(0, step - 1),
            step,
            f"step {step:,} was compared with the baseline of the step before, and records "
            f"{float(costs.baseline[k])!r} where that has {float(before[k])!r}: one of the two was "
            "changed",
        )


def _at(what: What, step: int, message: str) -> Difference:
    return Difference(what, step, step, message)
