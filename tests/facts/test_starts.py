"""Which share of random starts solves two-bit parity: many starts at once, by a plain loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from mgd_lab.codes import Kind, codes, mean_square, sample_order

Array = np.ndarray
_SPAN = 960


@dataclass(frozen=True)
class Setting:
    kind: Kind = "random"
    order: Literal["shuffled", "cyclic"] = "shuffled"
    tau_theta: int = 1
    rate: float = 0.5
    amplitude: float = 0.05


def _codes_and_samples(setting: Setting, seeds: range, first: int) -> tuple[Array, Array]:
    """(steps, starts, P) and (steps, starts) of the next steps."""
    unit = np.stack([codes(setting.kind, seed, first, _SPAN, 9) for seed in seeds], axis=1)
    drawn = [sample_order(setting.order, seed, 4, first, _SPAN) for seed in seeds]
    return (unit * np.float32(setting.amplitude)).astype(np.float64), np.stack(drawn, axis=1)


def _solved_at(parity, setting: Setting, seeds: range, steps: int) -> tuple[Array, Array]:
    """Steps after which each start had a cost below 0.04 (−1: never), and θ at the end."""
    theta = np.array([parity.start(seed) for seed in seeds])
    solved = np.full(len(seeds), -1)
    total = np.zeros_like(theta)
    square = mean_square(setting.kind, 9) * float(np.float32(setting.amplitude)) ** 2
    for first in range(0, steps, _SPAN):
        perturbations, samples = _codes_and_samples(setting, seeds, first)
        for n in range(min(_SPAN, steps - first)):
            sent = theta.astype(np.float32).astype(np.float64)
            both = np.concatenate([sent, sent + perturbations[n]])
            costs = parity.costs(both, np.tile(samples[n], 2))
            modulation = costs[len(seeds) :] - costs[: len(seeds)]
            total += modulation[:, None] * perturbations[n]
            if (first + n + 1) % setting.tau_theta == 0:
                theta -= setting.rate * (total / square)
                total[:] = 0
        done = parity.mean_cost(theta) < 0.04
        solved[done & (solved < 0)] = min(first + _SPAN, steps)
        if (solved >= 0).all():
            break
    return solved, theta


@pytest.mark.parametrize("tau_theta", [1, 16])
def test_plain_loop_is_the_controller(parity, train, tau_theta: int) -> None:
    training = {
        "time_constants": {"tau_theta": tau_theta},
        "update": {"learning_rate": 0.5},
    }
    done = train(seed=3, training=training, stop={"steps": 320})
    _, theta = _solved_at(parity, Setting(tau_theta=tau_theta), range(3, 5), 320)
    # The controller keeps the start in float64 and sends it in float32.
    np.testing.assert_allclose(done.theta[-1], theta[0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("tau_theta", "rate"), [(1, 0.3), (1, 1.0), (16, 3.0 / 16)])
def test_two_thirds_to_four_fifths_of_starts_solve_parity(parity, tau_theta, rate) -> None:
    solved, _ = _solved_at(parity, Setting(tau_theta=tau_theta, rate=rate), range(100), 100_000)
    share = np.mean(solved >= 0)
    # 65 to 82 %, with a standard error of 4.5 % for a hundred starts.
    assert 0.56 < share < 0.91
    assert 1_500 < np.median(solved[solved >= 0]) < 16_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_locked_samples_solve_far_fewer_starts_than_shuffled_ones(parity) -> None:
    shares = {}
    for order in ("shuffled", "cyclic"):
        setting = Setting("walsh", order, tau_theta=16, rate=1.0 / 16)
        solved, _ = _solved_at(parity, setting, range(100), 100_000)
        shares[order] = np.mean(solved >= 0)
    assert shares["shuffled"] > 0.6
    assert shares["cyclic"] < 0.35
