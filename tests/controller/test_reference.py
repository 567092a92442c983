"""The controller against a slow, scalar implementation of the algorithm, written on its own.

Only the network is shared (it has tests of its own), presented here one probe at a time. All
else is Python's own float64, added in the order that the specification states, so that equality
is exact.
"""

import math
from typing import Any

import numpy as np
import pytest

from mgd_lab.experiment import Experiment
from sim_instruments.network import MultilayerPerceptron

NETWORK = MultilayerPerceptron((2, 2, 1))
P = NETWORK.parameters
SAMPLES = [((0.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), 0.0)]
AMPLITUDES = [0.03, 0.04, 0.05, 0.06, 0.07, 0.05, 0.05, 0.04, 0.06]


def philox(seed: int, counter: list[int]) -> list[int]:
    """Philox4x32-10, as Salmon et al. (2011) state it."""
    k0, k1 = seed % 2**32, seed // 2**32
    c = list(counter)
    for _ in range(10):
        first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(second >> 32) ^ c[1] ^ k0, second % 2**32, (first >> 32) ^ c[3] ^ k1, first % 2**32]
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c


def code(kind: str, seed: int, index: int, i: int) -> float:
    if kind == "sequential":
        return 1.0 if index % P == i else 0.0
    if kind == "random":
        word = philox(seed, [index % 2**32, index // 2**32, i // 128, 0])[i % 128 // 32]
        return 1.0 if word >> (i % 32) & 1 else -1.0
    if kind == "walsh":
        size = 2 ** math.ceil(math.log2(2 * P))
        return (-1.0) ** ((2 * i + 1) & (index % size)).bit_count()
    length = 2 * (P + 1)
    return float(np.float32(math.sin(2 * math.pi * ((i + 1) * index % length) / length)))


MEAN_SQUARE = {"sequential": 1 / P, "random": 1.0, "walsh": 1.0, "sinusoidal": 0.5}


def drawn(order: str, seed: int, draw: int) -> int:
    n = len(SAMPLES)
    if order == "cyclic":
        return draw % n
    if order == "random":
        return philox(seed, [draw, 0, 0, 1])[0] * n >> 32
    epoch = draw // n
    keys = []
    for j in range(n):
        outputs = philox(seed, [epoch, 0, j // 2, 1])
        keys.append((outputs[2 * (j % 2)] + outputs[2 * (j % 2) + 1] * 2**32, j))
    return sorted(keys)[draw % n][1]


class Reference:
    """One run; `costs`, `baselines`, `samples` a step and `thetas` an update."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.training = experiment.training
        self.seed = experiment.seed
        self.amplitudes = [float(np.float32(a)) for a in AMPLITUDES]
        square = MEAN_SQUARE[self.training.perturbation.kind]
        self.squares = [square * (a * a) for a in self.amplitudes]
        low, high = self.training.initial.low, self.training.initial.high
        self.theta = [low + (high - low) * u for u in self._uniforms()]
        self.memory: dict[str, Any] = {"v": [0.0] * P, "m": [0.0] * P, "p": [1.0, 1.0]}
        self.costs: list[float] = []
        self.baselines: list[float] = []
        self.samples: list[list[int]] = []
        self.thetas = [list(self.theta)]
        self.probes = 0

    def _uniforms(self) -> list[float]:
        words = [w for k in range(P) for w in philox(self.seed, [0, 0, k, 2])]
        integers = [words[2 * k] + words[2 * k + 1] * 2**32 for k in range(P)]
        return [(integer >> 11) / 2**53 for integer in integers]

    def probe(self, sample: int, perturbation: list[float], sign: int) -> float:
        self.probes += 1
        sent = [float(np.float32(t)) for t in self.theta]
        register = [t + sign * p for t, p in zip(sent, perturbation, strict=True)]
        inputs, target = SAMPLES[sample]
        output = float(NETWORK.forward(np.array([register]), np.array([inputs]))[0, 0])
        return (output - target) * (output - target)

    def mean(self, samples: list[int], perturbation: list[float], sign: int) -> float:
        total = 0.0
        for sample in samples:
            total += self.probe(sample, perturbation, sign)
        return total / len(samples)

    def update(self, gradient: list[float], steps: int) -> None:
        settings = self.training.update
        rate = settings.learning_rate
        if settings.schedule.kind == "cosine":
            progress = min(steps / settings.schedule.steps, 1.0)
            progress = 0.5 * (1 - math.cos(math.pi * progress))
            rate = rate * (1 - progress + settings.schedule.final_fraction * progress)
        memory = self.memory
        if settings.rule == "adam":
            memory["p"] = [memory["p"][0] * settings.beta1, memory["p"][1] * settings.beta2]
        for i, g in enumerate(gradient):
            if settings.rule == "sgd":
                change = -rate * g
            elif settings.rule == "momentum":
                memory["v"][i] = settings.momentum * memory["v"][i] + g
                change = -rate * memory["v"][i]
            else:
                memory["m"][i] = settings.beta1 * memory["m"][i] + (1 - settings.beta1) * g
                memory["v"][i] = settings.beta2 * memory["v"][i] + (1 - settings.beta2) * (g * g)
                first = memory["m"][i] / (1 - memory["p"][0])
                second = memory["v"][i] / (1 - memory["p"][1])
                change = -rate * first / (math.sqrt(second) + settings.epsilon)
            self.theta[i] = self.theta[i] + change
        self.thetas.append(list(self.theta))

    def perturbation(self, step: int) -> list[float]:
        kind, index = self.training.perturbation.kind, step // self.training.time_constants.tau_p
        return [
            float(np.float32(code(kind, self.seed, index, i)) * np.float32(a))
            for i, a in enumerate(AMPLITUDES)
        ]

    def present(self, step: int) -> list[int]:
        period, batch = step // self.training.time_constants.tau_x, self.training.batch
        order = self.training.samples.order
        return [drawn(order, self.seed, period * batch + b) for b in range(batch)]

    def run(self, steps: int) -> None:
        self.discrete(steps) if self.training.algorithm == "discrete" else self.analog(steps)

    def discrete(self, steps: int) -> None:
        training, times = self.training, self.training.time_constants
        window = int(times.tau_theta)
        refresh = training.baseline_refresh_steps
        total, baseline, age, still = [0.0] * P, math.nan, 0, [0.0] * P
        for step in range(steps):
            samples, perturbation = self.present(step), self.perturbation(step)
            if training.baseline == "paired":
                plus = minus = 0.0
                for sample in samples:
                    plus += self.probe(sample, perturbation, 1)
                    minus += self.probe(sample, perturbation, -1)
                cost, baseline = plus / len(samples), minus / len(samples)
                modulation = 0.5 * (cost - baseline)
            else:
                changed = step % times.tau_x == 0 or step % window == 0
                age = 0 if changed else age + 1
                if changed or (refresh is not None and age % refresh == 0):
                    baseline = self.mean(samples, still, 0)
                cost = self.mean(samples, perturbation, 1)
                modulation = cost - baseline
            self.samples.append(samples)
            self.costs.append(cost)
            self.baselines.append(baseline)
            total = [t + modulation * p for t, p in zip(total, perturbation, strict=True)]
            if (step + 1) % window == 0:
                n = window if training.update.scale == "mean" else 1
                gradient = [t / (s * n) for t, s in zip(total, self.squares, strict=True)]
                self.update(gradient, step + 1)
                total = [0.0] * P

    def analog(self, steps: int) -> None:
        times = self.training.time_constants
        last, high, low = 0.0, 0.0, [0.0] * P
        keep, admit = times.tau_theta / (times.tau_theta + 1), 1 / (times.tau_theta + 1)
        for step in range(steps):
            samples, perturbation = self.present(step), self.perturbation(step)
            cost = self.mean(samples, perturbation, 1)
            fresh = step % times.tau_x == 0
            high = 0.0 if fresh else times.tau_hp / (times.tau_hp + 1) * (high + cost - last)
            last = cost
            low = [
                keep * g + high * p / s * admit
                for g, p, s in zip(low, perturbation, self.squares, strict=True)
            ]
            self.samples.append(samples)
            self.costs.append(cost)
            self.baselines.append(math.nan)
            self.update(low, step + 1)


def _check(train, experiment, training, steps=90, **changes):
    training = {**training, "perturbation": {**training["perturbation"], "amplitude": AMPLITUDES}}
    made = experiment(training=training, **changes)
    reference = Reference(made)
    reference.run(steps)
    # The reference's network is NumPy's; what the exponentials of another engine round is its own.
    run = train(training=training, stop={"steps": steps}, chip={"engine": "numpy"}, **changes)
    np.testing.assert_array_equal(run.column("costs"), reference.costs)
    np.testing.assert_array_equal(run.column("baselines"), reference.baselines)
    samples = run.column("samples").reshape(steps, -1)
    np.testing.assert_array_equal(samples, reference.samples)
    np.testing.assert_array_equal(run.theta, reference.thetas)
    assert run.outcome.counters.probes == reference.probes
    # Something was learned from, or nothing would have been compared.
    assert np.abs(run.theta[-1] - run.theta[0]).max() > 1e-3


KINDS = ["sequential", "random", "walsh", "sinusoidal"]
TIMES = [(1, 1, 1), (1, 1, 8), (3, 5, 7), (4, 2, 12), (2, 30, 5), (7, 3, 1)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("baseline", ["measured", "refreshed", "paired"])
def test_discrete(train, experiment, kind, times, batch, baseline):
    training: dict[str, Any] = {
        "perturbation": {"kind": kind},
        "time_constants": dict(zip(("tau_p", "tau_x", "tau_theta"), times, strict=True)),
        "batch": batch,
        "baseline": "paired" if baseline == "paired" else "measured",
    }
    if baseline == "refreshed":
        training["baseline_refresh_steps"] = 2
    _check(train, experiment, training)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("scale", ["integral", "mean"])
@pytest.mark.parametrize("schedule", [{}, {"kind": "cosine", "steps": 60, "final_fraction": 0.1}])
@pytest.mark.parametrize("algorithm", ["discrete", "analog"])
def test_rules_and_scales(train, experiment, rule, scale, schedule, algorithm):
    times = {"tau_x": 5, "tau_theta": 4}
    training = {
        "algorithm": algorithm,
        "perturbation": {"kind": "random"},
        "time_constants": times | ({"tau_hp": 1.5} if algorithm == "analog" else {}),
        "update": {"rule": rule, "scale": scale, "learning_rate": 0.3, "schedule": schedule},
    }
    _check(train, experiment, training)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("tau_theta", [0, 0.5, 20])
def test_analog(train, experiment, kind, batch, tau_theta):
    training = {
        "algorithm": "analog",
        "perturbation": {"kind": kind},
        "time_constants": {"tau_p": 2, "tau_x": 9, "tau_theta": tau_theta, "tau_hp": 3},
        "batch": batch,
    }
    _check(train, experiment, training)


@pytest.mark.parametrize("order", ["shuffled", "random", "cyclic"])
@pytest.mark.parametrize("seed", [0, 2**63 + 12345])
def test_orders_and_seeds(train, experiment, order, seed):
    training = {"perturbation": {"kind": "random"}, "samples": {"order": order}, "batch": 3}
    _check(train, experiment, training, seed=seed)
