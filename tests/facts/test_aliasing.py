"""Codes with a period and samples in a fixed cycle lock to each other."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.codes import codes, sample_order
from mgd_lab.errors import ConfigurationError


def _training(order: str, **times: int) -> dict:
    return {
        "perturbation": {"kind": "walsh", "amplitude": 0.05},
        "time_constants": {"tau_p": 1, "tau_x": 1, "tau_theta": 16, **times},
        "samples": {"order": order},
        "update": {"learning_rate": 0.02},
    }


def _gradient(parity, theta: np.ndarray, order: str, steps: int) -> np.ndarray:
    """The mean estimate over a very long window at constant θ."""
    samples = sample_order(order, 1, 4, 0, steps)
    perturbations = 1e-3 * codes("walsh", 0, 0, steps, 9).astype(np.float64)
    base = parity.costs(np.tile(theta, (steps, 1)), samples)
    modulations = parity.costs(theta + perturbations, samples) - base
    return modulations @ perturbations / 1e-6 / steps


def test_locked_samples_bend_the_gradient_for_ever(parity, angle) -> None:
    for seed in range(8):
        theta = 2 * parity.start(seed)
        gradient = parity.gradient(theta)
        cyclic, shuffled = (
            [angle(_gradient(parity, theta, order, steps), gradient) for steps in (32, 12_800)]
            for order in ("cyclic", "shuffled")
        )
        # One code period shows all that locked samples ever will; others average on.
        assert cyclic[1] == pytest.approx(cyclic[0], abs=1e-6)
        assert cyclic[1] > 8
        assert shuffled[1] < 5
        assert shuffled[1] < cyclic[1] / 2


def test_locked_settings_are_refused_and_the_ways_out_named(train) -> None:
    with pytest.raises(ConfigurationError, match="locks each of the 4 samples") as refusal:
        train(training=_training("cyclic"), stop={"steps": 32})
    for way_out in ("order: shuffled", "tau_x: 32", "tau_p: 4"):
        assert way_out in str(refusal.value)


@pytest.mark.parametrize(
    ("order", "times"), [("shuffled", {}), ("random", {}), ("cyclic", {"tau_x": 32})]
)
def test_each_way_out_is_accepted(train, order: str, times: dict) -> None:
    done = train(training=_training(order, **times), stop={"steps": 64})
    assert done.result.counters.steps == 64


def test_holding_each_code_over_the_set_is_accepted(train) -> None:
    done = train(training=_training("cyclic", tau_p=4), stop={"steps": 64})
    assert done.result.counters.updates == 4
