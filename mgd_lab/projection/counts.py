"""What a training asks of hardware, counted, and the time that takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mgd_lab.algorithm import Schedule
from mgd_lab.projection.hardware import Hardware

_MOST_PROBES = 1_000_000


@dataclass(frozen=True)
class Counts:
    """Totals; real numbers, since they come from interpolation.

    Attributes:
        probes: presentations for a cost, baselines included.
        sample_changes: how often a probe shows another sample than the one before.
        perturbation_changes: how often a probe has another perturbation than the one before, none
            being one.
        updates: of all parameters.
    """

    probes: float
    sample_changes: float
    perturbation_changes: float
    updates: float

    def seconds(self, hardware: Hardware) -> float:
        """One thing after another."""
        return (
            self.probes * hardware.read_seconds
            + self.sample_changes * hardware.input_seconds
            + self.perturbation_changes * hardware.perturbation_seconds
            + self.updates * hardware.write_seconds
        )


@dataclass(frozen=True)
class BothCounts:
    """A training counted twice.

    Attributes:
        as_one: the cost of a whole batch is one probe, as if the chip showed all of its samples
            at once; so do the simulations of the paper count.
        as_presentations: hardware presents the samples of a batch one after another.
    """

    as_one: Counts
    as_presentations: Counts


def counts_of(schedule: Schedule, steps: float, probes: float, updates: float) -> BothCounts:
    """Counts of a training with so many `steps`, training `probes` and `updates`."""
    return BothCounts(
        as_one=_counts(replace(schedule, batch=1), steps, probes / schedule.batch, updates),
        as_presentations=_counts(schedule, steps, probes, updates),
    )


def _counts(schedule: Schedule, steps: float, probes: float, updates: float) -> Counts:
    samples, perturbations = changes_per_step(schedule)
    return Counts(probes, steps * samples, steps * perturbations, updates)


def changes_per_step(schedule: Schedule) -> tuple[float, float]:
    """Changes of sample and of perturbation, on average over a common period of the τ's.

    A period of more than a million probes is represented by its beginning.
    """
    period = math.lcm(
        schedule.tau_p,
        schedule.tau_x,
        schedule.tau_theta,
        schedule.baseline_refresh_steps or 1,
    )
    steps = max(1, min(period, _MOST_PROBES // (2 * schedule.batch)))
    # One step more, since its first probe closes the last step's account.
    plan = schedule.plan(0, steps + 1)
    last = int(plan.probe_starts[steps]) + 1
    of_step = plan.probe_steps[:last]
    samples = plan.sample_rows[of_step] * schedule.batch + plan.probe_slots[:last]
    signs = plan.signs[:last].astype(np.int64)
    perturbations = np.where(signs == 0, 0, signs * (plan.code_rows[of_step] + 1))
    return (
        int(np.count_nonzero(np.diff(samples))) / steps,
        int(np.count_nonzero(np.diff(perturbations))) / steps,
    )
