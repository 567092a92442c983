"""Probes made on the chip, from the program that it was given once.

Written from docs/algorithm.md and docs/codes.md, and not from the host's code, so that the
equality of the two means something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ProbeProgram
from mgd_lab.codes import SIGN_KINDS, codes, packed_codes, sample_order
from mgd_lab.errors import ChipError

_MOST_STEPS = 1024
_PAGE_BYTES = 2**20
_LATEST_STEP = 2**62
# A block that a link carries in several requests is asked for by larger and larger skips.
_LARGEST_SKIP = 2**20


class Probes(NamedTuple):
    """Neighbouring probes: samples u32 (n,), signs i8 (n,), code index of each u64 (n,)."""

    samples: NDArray[np.uint32]
    signs: NDArray[np.int8]
    codes: NDArray[np.int64]
    steps: NDArray[np.int64]


class Generated(NamedTuple):
    """Probes with their codes as bits, where those are ±1."""

    probes: Probes
    packed: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class Page:
    """All probes of neighbouring steps, as a chip's sequencer would hold them.

    `starts` are the places of each step's first probe, and of the end; `packed` are codes as bits,
    where they are ±1.
    """

    probes: Probes
    starts: list[int]
    packed: NDArray[np.uint8] | None


class ProbeGenerator:
    """Any probes of a program, by step and place within it."""

    def __init__(self, program: ProbeProgram) -> None:
        self.program = program
        self.sign_codes = program.kind in SIGN_KINDS
        width = -(-len(program.amplitudes) // 8)
        fitting = _PAGE_BYTES // (2 * program.batch * (width + 32))
        self._steps_per_page = int(np.clip(fitting, 1, _MOST_STEPS))
        self._pages: dict[int, Page] = {}

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

    def of_whole_steps(self, first: int, count: int) -> Generated:
        """All probes of the steps `first` … `first + count − 1`, with their codes."""
        probes = self.of_steps(first, count)
        return Generated(probes, self._packed(probes) if self.sign_codes else None)

    def neighbouring(self, first_step: int, skip: int, count: int) -> Generated:
        """`count` probes from the one at place `skip` of step `first_step`."""
        if not (0 <= first_step < _LATEST_STEP and 0 <= skip < _LARGEST_SKIP):
            raise ChipError(f"there is no probe {skip} of step {first_step}")
        number, within = divmod(first_step, self._steps_per_page)
        page = self._page(number)
        first = page.starts[within] + skip
        parts: list[Generated] = []
        while True:
            taken = min(count, page.starts[-1] - first)
            if taken > 0:
                parts.append(_part(page, first, taken))
                count -= taken
            if count <= 0:
                return parts[0] if len(parts) == 1 else _joined(parts)
            # A skip may have led past the end of a page.
            first = max(0, first - page.starts[-1])
            number += 1
            page = self._page(number)

    def _page(self, number: int) -> Page:
        page = self._pages.get(number)
        if page is None:
            first = number * self._steps_per_page
            probes = self.of_steps(first, self._steps_per_page)
            edges = np.arange(first, first + self._steps_per_page + 1, dtype=np.int64)
            packed = self._packed(probes) if self.sign_codes else None
            page = Page(probes, np.searchsorted(probes.steps, edges).tolist(), packed)
            # Training goes forwards: this page, and perhaps the one before it.
            self._pages = {key: self._pages[key] for key in self._pages if key == number - 1}
            self._pages[number] = page
        return page

    def _packed(self, probes: Probes) -> NDArray[np.uint8]:
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


def _part(page: Page, first: int, count: int) -> Generated:
    span = slice(first, first + count)
    probes = page.probes
    return Generated(
        Probes(probes.samples[span], probes.signs[span], probes.codes[span], probes.steps[span]),
        None if page.packed is None else page.packed[span],
    )


def _joined(parts: list[Generated]) -> Generated:
    probes = [part.probes for part in parts]
    packed = [part.packed for part in parts if part.packed is not None]
    return Generated(
        Probes(
            np.concatenate([part.samples for part in probes]),
            np.concatenate([part.signs for part in probes]),
            np.concatenate([part.codes for part in probes]),
            np.concatenate([part.steps for part in probes]),
        ),
        np.concatenate(packed) if packed else None,
    )
