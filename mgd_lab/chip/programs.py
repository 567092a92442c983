"""What a chip is told once, so that it can make probes, or learn, by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Kind, Order

Baseline = Literal["measured", "paired", "none"]

# A snapshot of a chip that learns: so many numbers, then five arrays of P: θ, Σ C̃ θ̃ of the window
# in progress, and the memories of rule (two) and low-pass. The numbers are the steps done, the
# baseline in force, the last cost and high-passed cost of the analog algorithm, the two products of
# β of Adam, how many values have been projected onto the edges, and 1 where the update at the end
# of the last window is still due, since it was refused.
SNAPSHOT_HEAD = 8
SNAPSHOT_ARRAYS = 5
SNAPSHOT_PROJECTED = 6
SNAPSHOT_UPDATE_DUE = 7


def snapshot_length(parameters: int) -> int:
    """Numbers in a snapshot of a chip with P parameters."""
    return SNAPSHOT_HEAD + SNAPSHOT_ARRAYS * parameters


@dataclass(frozen=True, eq=False)
class ProbeProgram:
    """The probes of a run, for the rungs `generated` and `learns`.

    Attributes:
        kind, seed, amplitudes: of the codes; amplitudes float32 (P,).
        tau_p, tau_x, tau_theta: steps between new codes, samples and parameters.
        batch: samples of a step.
        baseline: how steps are compared; "none" for the analog algorithm.
        baseline_refresh_steps: steps after which a measured baseline is old; 0 for never.
        order, samples: how samples are drawn from the first `samples` places of the memory.
    """

    kind: Kind
    seed: int
    amplitudes: NDArray[np.float32]
    tau_p: int
    tau_x: int
    tau_theta: int
    batch: int
    baseline: Baseline
    baseline_refresh_steps: int
    order: Order
    samples: int


@dataclass(frozen=True, eq=False)
class LearningProgram:
    """The whole training, for the rung `learns`.

    Attributes:
        probes: what is measured.
        algorithm: "analog" learns at every step through filters of tau_hp and tau_theta_filter.
        rule, momentum, beta1, beta2, epsilon: the update rule.
        scale_by: what G is divided by: 1, or the steps of a window for `scale: mean`.
        rate, rate_kind, rate_steps, final_fraction: the learning rate and its schedule.
        lowest, highest: edges of θ after an update, float64 (P,) that hold float32 values, infinite
            where there are none; the amplitude is taken off already.
        on_update: what becomes of an update that would leave them: "refuse" stops learning with θ
            as it was, "project" moves θ onto the edge. θ is judged as it is sent, in float32; what
            is no finite float32 number is always refused.
    """

    probes: ProbeProgram
    algorithm: Literal["discrete", "analog"]
    tau_hp: float
    tau_theta_filter: float
    rule: Literal["sgd", "momentum", "adam"]
    momentum: float
    beta1: float
    beta2: float
    epsilon: float
    scale_by: int
    rate: float
    rate_kind: Literal["constant", "cosine", "linear", "exponential"]
    rate_steps: int
    final_fraction: float
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    on_update: Literal["refuse", "project"]
