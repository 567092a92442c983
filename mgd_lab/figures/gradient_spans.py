"""Gradient estimates of any span of a run, from nothing but its log.

Codes are pure functions of seed and step, so every θ̃ of the past can be made again and correlated
with the costs that were logged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import mean_square_perturbation
from mgd_lab.codes import Kind, codes, mean_square, period
from mgd_lab.run_store import Costs, Run

Float64 = NDArray[np.float64]

_PIECE_BYTES = 8_000_000


@dataclass(frozen=True)
class Perturbing:
    """How a run perturbed: enough to make each θ̃ again.

    Attributes:
        amplitudes: (P,) float32, as the chip got them.
        tau_p, tau_theta: in steps.
        paired: whether cost and baseline of the log are C₊ and C₋.
    """

    kind: Kind
    seed: int
    amplitudes: NDArray[np.float32]
    tau_p: int
    tau_theta: int
    paired: bool

    @property
    def block_steps(self) -> int:
        """Steps that must stay in one half: a period of the codes, so that it sees all of θ."""
        return self.tau_p * (period(self.kind, len(self.amplitudes)) or 1)

    def perturbations(self, steps: NDArray[np.int64]) -> Float64:
        """θ̃ of neighbouring steps, float64 holding float32 values, (steps, P)."""
        index = steps // self.tau_p
        first = int(index[0])
        count = int(index[-1]) - first + 1
        unit = codes(self.kind, self.seed, first, count, len(self.amplitudes))
        return (unit * self.amplitudes).astype(np.float64)[index - first]

    def modulations(self, costs: Costs) -> Float64:
        """C̃ of each step."""
        difference = costs.cost - costs.baseline
        return 0.5 * difference if self.paired else difference


@dataclass(frozen=True)
class Halves:
    """Two estimates from the perturbations of one span, dealt to two halves.

    Attributes:
        start, stop: the span in steps.
        sums: (2, P), G = Σ C̃ θ̃/⟨θ̃²⟩ of each half.
        steps: (2,) steps of each half.
    """

    start: int
    stop: int
    sums: Float64
    steps: NDArray[np.int64]

    @property
    def gradients(self) -> Float64:
        """G/N of each half, (2, P); both halves must have steps."""
        return self.sums / self.steps[:, None]


def span_halves(run: Run, perturbing: Perturbing, start: int, stop: int) -> Halves:
    """Two independent estimates from the steps start … stop − 1, as far as the log holds them.

    A piece of a few megabytes is in memory at a time.
    """
    parameters = len(perturbing.amplitudes)
    piece = max(1, _PIECE_BYTES // (8 * parameters))
    sums, steps = np.zeros((2, parameters)), np.zeros(2, np.int64)
    for first in range(start, stop, piece):
        costs = run.costs(first, min(first + piece, stop))
        if not len(costs.step):
            continue
        modulations = perturbing.modulations(costs)
        perturbations = perturbing.perturbations(costs.step)
        second = _in_second_half(costs.step // perturbing.block_steps)
        for half in (0, 1):
            mine = second == half
            sums[half] += modulations[mine] @ perturbations[mine]
            steps[half] += int(mine.sum())
    square = mean_square_perturbation(
        mean_square(perturbing.kind, parameters), perturbing.amplitudes
    )
    return Halves(start, stop, sums / square, steps)


def _in_second_half(blocks: NDArray[np.int64]) -> NDArray[np.int64]:
    # Odd or even alone would lock to samples that come in a cycle; the Thue-Morse sequence takes
    # one of every two neighbours and has no period.
    return (np.bitwise_count(blocks) & 1).astype(np.int64)
