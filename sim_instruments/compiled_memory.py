"""What compiled code works with when a chip learns: its types, and arrays made for a program."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import LearningProgram
from mgd_lab.codes import KINDS, hadamard_size, mean_square, sine_table
from sim_instruments.compiled_plan import Plan

Float64 = NDArray[np.float64]

_RULES = ("sgd", "momentum", "adam")
_BASELINES = ("none", "measured", "paired")
_WORD_BITS = 128
_WORD_BYTES = 16
# Of the chip's memory for samples, in a table that is never read where codes need none.
_NO_TABLE = 1


class Numbers(NamedTuple):
    """A program's, with kinds, rules and baselines as in `compiled_codes` and its like."""

    seed: np.uint64
    kind: int
    order: int
    tau_p: int
    tau_x: int
    window: int
    batch: int
    baseline: int
    refresh: int
    rule: int
    is_analog: bool
    projects: bool
    is_narrow: bool
    passed: float
    keep: float
    admit: float
    momentum: float
    beta1: float
    beta2: float
    epsilon: float


class Wiring(NamedTuple):
    """The network, as `compiled_kernels` takes it, and the samples."""

    plan: NDArray[np.int64]
    layout: NDArray[np.int64]
    variation: NDArray[Any]
    memory: NDArray[Any]
    second: NDArray[Any]
    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]


class State(NamedTuple):
    """What a snapshot holds: vectors (P,); baseline, costs and products; counts."""

    theta: Float64
    total: Float64
    first: Float64
    second: Float64
    filtered: Float64
    numbers: Float64
    counts: NDArray[np.int64]


class Work(NamedTuple):
    """Constants of each parameter, and memory to work in; (P,) but for codes, table and numbers."""

    amplitudes: NDArray[np.float32]
    wide: Float64
    negative: Float64
    square: Float64
    divisor: Float64
    lowest: Float64
    highest: Float64
    low: Float64
    high: Float64
    table: NDArray[np.float32]
    codes: NDArray[np.uint8]
    moves: Float64
    sent: Float64
    shown: Float64
    plain: NDArray[Any]
    plus: NDArray[Any]
    minus: NDArray[Any]
    moved: Float64
    first: Float64
    second: Float64
    total: Float64
    numbers: Float64
    counted: NDArray[np.int64]


def numbers_of(program: LearningProgram, kind: np.dtype[Any]) -> Numbers:
    """The program's, for a network of numbers of a kind."""
    p, probes = program, program.probes
    return Numbers(
        seed=np.uint64(probes.seed),
        kind=KINDS.index(probes.kind),
        order=hadamard_size(len(probes.amplitudes)),
        tau_p=probes.tau_p,
        tau_x=probes.tau_x,
        window=1 if p.algorithm == "analog" else probes.tau_theta,
        batch=probes.batch,
        baseline=_BASELINES.index(probes.baseline),
        refresh=probes.baseline_refresh_steps,
        rule=_RULES.index(p.rule),
        is_analog=p.algorithm == "analog",
        projects=p.on_update == "project",
        is_narrow=kind != np.float64,
        passed=p.tau_hp / (p.tau_hp + 1.0),
        keep=p.tau_theta_filter / (p.tau_theta_filter + 1.0),
        admit=1.0 / (p.tau_theta_filter + 1.0),
        momentum=float(p.momentum),
        beta1=float(p.beta1),
        beta2=float(p.beta2),
        epsilon=float(p.epsilon),
    )


def wiring_of(
    plan: Plan, variation: NDArray[Any], inputs: NDArray[np.float32], targets: NDArray[np.float32]
) -> Wiring:
    """With memory of its own; `variation` has the numbers' type."""
    memory, second = (np.zeros(plan.memory, variation.dtype) for _ in range(2))
    return Wiring(plan.rows, plan.layout, variation, memory, second, inputs, targets)


def work_of(program: LearningProgram, kind: np.dtype[Any]) -> Work:
    """Arrays of P; those of the network's parameters have its numbers' type."""
    probes = program.probes
    parameters = len(probes.amplitudes)
    wide = probes.amplitudes.astype(np.float64)
    square = mean_square(probes.kind, parameters) * (wide * wide)
    largest = float(np.finfo(np.float32).max)
    table = np.zeros(_NO_TABLE, np.float32)
    if probes.kind == "sinusoidal":
        table = sine_table(2 * (parameters + 1)).copy()
    is_analog = program.algorithm == "analog"
    words = -(-parameters // _WORD_BITS)

    def some(of: Any = np.float64) -> NDArray[Any]:
        return np.zeros(parameters, of)

    sent = some()
    return Work(
        amplitudes=probes.amplitudes.copy(),
        wide=wide,
        negative=-wide,
        square=square,
        divisor=np.ones(parameters) if is_analog else square * program.scale_by,
        # What overflows float32 is beyond every edge.
        lowest=np.maximum(program.lowest, -largest),
        highest=np.minimum(program.highest, largest),
        low=some(),
        high=some(),
        table=table,
        codes=np.zeros((1, _WORD_BYTES * words), np.uint8),
        moves=some(),
        sent=sent,
        shown=some(),
        plain=sent if kind == np.float64 else some(kind),
        plus=some(kind),
        minus=some(kind),
        moved=some(),
        first=some(),
        second=some(),
        total=some(),
        numbers=np.zeros(3),
        counted=np.zeros(1, np.int64),
    )
