"""Settings that make the controller another well-known method, against plain references."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mgd_lab import open_run
from mgd_lab.codes import codes

P = 9
UPDATES = 60
DELTA = float(np.float32(0.05))
Array = np.ndarray


def _as_sent(theta: Array) -> Array:
    return theta.astype(np.float32).astype(np.float64)


def _follow(start: Array, change: Callable[[int, Array], Array], updates: int = UPDATES) -> Array:
    """θ after each update: `change` of the update's number and of θ as sent."""
    trajectory = [start]
    for k in range(updates):
        trajectory.append(trajectory[-1] + change(k, _as_sent(trajectory[-1])))
    return np.array(trajectory)


def _forward_difference(parity, theta: Array, samples: list[int]) -> Array:
    """(C(θ + Δθ eᵢ) − C(θ)) / Δθ for each i, averaged over samples."""
    columns = np.full((P, 1), 0)
    differences = [
        parity.costs(theta + DELTA * np.eye(P), columns[:, 0] + k)
        - parity.costs(theta[None], np.array([k]))
        for k in samples
    ]
    return np.mean(differences, axis=0) / DELTA


def _training(kind: str, times: dict, rate: float, **more) -> dict:
    return {
        "perturbation": {"kind": kind, "amplitude": 0.05},
        "time_constants": times,
        "samples": {"order": "cyclic"},
        "update": {"learning_rate": rate},
        **more,
    }


def _agree(found: Array, expected: Array) -> None:
    # θ is rounded to float32 when sent: a last bit may fall on the other side.
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    assert np.abs(expected[-1] - expected[0]).max() > 0.05


def test_sequential_with_tau_theta_p_tau_p_is_forward_finite_difference(parity, train) -> None:
    times = {"tau_p": 1, "tau_x": P, "tau_theta": P}
    done = train(training=_training("sequential", times, 0.05), stop={"updates": UPDATES})

    def change(k: int, theta: Array) -> Array:
        return -0.05 * P * _forward_difference(parity, theta, [k % 4])

    _agree(done.theta, _follow(done.theta[0], change))
    np.testing.assert_array_equal(_as_sent(done.theta[0]), parity.start(1))


def test_longer_tau_p_measures_each_difference_again(parity, train) -> None:
    times = {"tau_p": 3, "tau_x": 3 * P, "tau_theta": 3 * P}
    done = train(training=_training("sequential", times, 0.02), stop={"updates": UPDATES})

    def change(k: int, theta: Array) -> Array:
        return -0.02 * 3 * P * _forward_difference(parity, theta, [k % 4])

    _agree(done.theta, _follow(done.theta[0], change))


def test_sequential_with_tau_theta_tau_p_is_coordinate_descent(parity, train) -> None:
    times = {"tau_p": 1, "tau_x": P, "tau_theta": 1}
    done = train(training=_training("sequential", times, 0.05), stop={"updates": 400})

    def change(k: int, theta: Array) -> Array:
        one = np.zeros(P)
        one[k % P] = -0.05 * P * _forward_difference(parity, theta, [k // P % 4])[k % P]
        return one

    _agree(done.theta, _follow(done.theta[0], change, 400))


@pytest.mark.parametrize("baseline", ["measured", "paired"])
def test_random_with_tau_theta_tau_p_is_spsa(parity, train, baseline: str) -> None:
    times = {"tau_p": 1, "tau_x": 1, "tau_theta": 1}
    done = train(
        seed=5,
        training=_training("random", times, 0.1, baseline=baseline),
        stop={"updates": 400},
    )
    directions = codes("random", 5, 0, 400, P).astype(np.float64)

    def change(k: int, theta: Array) -> Array:
        # Spall (1992): the difference quotient over each component of ±1.
        sample, e = np.array([k % 4]), directions[k]
        plus = parity.costs((theta + DELTA * e)[None], sample)[0]
        if baseline == "paired":
            minus = parity.costs((theta - DELTA * e)[None], sample)[0]
            return -0.1 * (plus - minus) / (2 * DELTA * e)
        return -0.1 * (plus - parity.costs(theta[None], sample)[0]) / (DELTA * e)

    _agree(done.theta, _follow(done.theta[0], change, 400))


def test_tau_theta_above_tau_x_is_batching(parity, train) -> None:
    # Each code is held over the whole set.
    times = {"tau_p": 4, "tau_x": 1, "tau_theta": 4 * P}
    done = train(training=_training("sequential", times, 0.02), stop={"updates": UPDATES})

    def change(k: int, theta: Array) -> Array:
        return -0.02 * 4 * P * _forward_difference(parity, theta, [0, 1, 2, 3])

    _agree(done.theta, _follow(done.theta[0], change))


def test_batch_of_four_averages_four_samples(parity, train) -> None:
    times = {"tau_p": 1, "tau_x": 1, "tau_theta": P}
    training = _training("sequential", times, 0.08, batch=4)
    done = train(training=training, stop={"updates": UPDATES})

    def change(k: int, theta: Array) -> Array:
        return -0.08 * P * _forward_difference(parity, theta, [0, 1, 2, 3])

    _agree(done.theta, _follow(done.theta[0], change))
    counters = done.result.counters
    assert counters.steps == UPDATES * P
    # One baseline a step, because the batch is drawn anew at every step.
    assert counters.probes == UPDATES * P * 8
    assert counters.samples == UPDATES * P * 4
    assert counters.updates == UPDATES


def test_amplitudes_of_groups_divide_out(parity, train) -> None:
    groups = {"weights1": 0.02, "weights2": 0.1, "biases1": 0.05, "biases2": 0.04}
    training = _training("random", {}, 0.1)
    training["perturbation"]["amplitude"] = groups
    done = train(seed=6, training=training, stop={"updates": 300})
    amplitudes = np.array([0.02] * 4 + [0.1] * 2 + [0.05] * 2 + [0.04], np.float32)
    directions = (codes("random", 6, 0, 300, P) * amplitudes).astype(np.float64)

    def change(k: int, theta: Array) -> Array:
        sample, d = np.array([k % 4]), directions[k]
        difference = parity.costs((theta + d)[None], sample) - parity.costs(theta[None], sample)
        return -0.1 * difference[0] / d

    _agree(done.theta, _follow(done.theta[0], change, 300))


def test_mean_scale_is_integral_scale_at_n_times_the_rate(train) -> None:
    times = {"tau_p": 1, "tau_x": 1, "tau_theta": 16}
    ends = []
    for scale, rate in (("integral", 0.05), ("mean", 0.8)):
        training = _training("random", times, rate)
        training["update"]["scale"] = scale
        ends.append(train(training=training, stop={"updates": UPDATES}).theta)
    _agree(*ends)


def test_logged_costs_are_those_of_the_probes(parity, train) -> None:
    times = {"tau_p": 1, "tau_x": 6, "tau_theta": 4}
    done = train(seed=2, training=_training("random", times, 0.1), stop={"updates": 20})
    with open_run(done.result.path) as log:
        costs = log.costs()
    directions = codes("random", 2, 0, 80, P).astype(np.float64)
    for step in range(80):
        theta = _as_sent(done.theta[step // 4])[None]
        sample = np.array([step // 6 % 4])
        assert costs.sample[step] == sample[0]
        assert costs.cost[step] == parity.costs(theta + DELTA * directions[step], sample)[0]
        assert costs.baseline[step] == parity.costs(theta, sample)[0]
