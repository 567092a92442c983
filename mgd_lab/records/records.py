"""Frozen records. A `Checkpoint` closes a transaction: with it, all records since the last
checkpoint become durable, or none do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Counters:
    """What has been done so far (totals since step 0)."""

    steps: int = 0
    probes: int = 0
    evaluation_probes: int = 0
    remeasured_probes: int = 0
    samples: int = 0
    updates: int = 0


@dataclass(frozen=True, slots=True)
class StepBlock:
    """Neighbouring steps as measured.

    Attributes:
        first_step: the step that index 0 stands for.
        samples: (n,) or (n, batch), index into the training split, unsigned.
        costs: (n,) float64, C of each step; C₊ where the baseline is `paired`.
        baselines: (n,) float64, the C0 that the step was compared with; C₋ where `paired`; NaN in
            the analog algorithm, which has none.
        utc_seconds, monotonic_seconds: when the last of these steps had been measured.
    """

    first_step: int
    samples: NDArray[np.unsignedinteger[Any]]
    costs: NDArray[np.float64]
    baselines: NDArray[np.float64]
    utc_seconds: float
    monotonic_seconds: float


@dataclass(frozen=True, slots=True)
class WindowMeans:
    """Means over whole windows, for runs whose every cost would be too much to keep.

    Attributes:
        last_steps: (n,) int64, the number of steps done when each window closed.
        costs, baselines: (n,) float64, means over the steps of each window.
    """

    last_steps: NDArray[np.int64]
    costs: NDArray[np.float64]
    baselines: NDArray[np.float64]
    utc_seconds: float
    monotonic_seconds: float


@dataclass(frozen=True, slots=True)
class ParameterSnapshot:
    """θ on the host, float64 (P,), after `step` steps and `update` updates.

    `closing` marks one that is kept only because the run ends there: a run that goes on later does
    without it.
    """

    step: int
    update: int
    theta: NDArray[np.float64]
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Cost and accuracy over a split with unperturbed parameters, after `step` steps.

    `accuracy` is None where the chip returns only costs or the targets are no classes. `closing`
    marks one that was made only because the run ends there.
    """

    step: int
    update: int
    split: str
    samples: int
    cost: float
    accuracy: float | None
    utc_seconds: float
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One reading of each channel that chip or bench reports; values float64 (T,), NaN for none."""

    step: int
    names: tuple[str, ...]
    values: NDArray[np.float64]
    utc_seconds: float


@dataclass(frozen=True, slots=True)
class Event:
    """Anything worth telling: a projection onto limits, a retry, an interruption, an error."""

    step: int
    kind: str
    message: str
    utc_seconds: float
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that the controller needs to go on from here, and the end of a transaction.

    `state` maps names to arrays: parameters, the update rule's memory, partial sums.
    """

    counters: Counters
    utc_seconds: float
    monotonic_seconds: float
    state: Mapping[str, NDArray[Any]]
    final: Literal["", "finished", "target_reached", "target_missed", "interrupted", "failed"] = ""


@dataclass(frozen=True, slots=True)
class Rollback:
    """All since the last checkpoint counts as never measured: training was torn out of a window."""


Record = (
    StepBlock
    | WindowMeans
    | ParameterSnapshot
    | Evaluation
    | Telemetry
    | Event
    | Checkpoint
    | Rollback
)


class RecordSink(Protocol):
    """Where records go, in the order in which they are given.

    `write` may hand the record to another thread; it keeps the record's arrays, so the caller
    does not change them afterwards. It blocks rather than drop, and raises `RunStoreError` when
    an earlier or this record could not be kept.
    """

    def write(self, record: Record) -> None: ...
