"""What a run's log holds, as named tuples of NumPy arrays. Steps count from 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Float64s = NDArray[np.float64]


class Costs(NamedTuple):
    """Costs of N steps.

    Attributes:
        step: (N,) int64.
        sample: (N,) or (N, batch) unsigned, index into the training split.
        cost: (N,) float64, C; C₊ where the baseline is paired.
        baseline: (N,) float64, C0; C₋ where the baseline is paired; NaN where there is none.
    """

    step: Int64s
    sample: NDArray[np.unsignedinteger[Any]]
    cost: Float64s
    baseline: Float64s

    @property
    def cost_plus(self) -> Float64s:
        """C₊ of a paired run: the same array as `cost`."""
        return self.cost

    @property
    def cost_minus(self) -> Float64s:
        """C₋ of a paired run: the same array as `baseline`."""
        return self.baseline


class CostMeans(NamedTuple):
    """Means over whole windows; `step` (N,) is the number of steps done when each closed."""

    step: Int64s
    cost: Float64s
    baseline: Float64s


class Parameters(NamedTuple):
    """Snapshots of θ: `step` and `update` (N,) int64, `theta` (N, P) float64."""

    step: Int64s
    update: Int64s
    theta: Float64s


class Evaluations(NamedTuple):
    """Cost and accuracy without perturbation, (N,) each; accuracy is NaN where there is none."""

    step: Int64s
    cost: Float64s
    accuracy: Float64s
    update: Int64s
    split: NDArray[np.str_]
    samples: Int64s
    utc_seconds: Float64s


class Events(NamedTuple):
    """What happened beside the training, (N,) each; `details` are JSON objects."""

    step: Int64s
    kind: NDArray[np.str_]
    message: NDArray[np.str_]
    utc_seconds: Float64s
    details: tuple[Mapping[str, Any], ...]


class Telemetry(NamedTuple):
    """Readings of chip and instruments, (N,) each: one channel at one instant a row.

    `step` is how many steps had been done, `value` is NaN where a channel gave none, `unit` is ""
    where it has none.
    """

    step: Int64s
    utc_seconds: Float64s
    name: NDArray[np.str_]
    value: Float64s
    unit: NDArray[np.str_]


class Checkpoints(NamedTuple):
    """The counters at each checkpoint, (N,) each; `final` is '' but at an end."""

    step: Int64s
    probes: Int64s
    evaluation_probes: Int64s
    remeasured_probes: Int64s
    samples: Int64s
    updates: Int64s
    utc_seconds: Float64s
    monotonic_seconds: Float64s
    final: NDArray[np.str_]
