"""Probes made on the chip, from the program that it was given once.

Written from docs/algorithm.md and docs/codes.md, and not from the host's code, so that the
equality of the two means something.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ProbeProgram
from mgd_lab.codes import SIGN_KINDS, codes, packed_codes, sample_order


@dataclass(frozen=True, eq=False)
class Probes:
    """Neighbouring probes: samples u32 (n,), signs i8 (n,), code index of each u64 (n,)."""

    samples: NDArray[np.uint32]
    signs: NDArray[np.int8]
    codes: NDArray[np.int64]
    steps: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ProbeGenerator:
    """Any probes of a program, by step and place within it."""

    program: ProbeProgram

    @cached_property
    def sign_codes(self) -> bool:
        """Whether the codes are ±1."""
        return self.program.kind in SIGN_KINDS

    def starts_anew(self, steps: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each step begins with a baseline: nothing measured before is comparable."""
        p = self.program
        if p.baseline != "measured":
            return np.zeros(len(steps), np.bool_)
        since_update, since_sample = steps % p.tau_theta, steps % p.tau_x
        old = np.where(since_update < since_sample, since_update, since_sample)
        if p.baseline_refresh_steps:
            return old % p.baseline_refresh_steps == 0
        return old == 0

    def of_steps(self, first: int, count: int) -> Probes:
        """All probes of the steps `first` … `first + count − 1`."""
        batch = self.program.batch
        steps = np.arange(first, first + count, dtype=np.int64)
        slots = np.arange(batch, dtype=np.int64)
        if self.program.baseline == "paired":
            step = np.repeat(steps, 2 * batch)
            slot = np.tile(np.repeat(slots, 2), count)
            sign = np.tile(np.array([1, -1], np.int8), count * batch)
        else:
            # Rows of two presentations of the batch: without perturbation, and with it.
            step = np.repeat(steps, 2 * batch)
            slot = np.tile(slots, 2 * count)
            sign = np.tile(np.repeat(np.array([0, 1], np.int8), batch), count)
            keep = (sign == 1) | np.repeat(self.starts_anew(steps), 2 * batch)
            step, slot, sign = step[keep], slot[keep], sign[keep]
        return Probes(self._samples(step, slot), sign, step // self.program.tau_p, step)

    def neighbouring(self, first_step: int, skip: int, count: int) -> Probes:
        """`count` probes from the one at place `skip` of step `first_step`."""
        steps = -(-(skip + count) // self.program.batch)
        found = self.of_steps(first_step, steps)
        span = slice(skip, skip + count)
        return Probes(found.samples[span], found.signs[span], found.codes[span], found.steps[span])

    def packed(self, probes: Probes) -> NDArray[np.uint8]:
        """Codes of the probes as bits, (n, ⌈P/8⌉)."""
        first, rows = self._rows(probes)
        p = self.program
        count = int(rows[-1]) + 1
        return packed_codes(p.kind, p.seed, first, count, len(p.amplitudes)).take(rows, axis=0)

    def perturbations(self, probes: Probes) -> NDArray[np.float32]:
        """Signed θ̃ of the probes, float32 (n, P)."""
        first, rows = self._rows(probes)
        p = self.program
        unit = codes(p.kind, p.seed, first, int(rows[-1]) + 1, len(p.amplitudes))
        return (unit * p.amplitudes).take(rows, axis=0) * probes.signs[:, None]

    def _rows(self, probes: Probes) -> tuple[int, NDArray[np.int64]]:
        first = int(probes.codes[0])
        return first, probes.codes - first

    def _samples(self, step: NDArray[np.int64], slot: NDArray[np.int64]) -> NDArray[np.uint32]:
        p = self.program
        draws = step // p.tau_x * p.batch + slot
        first = int(draws[0])
        count = int(draws.max()) - first + 1
        return sample_order(p.order, p.seed, p.samples, first, count).take(draws - first)
