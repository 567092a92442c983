"""From the costs of steps to updates, whoever measured them and when.

Learners feed costs as the chip returns them; a replay feeds the same costs from a log.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import (
    AnalogFilter,
    ClampState,
    LearningRate,
    ModulationClamp,
    Schedule,
    UpdateRule,
)
from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.envelope import Envelope
from mgd_lab.controller.state import TrainingState

Float64 = NDArray[np.float64]


class Updater:
    """Applies G to θ by rule, rate and envelope."""

    def __init__(self, rule: UpdateRule, rate: LearningRate, envelope: Envelope) -> None:
        self._rule = rule
        self._rate = rate
        self._envelope = envelope

    def update(self, state: TrainingState, gradient: Float64) -> None:
        """G (P,) after `state.steps` steps; LimitError where θ would leave the envelope."""
        change, rule_state = self._rule.update(state.rule, gradient, self._rate.at(state.steps))
        admitted = self._envelope.admit(state.theta + change, state.updates + 1)
        # Assigned together, after the gate: a refusal leaves the state as it was.
        state.theta, state.sent, state.rule = admitted.theta, admitted.sent, rule_state
        state.updates += 1
        state.projected += admitted.projected


class DiscreteEstimate:
    """The discrete algorithm's G = Σ C̃ θ̃ / ⟨θ̃²⟩ of a window, and the update at its end.

    Where a clamp is given, C̃ is limited by it; `divisor` divides G beside what `scale` does.
    """

    def __init__(
        self,
        schedule: Schedule,
        mean_square: Float64,
        scale: Literal["integral", "mean"],
        updater: Updater,
        *,
        clamp: ModulationClamp | None = None,
        divisor: float = 1.0,
    ) -> None:
        self._paired = schedule.baseline == "paired"
        self._divisor = mean_square * (schedule.tau_theta if scale == "mean" else 1) * divisor
        self._clamp = clamp
        # Where every window begins; shared, for totals are never changed in place.
        self._zeros = np.zeros_like(mean_square)
        self._updater = updater

    def begin(self) -> None:
        """Nothing comes with the costs."""

    def hold_baseline(self) -> None:
        """A baseline is its cost, which the learner keeps."""

    def add(
        self, state: TrainingState, chunk: Chunk, first: int, plus: Float64, reference: Float64
    ) -> None:
        """C and C0 (or C₊ and C₋), (n,) each, of the steps from `first` on of the chunk."""
        modulations = plus - reference
        if self._paired:
            modulations *= 0.5
        if self._clamp is not None:
            modulations, state.clamp = self._clamp.limit(state.clamp or ClampState(), modulations)
        state.total = chunk.correlate(state.total, modulations, first)

    def close_window(self, state: TrainingState) -> None:
        """The update by all that was added since the last."""
        self._updater.update(state, state.total / self._divisor)
        state.total = self._zeros
        if self._clamp is not None and state.clamp is not None:
            state.clamp = self._clamp.close(state.clamp)


class AnalogEstimate:
    """The analog algorithm's filters, and the update that follows every step."""

    def __init__(self, schedule: Schedule, filters: AnalogFilter, updater: Updater) -> None:
        self._tau_x = schedule.tau_x
        self._filters = filters
        self._updater = updater

    def add(self, state: TrainingState, chunk: Chunk, first: int, cost: float) -> None:
        """C of the step `first` of the chunk, which is the step after `state.steps`."""
        new_sample = state.steps % self._tau_x == 0
        filters = self._filters.init() if state.filters is None else state.filters
        state.filters = self._filters.update(
            filters, cost, chunk.perturbation(first), new_sample=new_sample
        )
        state.steps += 1

    def update(self, state: TrainingState) -> None:
        """θ moves by what the filters hold."""
        if state.filters is not None:
            self._updater.update(state, state.filters.gradient)
