"""Random codes: how the angle to the true gradient falls with perturbations and rises with noise.

E[cos] ≈ 1/√(1 + x), x = (P − 1)/T, and noise σ on the cost adds P σ²/(T Δθ² |∇C|²) to x.
"""

from __future__ import annotations

import numpy as np
import pytest

P = 220
WINDOWS = 60


@pytest.fixture(scope="module")
def slope() -> np.ndarray:
    return np.random.default_rng(2).normal(size=P)


def _cosines(slope, estimate, steps: int, noise=None, amplitude: float = 0.05) -> np.ndarray:
    def cost(parameters: np.ndarray) -> np.ndarray:
        exact = parameters @ slope
        return exact if noise is None else noise(exact)

    found = [
        estimate(cost, np.zeros(P), "random", steps, amplitude, seed=7, first=k * steps)
        for k in range(WINDOWS)
    ]
    norm = np.linalg.norm(slope)
    return np.array([g @ slope / np.linalg.norm(g) / norm for g in found])


@pytest.mark.parametrize("steps", [22, 55, 220, 880, 2200])
def test_law_of_the_angle(slope, estimate, steps: int) -> None:
    cosines = _cosines(slope, estimate, steps)
    expected = 1 / np.sqrt(1 + (P - 1) / steps)
    error = cosines.std(ddof=1) / np.sqrt(WINDOWS)
    # The law itself is good to a few parts in a thousand at this P.
    assert abs(cosines.mean() - expected) < 3 * error + 0.005 * expected


def test_45_degrees_after_as_many_perturbations_as_parameters(slope, estimate) -> None:
    degrees = np.degrees(np.arccos(_cosines(slope, estimate, P)))
    assert abs(degrees.mean() - 45) < 1.0


@pytest.mark.parametrize("noisy_baseline", [False, True])
@pytest.mark.parametrize("steps", [220, 880])
def test_noise_adds_to_the_law(slope, estimate, steps: int, noisy_baseline: bool) -> None:
    rng = np.random.default_rng(10)
    amplitude, sigma = 0.05, 1.0

    def noise(exact: np.ndarray) -> np.ndarray:
        # One exact cost is the baseline; each step's own noisy C0 shows as more noise on C.
        if len(exact) == 1:
            return exact
        noisy = exact + sigma * rng.normal(size=len(exact))
        return noisy - sigma * rng.normal(size=len(exact)) if noisy_baseline else noisy

    cosines = _cosines(slope, estimate, steps, noise, amplitude)
    added = P * sigma**2 / (steps * amplitude**2 * (slope @ slope))
    # Enough noise to matter, and to tell once from twice.
    assert added > 1.5 * (P - 1) / steps
    expected = 1 / np.sqrt(1 + (P - 1) / steps + (2 if noisy_baseline else 1) * added)
    error = cosines.std(ddof=1) / np.sqrt(WINDOWS)
    assert abs(cosines.mean() - expected) < 3 * error + 0.01 * expected


def test_the_network_follows_the_law(parity, estimate) -> None:
    theta = parity.start(3)
    gradient = parity.gradient(theta)
    cosines = []
    for k in range(300):
        found = estimate(parity.mean_cost, theta, "random", 9, 1e-3, seed=k)
        cosines.append(found @ gradient / np.linalg.norm(found) / np.linalg.norm(gradient))
    # P is small here: the law is good to some per cent.
    assert abs(np.mean(cosines) - 1 / np.sqrt(1 + 8 / 9)) < 0.05
