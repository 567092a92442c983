"""Update rules on the controller's gradients, and kinds that swap without retuning."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.codes import KINDS, period

P = 9
DELTA = float(np.float32(0.05))


def _training(**update) -> dict:
    return {
        "perturbation": {"kind": "sequential", "amplitude": 0.05},
        "time_constants": {"tau_p": 1, "tau_x": 1, "tau_theta": P},
        "samples": {"order": "cyclic"},
        "batch": 4,
        "update": {"scale": "mean", **update},
    }


def _difference(parity, theta: np.ndarray) -> np.ndarray:
    theta = theta.astype(np.float32).astype(np.float64)
    return (parity.mean_cost(theta + DELTA * np.eye(P)) - parity.mean_cost(theta[None])) / DELTA


def test_momentum_with_mean_scale(parity, train) -> None:
    done = train(
        training=_training(rule="momentum", momentum=0.8, learning_rate=0.3),
        stop={"updates": 100},
    )
    theta, velocity = done.theta[0], np.zeros(P)
    for k in range(100):
        velocity = 0.8 * velocity + _difference(parity, theta)
        theta = theta - 0.3 * velocity
        np.testing.assert_allclose(done.theta[k + 1], theta, atol=2e-5)


def test_adam_with_mean_scale_and_cosine_decay(parity, train) -> None:
    done = train(
        training=_training(
            rule="adam",
            learning_rate=0.02,
            schedule={"kind": "cosine", "steps": 900, "final_fraction": 0.1},
        ),
        stop={"updates": 120},
    )
    theta, m, v = done.theta[0], np.zeros(P), np.zeros(P)
    for t in range(1, 121):
        g = _difference(parity, theta)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        # η belongs to the number of steps done when the update happens.
        share = min(t * P / 900, 1.0)
        rate = 0.02 * (0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * share)))
        theta = theta - rate * m_hat / (np.sqrt(v_hat) + 1e-8)
        np.testing.assert_allclose(done.theta[t], theta, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_swap_without_retuning(parity, train, angle, kind) -> None:
    steps, rate = 5760, 2e-4
    training = _training(learning_rate=rate, scale="integral")
    training["perturbation"] = {"kind": kind, "amplitude": 1e-3}
    training["time_constants"]["tau_theta"] = period(kind, P) or 32
    done = train(seed=4, training=training, stop={"steps": steps}, snapshots=1000)
    theta = done.theta[0]
    for _ in range(steps // 32):
        theta = theta - rate * 32 * parity.gradient(theta)
    moved, expected = done.theta[-1] - done.theta[0], theta - done.theta[0]
    # Random codes: √(8/5760) = 4 %.
    assert np.linalg.norm(moved - expected) < (0.12 if kind == "random" else 0.03) * np.linalg.norm(
        expected
    )
    assert angle(moved, expected) < (6 if kind == "random" else 1)
