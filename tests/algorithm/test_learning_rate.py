"""Schedules of the learning rate."""

from __future__ import annotations

import math

import pytest

from mgd_lab.algorithm import LearningRate


def test_constant_stays() -> None:
    rate = LearningRate(0.3)
    assert [rate.at(step) for step in (0, 1, 10**9)] == [0.3] * 3


@pytest.mark.parametrize("final", [0.0, 0.1, 1.0, 2.0])
@pytest.mark.parametrize("kind", ["cosine", "linear", "exponential"])
def test_decays_go_from_the_rate_to_its_final_fraction(kind, final: float) -> None:
    rate = LearningRate(0.5, kind, 200, final)
    assert rate.at(0) == pytest.approx(0.5)
    assert rate.at(200) == pytest.approx(0.5 * final, abs=1e-16)


@pytest.mark.parametrize("step", [1, 50, 100, 199])
def test_shapes(step: int) -> None:
    s = step / 200
    cosine = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * s))
    assert LearningRate(2.0, "cosine", 200, 0.1).at(step) == pytest.approx(2 * cosine)
    assert LearningRate(2.0, "linear", 200, 0.1).at(step) == pytest.approx(2 * (1 - 0.9 * s))
    assert LearningRate(2.0, "exponential", 200, 0.1).at(step) == pytest.approx(2 * 0.1**s)


@pytest.mark.parametrize("kind", ["cosine", "linear"])
def test_cosine_and_linear_stay_at_the_end(kind) -> None:
    rate = LearningRate(0.5, kind, 200, 0.2)
    assert rate.at(201) == rate.at(200) == rate.at(10**9)


def test_exponential_has_no_end() -> None:
    rate = LearningRate(0.5, "exponential", 200, 0.1)
    assert rate.at(600) == pytest.approx(0.0005)
