"""A small network with a known gradient, and runs of the real controller on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mgd_lab import RunResult, load_experiment, open_run, run
from mgd_lab.algorithm import correlate, mean_square_perturbation
from mgd_lab.codes import Kind, Stream, codes, mean_square, uniforms
from mgd_lab.costs import CostFunction
from sim_instruments.network import MultilayerPerceptron

Array = np.ndarray


@dataclass(frozen=True)
class Parity:
    """Two-bit parity on a 2-2-1 network, P = 9, evaluated without a chip."""

    network: MultilayerPerceptron
    inputs: Array
    targets: Array

    @property
    def parameters(self) -> int:
        return self.network.parameters

    def costs(self, parameters: Array, samples: Array) -> Array:
        """parameters (n, P), samples (n,) → costs (n,)."""
        outputs = self.network.forward(parameters, self.inputs[samples])
        return CostFunction("mse")(outputs, self.targets[samples])

    def mean_cost(self, parameters: Array) -> Array:
        """parameters (n, P) → cost over all four samples (n,)."""
        columns = [self.costs(parameters, np.full(len(parameters), k)) for k in range(4)]
        return np.mean(columns, axis=0)

    def gradient(self, theta: Array, samples: Array | None = None) -> Array:
        """∇C at θ (P,) by central differences, over all samples or those given."""
        step = 1e-5 * np.eye(self.parameters)
        if samples is None:
            return (self.mean_cost(theta + step) - self.mean_cost(theta - step)) / 2e-5
        rows = [np.full(self.parameters, k) for k in samples]
        differences = [self.costs(theta + step, k) - self.costs(theta - step, k) for k in rows]
        return np.mean(differences, axis=0) / 2e-5

    def start(self, seed: int) -> Array:
        """A start in ±1 as the controller draws it, rounded as sent."""
        drawn = -1.0 + 2.0 * uniforms(seed, Stream.INITIAL_VALUES, 0, self.parameters)
        return drawn.astype(np.float32).astype(np.float64)


@pytest.fixture(scope="session")
def parity() -> Parity:
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    targets = (bits.sum(axis=1, keepdims=True) % 2).astype(np.float32)
    return Parity(MultilayerPerceptron((2, 2, 1)), bits.astype(np.float64), targets)


Estimate = Callable[..., Array]


@pytest.fixture(scope="session")
def estimate() -> Estimate:
    """G / N of a window of N steps for a cost as a function of parameters (n, P) → (n,)."""

    def of(
        cost: Callable[[Array], Array],
        theta: Array,
        kind: Kind,
        steps: int,
        amplitude: float | Array,
        *,
        seed: int = 0,
        first: int = 0,
        paired: bool = False,
    ) -> Array:
        parameters = len(theta)
        amplitudes = np.broadcast_to(np.float32(amplitude), (parameters,))
        unit = codes(kind, seed, first, steps, parameters)
        perturbations = (unit * amplitudes).astype(np.float64)
        if paired:
            modulations = 0.5 * (cost(theta + perturbations) - cost(theta - perturbations))
        else:
            modulations = cost(theta + perturbations) - cost(theta[None])
        total = correlate(np.zeros(parameters), modulations, perturbations)
        square = mean_square_perturbation(mean_square(kind, parameters), amplitudes)
        return total / square / steps

    return of


@pytest.fixture(scope="session")
def angle() -> Callable[[Array, Array], float]:
    """Between two vectors, in degrees."""

    def between(a: Array, b: Array) -> float:
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        return float(np.degrees(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))

    return between


@dataclass(frozen=True)
class Finished:
    """What became of a run: θ after each update (N + 1, P), first the start."""

    result: RunResult
    theta: Array


Train = Callable[..., Finished]


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Parity through an experiment file and the real controller, on an emulated chip."""

    def execute(
        *, seed: int = 1, training: dict[str, Any], stop: dict[str, Any], snapshots: int = 1
    ) -> Finished:
        experiment = {
            "name": "fact",
            "seed": seed,
            # What is compared with is NumPy, whose exponentials are its own.
            "chip": {"driver": "emulated", "network": {"layers": [2, 2, 1]}, "engine": "numpy"},
            "task": {"dataset": "parity", "bits": 2},
            "training": training,
            "stop": stop,
            "logging": {"parameters_every_updates": snapshots},
        }
        file = tmp_path / "experiment.yaml"
        file.write_text(json.dumps(experiment), encoding="utf-8")
        result = run(load_experiment(file), runs_dir=tmp_path / "runs")
        assert result.path is not None
        with open_run(result.path) as log:
            snapshots_read = log.parameters()
            # The last θ is written once more at the end.
            _, first = np.unique(snapshots_read.update, return_index=True)
            return Finished(result, snapshots_read.theta[first])

    return execute
