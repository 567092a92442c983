from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mgd_lab import open_run
from mgd_lab.codes import codes, mean_square, period
from mgd_lab.figures import gradient_spans
from mgd_lab.figures.gradient_spans import Perturbing, span_halves

START, STOP = 40, 560


@pytest.mark.parametrize("kind", ["sequential", "random", "walsh", "sinusoidal"])
@pytest.mark.parametrize("baseline", ["measured", "paired"])
def test_a_span_is_what_the_codes_and_the_log_say(
    train: Any, monkeypatch: pytest.MonkeyPatch, kind: Any, baseline: str
) -> None:
    path = train(
        seed=11,
        training={
            "perturbation": {"kind": kind, "amplitude": 0.05},
            "time_constants": {"tau_p": 2, "tau_x": 3, "tau_theta": 4},
            "baseline": baseline,
        },
        stop={"steps": 600},
    )
    amplitudes = np.full(9, 0.05, np.float32)
    paired = baseline == "paired"
    perturbing = Perturbing(kind, 11, amplitudes, 2, 4, paired)
    # Pieces of 7 steps: the borders must not show.
    monkeypatch.setattr(gradient_spans, "_PIECE_BYTES", 7 * 8 * 9)
    with open_run(path) as run:
        halves = span_halves(run, perturbing, START, STOP)
        log = run.costs()
    sums, steps = np.zeros((2, 9)), [0, 0]
    square = mean_square(kind, 9) * float(np.float32(0.05)) ** 2
    for step in range(START, STOP):
        unit = codes(kind, 11, step // 2, 1, 9)[0]
        perturbation = (unit * np.float32(0.05)).astype(np.float64)
        modulation = (log.cost[step] - log.baseline[step]) * (0.5 if paired else 1.0)
        half = bin(step // (2 * (period(kind, 9) or 1))).count("1") % 2
        sums[half] += modulation * perturbation / square
        steps[half] += 1
    assert halves.steps.tolist() == steps
    np.testing.assert_allclose(halves.sums, sums, rtol=1e-10, atol=1e-12)


def test_both_halves_together_are_the_gradient_of_the_update(parity_run: Path) -> None:
    """With τ_θ of the whole span, θ moves by −η G: the log must give the same G."""
    perturbing = Perturbing("random", 3, np.full(9, 0.05, np.float32), 1, 1, paired=False)
    with open_run(parity_run) as run:
        before, after = run.parameters().theta[:2]
        first, second = run.parameters().step[:2].tolist()
        halves = span_halves(run, perturbing, first, second)
    np.testing.assert_allclose(after - before, -0.5 * halves.sums.sum(axis=0), rtol=1e-9)


def test_steps_that_the_log_lacks_do_not_count(parity_run: Path) -> None:
    perturbing = Perturbing("random", 3, np.full(9, 0.05, np.float32), 1, 1, paired=False)
    with open_run(parity_run) as run:
        assert span_halves(run, perturbing, 2990, 5000).steps.sum() == 10
        assert span_halves(run, perturbing, 4000, 5000).steps.sum() == 0
