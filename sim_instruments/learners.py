"""Which loop a learning chip runs: compiled, or in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import LearningProgram
from sim_instruments.engines import Engine
from sim_instruments.on_chip_learning import Measure, OnChipLearning

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bench:
    """What presentations are made with, as it stands.

    Attributes:
        inputs, targets: (N, I), (N, O).
        low, high: the chip's own limits of θ + θ̃, (P,) each.
        presented: is told θ as sent (P,), and how many presentations were made, with it last.
    """

    inputs: Float32
    targets: Float32
    low: Float64
    high: Float64
    presented: Callable[[Float64, int], None]


def learner_of(
    program: LearningProgram,
    theta: Float64,
    measure: Measure,
    engine: Engine,
    bench: Callable[[], Bench | None],
) -> OnChipLearning:
    """The compiled loop where the engine is compiled, and no stretch of steps takes it long.

    `bench` is None, at any time, where presentations are to be made by `measure`.
    """
    if engine.title.startswith("compiled-"):
        # Imported here: that needs the extra.
        from sim_instruments.compiled_engine import CompiledEngine
        from sim_instruments.compiled_learning import CompiledLearning, is_quick

        if isinstance(engine, CompiledEngine) and is_quick(program, engine):
            return CompiledLearning(program, theta, measure, engine, bench)
    return OnChipLearning(program, theta, measure)
