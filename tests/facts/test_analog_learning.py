"""The analog algorithm, through the controller."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab import open_run
from mgd_lab.codes import codes


def _training(tau_x: int, tau_hp: float, tau_theta: float, rate: float, kind="random") -> dict:
    return {
        "algorithm": "analog",
        "perturbation": {"kind": kind, "amplitude": 0.05},
        "time_constants": {"tau_p": 1, "tau_x": tau_x, "tau_hp": tau_hp, "tau_theta": tau_theta},
        "samples": {"order": "cyclic" if kind == "random" else "shuffled"},
        "update": {"learning_rate": rate},
    }


@pytest.mark.parametrize("seed", [2, 4])
def test_it_learns_parity(train, seed: int) -> None:
    training = _training(tau_x=50, tau_hp=5, tau_theta=50, rate=0.1)
    training["samples"]["order"] = "shuffled"
    done = train(
        seed=seed, training=training, stop={"steps": 40_000, "cost_below": 0.04}, snapshots=1000
    )
    assert done.result.status == "target_reached"
    counters = done.result.counters
    # No baseline: one probe a step, and an update at every step.
    assert counters.probes == counters.steps == counters.updates
    assert counters.samples == -(-counters.steps // 50)


def test_its_gradient_points_along_the_true_one(parity, train, angle) -> None:
    # One sample, θ all but fixed, and a low-pass over some thousands of steps.
    training = _training(tau_x=60_000, tau_hp=5, tau_theta=2000, rate=1e-12)
    done = train(seed=3, training=training, stop={"steps": 10_000}, snapshots=10**6)
    with open_run(done.result.path) as log:
        found = log.state()["filters.gradient"]
    gradient = parity.gradient(parity.start(3), np.array([0]))
    assert angle(found, gradient) < 15
    # The high-pass lets 5/6 of a new perturbation's effect through; by now the low-pass has
    # charged to 1 − e⁻⁵.
    size = found @ gradient / (gradient @ gradient)
    assert size == pytest.approx(5 / 6, rel=0.1)


@pytest.mark.parametrize("tau_x", [7, 50])
def test_controller_does_what_the_equations_say(parity, train, tau_x: int) -> None:
    done = train(seed=4, training=_training(tau_x, 5.0, 20.0, 0.3), stop={"steps": 300})
    delta = float(np.float32(0.05))
    perturbations = codes("random", 4, 0, 300, 9).astype(np.float64) * delta
    theta, gradient, modulation, last = done.theta[0], np.zeros(9), 0.0, 0.0
    for n in range(300):
        sent = theta.astype(np.float32).astype(np.float64)
        sample = np.array([n // tau_x % 4])
        cost = parity.costs((sent + perturbations[n])[None], sample)[0]
        modulation = 0.0 if n % tau_x == 0 else 5 / 6 * (modulation + cost - last)
        gradient = 20 / 21 * gradient + 1 / 21 * modulation * perturbations[n] / delta**2
        theta, last = theta - 0.3 * gradient, cost
        np.testing.assert_allclose(done.theta[n + 1], theta, atol=1e-5)
    assert np.abs(theta - done.theta[0]).max() > 0.05
