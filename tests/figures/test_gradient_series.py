from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from mgd_lab import open_run
from mgd_lab.figures.gradient_series import gradient_series, span_bounds, squared_gradient
from mgd_lab.figures.gradient_spans import Halves, Perturbing


def _perturbing(kind: Any, parameters: int = 9) -> Perturbing:
    return Perturbing(kind, 3, np.full(parameters, 0.05, np.float32), 1, 1, paired=False)


@pytest.mark.parametrize("size", [0.0, 0.02])
def test_the_square_is_unbiased_and_knows_its_error(size: float) -> None:
    rng = np.random.default_rng(1)
    steps, parameters, sigma = np.array([90, 110]), 20, 0.3
    gradient = np.full(parameters, size)
    found = []
    for _ in range(3000):
        noise = rng.normal(size=(2, parameters)) * sigma / np.sqrt(steps)[:, None]
        halves = Halves(0, 200, (gradient + noise) * steps[:, None], steps)
        found.append(squared_gradient(halves))
    squares = np.array([one.square for one in found])
    error = squares.std() / np.sqrt(len(squares))
    assert abs(squares.mean() - gradient @ gradient) < 4 * error
    assert np.mean([one.noise for one in found]) == pytest.approx(parameters * sigma**2, rel=0.02)
    if size:
        assert np.mean([one.variance for one in found]) == pytest.approx(squares.var(), rel=0.15)
    else:
        assert np.mean([one.by_noise for one in found]) == pytest.approx(squares.var(), rel=0.1)


@pytest.mark.parametrize("kind", ["random", "walsh", "sequential", "sinusoidal"])
def test_the_norm_is_that_of_the_chips_true_gradient(train: Any, kind: str) -> None:
    path = train(
        training={
            "perturbation": {"kind": kind, "amplitude": 0.001},
            "baseline": "paired",
            "update": {"rule": "sgd", "learning_rate": 1e-12},
        },
        stop={"steps": 8_000},
    )
    with open_run(path) as run:
        theta = run.parameters().theta[0]
        series = gradient_series(run, _perturbing_of_amplitude(kind, 0.001), 8_000)
    steps = np.eye(9) * 1e-6
    true = [(_parity_cost(theta + d) - _parity_cost(theta - d)) / 2e-6 for d in steps]
    assert series.seen.any()
    deviations = (series.norm / np.linalg.norm(true) - 1.0) / series.error
    assert abs(np.nanmean(deviations)) < 4.0 / np.sqrt(series.seen.sum()) + 0.5
    assert (series.norm[~series.seen] > 0.5 * np.linalg.norm(true)).all()


def test_long_spans_are_read_in_part_and_codes_keep_whole_periods() -> None:
    bounds = span_bounds(_perturbing("walsh", 220), 100_000_000)
    assert len(bounds) > 50
    assert all(start % 512 == stop % 512 == 0 for start, stop in bounds)
    assert sum(stop - start for start, stop in bounds) * 220 < 500_000_000
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(bounds))


def test_work_is_bounded_where_there_are_many_parameters() -> None:
    bounds = span_bounds(_perturbing("random", 100_000), 10_000_000)
    assert sum(stop - start for start, stop in bounds) * 100_000 < 500_000_000


def test_a_short_run_has_no_spans() -> None:
    assert span_bounds(_perturbing("random"), 199) == []


def _perturbing_of_amplitude(kind: Any, amplitude: float) -> Perturbing:
    return Perturbing(kind, 3, np.full(9, amplitude, np.float32), 1, 1, paired=True)


def _parity_cost(theta: np.ndarray) -> float:
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)
    hidden = 1 / (1 + np.exp(-(inputs @ theta[:4].reshape(2, 2).T + theta[6:8])))
    outputs = 1 / (1 + np.exp(-(hidden @ theta[4:6] + theta[8])))
    return float(np.mean((outputs - np.array([0, 1, 1, 0])) ** 2))
