"""What a training in progress holds: θ, the rule's memory, partial sums, counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import AnalogState, ClampState, State
from mgd_lab.records import Counters

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Best:
    """The evaluation with the lowest cost, and θ (P,) at which it was made."""

    step: int
    cost: float
    accuracy: float | None
    theta: Float64


@dataclass(slots=True)
class TrainingState:
    """Everything that the next step depends on, besides the experiment.

    Attributes:
        theta: (P,) float64, θ on the host.
        sent: (P,) float32, θ as the chip has it.
        rule: memory of the update rule.
        total: (P,) float64, Σ C̃ θ̃ of the window in progress; where nodes are perturbed, the
            gradients of its samples that are done with.
        signal: (M,) float64, Σ C̃ ã of the sample in progress, where nodes are perturbed.
        baseline: C0 that the next step may be compared with.
        filters: of the analog algorithm.
        clamp: what the limit of C̃ follows from, where it is limited.
        chip_snapshot: of a chip that learns by itself, after the last advance.
        projected: parameters that updates moved onto the limits, in all.
        best: the best evaluation so far, with its θ; the closing one is none of them.
    """

    theta: Float64
    sent: Float32
    rule: State
    total: Float64
    signal: Float64 | None = None
    baseline: float = np.nan
    filters: AnalogState | None = None
    clamp: ClampState | None = None
    chip_snapshot: Float64 | None = None
    steps: int = 0
    probes: int = 0
    evaluation_probes: int = 0
    remeasured_probes: int = 0
    updates: int = 0
    projected: int = 0
    best: Best | None = None

    def counters(self, samples: int) -> Counters:
        """The counters of DESIGN; `samples` are the draws so far."""
        return Counters(
            steps=self.steps,
            probes=self.probes,
            evaluation_probes=self.evaluation_probes,
            remeasured_probes=self.remeasured_probes,
            samples=samples,
            updates=self.updates,
        )

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Copies for a checkpoint."""
        arrays: dict[str, NDArray[Any]] = {
            "theta": self.theta.copy(),
            "total": self.total.copy(),
            "baseline": np.array(self.baseline),
            "projected": np.array(self.projected),
        }
        arrays.update({f"rule.{name}": array.copy() for name, array in self.rule.items()})
        if self.signal is not None:
            arrays["signal"] = self.signal.copy()
        if self.filters is not None:
            arrays["filters.last_cost"] = np.array(self.filters.last_cost)
            arrays["filters.modulation"] = np.array(self.filters.modulation)
            arrays["filters.gradient"] = self.filters.gradient.copy()
        if self.clamp is not None:
            arrays["clamp.means"] = np.array(
                [self.clamp.total, self.clamp.mean, self.clamp.weight], np.float64
            )
            arrays["clamp.counts"] = np.array([self.clamp.steps, self.clamp.limited], np.int64)
        if self.chip_snapshot is not None:
            arrays["chip_snapshot"] = self.chip_snapshot.copy()
        if self.best is not None:
            arrays["best.theta"] = self.best.theta.copy()
            arrays["best.evaluation"] = np.array(
                [self.best.step, self.best.cost, _number(self.best.accuracy)]
            )
        return arrays

    @classmethod
    def restored(
        cls, arrays: Mapping[str, NDArray[Any]], counters: Counters, sent: Float32
    ) -> TrainingState:
        """The state that a checkpoint's arrays and counters hold; `sent` is θ as sent, (P,)."""
        filters = None
        if "filters.gradient" in arrays:
            filters = AnalogState(
                float(arrays["filters.last_cost"]),
                float(arrays["filters.modulation"]),
                arrays["filters.gradient"].copy(),
            )
        clamp = None
        if "clamp.means" in arrays:
            clamp = ClampState(*arrays["clamp.means"].tolist(), *arrays["clamp.counts"].tolist())
        best = None
        if "best.theta" in arrays:
            step, cost, accuracy = arrays["best.evaluation"].tolist()
            known = None if np.isnan(accuracy) else accuracy
            best = Best(int(step), cost, known, arrays["best.theta"].copy())
        snapshot, signal = arrays.get("chip_snapshot"), arrays.get("signal")
        return cls(
            theta=arrays["theta"].copy(),
            sent=sent,
            rule={
                name.removeprefix("rule."): array.copy()
                for name, array in arrays.items()
                if name.startswith("rule.")
            },
            total=arrays["total"].copy(),
            signal=None if signal is None else signal.copy(),
            baseline=float(arrays["baseline"]),
            filters=filters,
            clamp=clamp,
            chip_snapshot=None if snapshot is None else snapshot.copy(),
            steps=counters.steps,
            probes=counters.probes,
            evaluation_probes=counters.evaluation_probes,
            remeasured_probes=counters.remeasured_probes,
            updates=counters.updates,
            projected=int(arrays["projected"]),
            best=best,
        )


def _number(value: float | None) -> float:
    return np.nan if value is None else value
