"""Probes made ready ahead of time: codes, samples and signs of the next thousands of steps.

A chunk is a convenience of the host: how a run is cut into chunks changes nothing that it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import Plan, Schedule
from mgd_lab.codes import (
    SIGN_KINDS,
    Kind,
    Order,
    codes,
    packed_codes,
    sample_order,
    unpack_signs,
)

Float64 = NDArray[np.float64]

_MOST_STEPS = 4096
_MOST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """The probes of neighbouring steps.

    Attributes:
        plan: steps, signs and places of the probes.
        starts: `plan.probe_starts` as a list, for quick look-up.
        step_samples: (count,) or (count, batch), smallest unsigned type, index into the split.
        samples: (probes,) uint32, sample of each probe.
        rows: (probes,) int64, row of each probe's code.
        perturbations: (codes, P) float64 holding float32 values: θ̃ of each code, sign +1.
        packed: (probes, ⌈P/8⌉) uint8, code of each probe as bits; None for kinds not of ±1.
        every_step_fresh: whether each step measures its own baseline.
        consecutive: whether each step has a code of its own, so that step n uses row n.
    """

    plan: Plan
    starts: list[int]
    step_samples: NDArray[np.unsignedinteger[Any]]
    samples: NDArray[np.uint32]
    rows: NDArray[np.int64]
    perturbations: Float64
    packed: NDArray[np.uint8] | None
    every_step_fresh: bool
    consecutive: bool

    def perturbations_of_steps(self, first: int, stop: int) -> Float64:
        """θ̃ of the steps `first` … `stop − 1` of the chunk, (stop − first, P)."""
        if self.consecutive:
            return self.perturbations[first:stop]
        return self.perturbations[self.plan.code_rows[first:stop]]


@dataclass(frozen=True)
class ChunkSource:
    """Makes chunks, a pure function of step and count.

    `amplitudes` is float32 (P,); `samples` is the size of the training split.
    """

    schedule: Schedule
    kind: Kind
    seed: int
    amplitudes: NDArray[np.float32]
    order: Order
    samples: int
    with_bits: bool

    def most_steps(self) -> int:
        """Steps whose probes fit into a bounded amount of memory."""
        parameters = len(self.amplitudes)
        bytes_per_probe = 32 + (-(-parameters // 8) if self.with_bits else 0)
        bytes_per_step = 2 * self.schedule.batch * bytes_per_probe + 8 * parameters
        return int(np.clip(_MOST_BYTES // bytes_per_step, 1, _MOST_STEPS))

    def chunk(self, first_step: int, count: int) -> Chunk:
        """The probes of `count` steps from `first_step`."""
        plan = self.schedule.plan(first_step, count)
        batch = self.schedule.batch
        drawn = sample_order(
            self.order, self.seed, self.samples, plan.first_draw, plan.periods * batch
        ).reshape(plan.periods, batch)
        rows = plan.code_rows[plan.probe_steps]
        packed, perturbations = self._codes(plan)
        step_samples = drawn[plan.sample_rows].astype(np.min_scalar_type(self.samples - 1))
        return Chunk(
            plan=plan,
            starts=plan.probe_starts.tolist(),
            step_samples=step_samples[:, 0] if batch == 1 else step_samples,
            samples=drawn[plan.sample_rows[plan.probe_steps], plan.probe_slots],
            rows=rows,
            perturbations=perturbations,
            packed=packed[rows] if self.with_bits and packed is not None else None,
            every_step_fresh=bool(plan.fresh.all()),
            consecutive=self.schedule.tau_p == 1,
        )

    def _codes(self, plan: Plan) -> tuple[NDArray[np.uint8] | None, Float64]:
        parameters = len(self.amplitudes)
        if self.kind in SIGN_KINDS:
            packed = packed_codes(self.kind, self.seed, plan.first_code, plan.codes, parameters)
            return packed, unpack_signs(packed, parameters) * self.amplitudes.astype(np.float64)
        unit = codes(self.kind, self.seed, plan.first_code, plan.codes, parameters)
        # θ̃ is the float32 product of the float32 code and amplitude, whoever computes it.
        return None, (unit * self.amplitudes).astype(np.float64)
