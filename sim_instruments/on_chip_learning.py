"""A chip that trains itself: the whole loop, written from docs/algorithm.md.

It shares the specification (codes, costs) with the host and nothing else. Every parameter uses
its own memory and the one cost that is broadcast to all.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import (
    SNAPSHOT_HEAD,
    SNAPSHOT_PROJECTED,
    SNAPSHOT_UPDATE_DUE,
    LearningProgram,
    snapshot_length,
)
from mgd_lab.codes import mean_square
from mgd_lab.errors import ChipError
from sim_instruments.learning_edges import LearningEdges
from sim_instruments.learning_rates import learning_rate
from sim_instruments.probe_generator import Generated, ProbeGenerator, Probes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# (θ as sent, probes) → their costs.
Measure = Callable[[Float32, Generated], Float64]

MOST_STEPS = 512


class OnChipLearning:
    """State and loop of a learning chip. `measure` is the chip's own way to present probes.

    An update that is refused leaves everything as it was before, but for the mark that it is due:
    whoever asks to go on is refused again.
    """

    def __init__(self, program: LearningProgram, theta: Float64, measure: Measure) -> None:
        self._program = program
        self._edges = LearningEdges(program.lowest, program.highest, program.on_update)
        self._edges.check(theta)
        self._generator = ProbeGenerator(program.probes)
        self._measure = measure
        parameters = len(theta)
        wide = program.probes.amplitudes.astype(np.float64)
        self._square = mean_square(program.probes.kind, parameters) * (wide * wide)
        self._window = 1 if program.algorithm == "analog" else program.probes.tau_theta
        self.steps = 0
        self.theta: Float64 = theta.copy()
        self._projected = 0
        self._update_is_due = False
        self._baseline = math.nan
        self._last_cost = 0.0
        self._modulation = 0.0
        self._beta_products: list[float] = [1.0, 1.0]
        self._total: Float64 = np.zeros(parameters)
        self._first_memory: Float64 = np.zeros(parameters)
        self._second_memory: Float64 = np.zeros(parameters)
        self._filtered: Float64 = np.zeros(parameters)

    @property
    def program(self) -> LearningProgram:
        """What it was told."""
        return self._program

    def advance(self, step: int) -> None:
        """Until `step` steps have been done."""
        if step < self.steps:
            raise ChipError(f"asked to advance to step {step}; {self.steps} have been done")
        if self._update_is_due:
            self._move()
        while self.steps < step:
            self._learn(self._stretch(step))
            if self.steps % self._window == 0:
                self._update_is_due = True
                self._move()

    def snapshot(self) -> Float64:
        """All of the state, in the order that `mgd_lab.chip.programs` gives."""
        head = [
            self.steps,
            self._baseline,
            self._last_cost,
            self._modulation,
            *self._beta_products,
            self._projected,
            self._update_is_due,
        ]
        arrays = (
            self.theta,
            self._total,
            self._first_memory,
            self._second_memory,
            self._filtered,
        )
        return np.concatenate([np.array(head, np.float64), *arrays])

    def restore(self, snapshot: Float64) -> None:
        """Takes a snapshot back."""
        parameters = len(self.theta)
        if snapshot.shape != (snapshot_length(parameters),):
            raise ChipError(
                f"a snapshot of {snapshot_length(parameters)} numbers is needed; "
                f"{snapshot.shape} came"
            )
        self._edges.check(snapshot[SNAPSHOT_HEAD : SNAPSHOT_HEAD + parameters])
        self.steps = int(snapshot[0])
        self._baseline, self._last_cost = float(snapshot[1]), float(snapshot[2])
        self._modulation = float(snapshot[3])
        self._beta_products = [float(snapshot[4]), float(snapshot[5])]
        self._projected = int(snapshot[SNAPSHOT_PROJECTED])
        self._update_is_due = bool(snapshot[SNAPSHOT_UPDATE_DUE])
        arrays: Float64 = snapshot[SNAPSHOT_HEAD:].reshape(-1, parameters).copy()
        self.theta, self._total = arrays[0], arrays[1]
        self._first_memory, self._second_memory = arrays[2], arrays[3]
        self._filtered = arrays[4]

    def _stretch(self, step: int) -> int:
        """Steps to present at once: θ is constant to the end of the window."""
        return min(step - self.steps, self._window - self.steps % self._window, MOST_STEPS)

    def _learn(self, count: int) -> None:
        """Presents the probes of the next steps and correlates."""
        asked = self._generator.of_whole_steps(self.steps, count)
        probes = asked.probes
        costs = self._measure(self.theta.astype(np.float32), asked)
        if not np.isfinite(costs).all():
            raise ChipError(f"a cost is no number at step {self.steps}; learning stopped there")
        perturbations = self._perturbations_of_steps(count)
        for n in range(count):
            mine = probes.steps == self.steps
            cost = self._mean(costs[mine & (probes.signs == 1)])
            if self._program.algorithm == "analog":
                self._filter(cost, perturbations[n])
            else:
                modulation = self._against_baseline(cost, costs, probes, mine)
                self._total = self._total + modulation * perturbations[n]
            self.steps += 1

    def _against_baseline(
        self, cost: float, costs: Float64, probes: Probes, mine: NDArray[np.bool_]
    ) -> float:
        """C̃ of the present step."""
        if self._program.probes.baseline == "paired":
            return (cost - self._mean(costs[mine & (probes.signs == -1)])) * 0.5
        anew = costs[mine & (probes.signs == 0)]
        if len(anew):
            self._baseline = self._mean(anew)
        return cost - self._baseline

    def _filter(self, cost: float, perturbation: Float64) -> None:
        """The analog algorithm's high-pass of the cost and low-pass of the gradient."""
        p = self._program
        if self.steps % p.probes.tau_x == 0:
            self._modulation = 0.0
        else:
            change = self._modulation + cost - self._last_cost
            self._modulation = p.tau_hp / (p.tau_hp + 1.0) * change
        self._last_cost = cost
        product = self._modulation * perturbation / self._square
        keep = p.tau_theta_filter / (p.tau_theta_filter + 1.0)
        admit = 1.0 / (p.tau_theta_filter + 1.0)
        self._filtered = keep * self._filtered + product * admit

    def _move(self) -> None:
        """Moves θ at the end of a window; LimitError, and nothing is changed, where it may not."""
        p = self._program
        analog = p.algorithm == "analog"
        gradient = self._filtered if analog else self._total / (self._square * p.scale_by)
        first, second, products = self._first_memory, self._second_memory, self._beta_products
        rate = learning_rate(p, self.steps)
        if p.rule == "sgd":
            change = -rate * gradient
        elif p.rule == "momentum":
            first = p.momentum * first + gradient
            change = -rate * first
        else:
            first = p.beta1 * first + (1.0 - p.beta1) * gradient
            second = p.beta2 * second + (1.0 - p.beta2) * (gradient * gradient)
            products = [products[0] * p.beta1, products[1] * p.beta2]
            mean, square = first / (1.0 - products[0]), second / (1.0 - products[1])
            change = -rate * mean / (np.sqrt(square) + p.epsilon)
        self.theta, projected = self._edges.admit(self.theta + change)
        self._projected += projected
        self._first_memory, self._second_memory, self._beta_products = first, second, products
        if not analog:
            self._total = np.zeros_like(self._total)
        self._update_is_due = False

    def _perturbations_of_steps(self, count: int) -> Float64:
        p = self._program.probes
        steps = np.arange(self.steps, self.steps + count, dtype=np.int64)
        each = Probes(np.zeros(count, np.uint32), np.ones(count, np.int8), steps // p.tau_p, steps)
        return self._generator.perturbations(each).astype(np.float64)

    def _mean(self, costs: Float64) -> float:
        """Over the batch, added from left to right."""
        total = float(costs[0])
        for cost in costs[1:].tolist():
            total += cost
        return total / len(costs) if len(costs) > 1 else total
