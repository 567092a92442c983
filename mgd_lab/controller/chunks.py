"""Probes made ready ahead of time: codes, samples and signs of the next thousands of steps.

A chunk is a convenience of the host: how a run is cut into chunks changes nothing that it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import AddSigned, Plan, Schedule, add_signed, correlate
from mgd_lab.codes import (
    SIGN_KINDS,
    Kind,
    Order,
    SignTable,
    codes,
    packed_codes,
    sample_order,
)
from mgd_lab.controller.perturbations import Perturbations

Float64 = NDArray[np.float64]

_MOST_STEPS = 4096
_MOST_BYTES = 16_000_000


@dataclass(frozen=True)
class Bits:
    """Packed codes of a chunk, made when they are first asked for."""

    kind: Kind
    seed: int
    first: int
    count: int
    parameters: int

    @cached_property
    def packed(self) -> NDArray[np.uint8]:
        """(count, ⌈P/8⌉)."""
        return packed_codes(self.kind, self.seed, self.first, self.count, self.parameters)


@dataclass(frozen=True)
class BitCorrelation:
    """Σ C̃ θ̃ from codes of bits, compiled; amplitudes float64 (P,)."""

    add: AddSigned
    amplitudes: Float64


@dataclass(frozen=True, eq=False)
class Chunk:
    """The probes of neighbouring steps. What only some rungs need is made when it is asked for.

    Attributes:
        plan: steps, signs and places of the probes.
        starts: `plan.probe_starts` as a list, for quick look-up.
        drawn: (periods, batch) uint32, the samples of each sample period.
        perturbations: θ̃ of each code, sign +1, by row.
        bits: codes as bits; None for kinds not of ±1.
        every_step_fresh: whether each step measures its own baseline.
        consecutive: whether each step has a code of its own, so that step n uses row n.
        sample_type: smallest unsigned type that holds an index into the split.
        by_bits: what correlates codes of bits where it is compiled; None otherwise.
    """

    plan: Plan
    starts: list[int]
    drawn: NDArray[np.uint32]
    perturbations: Perturbations
    bits: Bits | None
    every_step_fresh: bool
    consecutive: bool
    sample_type: np.dtype[np.unsignedinteger[Any]]
    by_bits: BitCorrelation | None

    @cached_property
    def step_samples(self) -> NDArray[np.unsignedinteger[Any]]:
        """(count,) or (count, batch), index into the split."""
        drawn = self.drawn[:, 0] if self.drawn.shape[1] == 1 else self.drawn
        return drawn.take(self.plan.sample_rows, axis=0).astype(self.sample_type)

    @cached_property
    def samples(self) -> NDArray[np.uint32]:
        """(probes,), sample of each probe."""
        periods: NDArray[np.int64] = self.plan.sample_rows.take(self.plan.probe_steps)
        places: NDArray[np.int64] = periods * self.drawn.shape[1] + self.plan.probe_slots
        return self.drawn.take(places)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """(probes,), row of each probe's code."""
        return self.plan.code_rows.take(self.plan.probe_steps)

    @cached_property
    def packed(self) -> NDArray[np.uint8] | None:
        """(probes, ⌈P/8⌉), code of each probe as bits; None for kinds not of ±1."""
        return None if self.bits is None else self.bits.packed.take(self.rows, axis=0)

    def steps_before(self, probe: int) -> int:
        """Steps of the chunk whose probes all lie before this probe."""
        return int(np.searchsorted(self.plan.probe_starts, probe, side="right")) - 1

    def correlate(self, total: Float64, modulations: Float64, first: int) -> Float64:
        """total (P,) + Σ C̃ θ̃ over the steps from `first` on, in their order; modulations (n,)."""
        if self.by_bits is not None and self.bits is not None:
            sums = total.copy()
            rows = self.plan.code_rows[first : first + len(modulations)]
            by_bits = self.by_bits
            by_bits.add(sums, modulations, by_bits.amplitudes, self.bits.packed, rows)
            return sums
        if len(modulations) == 1:
            return total + modulations[0] * self.perturbation(first)
        stop = first + len(modulations)
        start = first
        if self.consecutive and len(modulations) >= self.perturbations.per_page:
            # Each page is used once: the products may take its place.
            for start in range(first, stop, self.perturbations.per_page):
                end = min(start + self.perturbations.per_page, stop)
                rows = self.perturbations.fresh(start, end)
                part = modulations[start - first : end - first]
                total = correlate(total, part, rows, into=rows)
            return total
        while start < stop:
            row = start if self.consecutive else int(self.plan.code_rows[start])
            page_first, page_end, page = self.perturbations.page(row)
            if self.consecutive:
                end = min(stop, page_end)
                rows = page[start - page_first : end - page_first]
            else:
                codes_of_steps = self.plan.code_rows[start:stop]
                end = start + int(np.searchsorted(codes_of_steps, page_end))
                rows = page[codes_of_steps[: end - start] - page_first]
            total = correlate(total, modulations[start - first : end - first], rows)
            start = end
        return total

    def perturbation(self, step: int) -> Float64:
        """θ̃ (P,) of one step of the chunk."""
        row = int(self.plan.code_rows[step])
        first, _, page = self.perturbations.page(row)
        return page[row - first]


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

    @cached_property
    def _signs(self) -> SignTable:
        return SignTable(self.amplitudes)

    @cached_property
    def _by_bits(self) -> BitCorrelation | None:
        add = add_signed() if self.kind in SIGN_KINDS else None
        return None if add is None else BitCorrelation(add, self.amplitudes.astype(np.float64))

    def most_steps(self) -> int:
        """Steps whose probes fit into a bounded amount of memory."""
        bits = -(-len(self.amplitudes) // 8)
        bytes_per_step = bits + 2 * self.schedule.batch * (32 + bits)
        return int(np.clip(_MOST_BYTES // bytes_per_step, 1, _MOST_STEPS))

    def chunk(self, first_step: int, count: int) -> Chunk:
        """The probes of `count` steps from `first_step`."""
        plan = self.schedule.plan(first_step, count)
        batch = self.schedule.batch
        drawn = sample_order(
            self.order, self.seed, self.samples, plan.first_draw, plan.periods * batch
        ).reshape(plan.periods, batch)
        bits, perturbations = self._codes(plan)
        return Chunk(
            plan=plan,
            starts=plan.probe_starts.tolist(),
            drawn=drawn,
            perturbations=perturbations,
            bits=bits,
            every_step_fresh=bool(plan.fresh.all()),
            consecutive=self.schedule.tau_p == 1,
            sample_type=_smallest_type(self.samples - 1),
            by_bits=self._by_bits,
        )

    def _codes(self, plan: Plan) -> tuple[Bits | None, Perturbations]:
        """Codes as bits, where they are ±1, and as perturbations."""
        kind, seed, parameters = self.kind, self.seed, len(self.amplitudes)
        if kind in SIGN_KINDS:
            bits = Bits(kind, seed, plan.first_code, plan.codes, parameters)

            def expand_bits(first: int, stop: int) -> Float64:
                return self._signs.expand(self._signs.table(), bits.packed[first:stop])

            return bits, Perturbations(plan.codes, parameters, expand_bits)

        def expand(first: int, stop: int) -> Float64:
            unit = codes(kind, seed, plan.first_code + first, stop - first, parameters)
            # θ̃ is the float32 product of the float32 code and amplitude, whoever computes it.
            return (unit * self.amplitudes).astype(np.float64)

        return None, Perturbations(plan.codes, parameters, expand)


def _smallest_type(largest: int) -> np.dtype[np.unsignedinteger[Any]]:
    for kind in (np.uint8, np.uint16):
        if largest <= np.iinfo(kind).max:
            return np.dtype(kind)
    return np.dtype(np.uint32)
