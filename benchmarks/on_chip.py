"""A chip that trains itself in compiled code, against a loop in Numba as one would write it.

Part of `emulator.py`, which runs it. Random codes, τ_p = τ_x = τ_θ = 1, measured baseline, shuffled
samples; what is timed is asking the chip to advance, codes, sample order and snapshot included. The
other loop has NumPy's generator for its signs, dot products, and an array or two a step.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from mgd_lab.chip import LearningProgram, ProbeProgram
from mgd_lab.costs import CostFunction
from sim_instruments.compiled_engine import CompiledEngine
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron

AMPLITUDE, RATE = 0.05, 0.005
STEPS = 100_000


@dataclass(frozen=True)
class Case:
    """A network, how many samples it learns, and what is aimed at."""

    layers: tuple[int, int, int]
    samples: int
    steps_per_second: float
    times_as_fast: float


CASES = (
    Case((2, 2, 1), 4, 1e6, 1.5),
    Case((49, 4, 4), 640, 0.5e6, 3.0),
)


class Peers:
    """Both loops, with the same samples and initial values."""

    def __init__(self, case: Case) -> None:
        network = MultilayerPerceptron(case.layers)
        self.parameters = network.parameters
        random = np.random.default_rng(0)
        inputs = random.random((case.samples, case.layers[0])).astype(np.float32)
        targets = random.random((case.samples, case.layers[-1])).astype(np.float32)
        self._theta = random.uniform(-0.5, 0.5, network.parameters)
        self._wide = (inputs.astype(np.float64), targets.astype(np.float64))
        self._hidden = case.layers[1]
        self._chip = EmulatedChip(network, engine=CompiledEngine(network))
        self._chip.set_cost(CostFunction())
        self._chip.load_samples(inputs, targets)
        began = time.perf_counter()
        self._chip.configure_learning(_program(network.parameters, case.samples), self._theta)
        self._done = 0
        self.on_chip(1)
        self.compiling = time.perf_counter() - began
        self.by_a_user(1)

    def on_chip(self, steps: int) -> float:
        """Seconds a step."""
        self._done += steps
        began = time.perf_counter()
        self._chip.advance(self._done)
        self._chip.snapshot()
        return (time.perf_counter() - began) / steps

    def by_a_user(self, steps: int) -> float:
        """Seconds a step."""
        # Imported here: it needs the extra.
        import user_loop

        train: Any = user_loop.train
        began = time.perf_counter()
        train(self._theta, *self._wide, self._hidden, AMPLITUDE, RATE, steps)
        return (time.perf_counter() - began) / steps


def _program(parameters: int, samples: int) -> LearningProgram:
    probes = ProbeProgram(
        kind="random",
        seed=1,
        amplitudes=np.full(parameters, AMPLITUDE, np.float32),
        tau_p=1,
        tau_x=1,
        tau_theta=1,
        batch=1,
        baseline="measured",
        baseline_refresh_steps=0,
        order="shuffled",
        samples=samples,
    )
    return LearningProgram(
        probes=probes,
        algorithm="discrete",
        tau_hp=0.0,
        tau_theta_filter=0.0,
        rule="sgd",
        momentum=0.0,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        scale_by=1,
        rate=RATE,
        rate_kind="constant",
        rate_steps=1,
        final_fraction=0.0,
        lowest=np.full(parameters, -np.inf),
        highest=np.full(parameters, np.inf),
        on_update="refuse",
    )


def compare(rounds: int) -> list[dict[str, Any]]:
    """Rates and ratios, printed and returned: medians of rounds in which both run in turn."""
    results: list[dict[str, Any]] = []
    for case in CASES:
        peers = Peers(case)
        peers.on_chip(STEPS // 10)
        seconds = [(peers.on_chip(STEPS), peers.by_a_user(STEPS)) for _ in range(rounds)]
        rate = 1 / statistics.median(ours for ours, _ in seconds)
        theirs = 1 / statistics.median(user for _, user in seconds)
        times = statistics.median(user / ours for ours, user in seconds)
        name = f"on-chip loop, P = {peers.parameters}"
        print(f"{name}: {rate:,.0f} steps/s (target {case.steps_per_second:,.0f})")
        print(f"{name} against a user's Numba loop ({theirs:,.0f} steps/s): {times:.2f} "
              f"(target {case.times_as_fast})")  # fmt: skip
        print(f"{name}: compiled, or loaded, in {peers.compiling:.1f} s", flush=True)
        results.append(
            {
                "what": name,
                "steps_per_second": rate,
                "target_steps_per_second": case.steps_per_second,
                "user_steps_per_second": theirs,
                "ratio": times,
                "target": case.times_as_fast,
                "compiling_seconds": peers.compiling,
            }
        )
    return results
