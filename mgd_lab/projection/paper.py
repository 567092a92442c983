"""The paper's own projection for CIFAR-10, from its own step count."""

from __future__ import annotations

from collections.abc import Mapping

from mgd_lab.projection.counts import BothCounts, Counts
from mgd_lab.projection.hardware import NAMED

STEPS = 20_000_000
"""Its training time over that of a step: 5.6 h over 1 ms, 200 ms over 10 ns, 4 ms over 200 ps."""

BATCH = 1000
"""Samples whose mean cost its simulation took as the cost of one step."""

PUBLISHED_SECONDS: Mapping[str, float] = {
    NAMED[0].name: 5.6 * 3600.0,
    NAMED[1].name: 200e-3,
    NAMED[2].name: 4e-3,
}
"""What it states, by the name of the hardware."""

GPU_SECONDS: Mapping[str, float] = {"cifar10": 480.0}
"""What it states for backpropagation on a GPU, by data set."""


def paper_counts() -> BothCounts:
    """A step is one probe, baselines are not counted, and all else is hidden in the step."""
    return BothCounts(
        as_one=Counts(STEPS, 0.0, 0.0, 0.0),
        as_presentations=Counts(STEPS * BATCH, 0.0, 0.0, 0.0),
    )
