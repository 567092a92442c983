"""Gradient norm and signal-to-noise along a run.

Each half of a span estimates the gradient on its own: G_a · G_b has the expectation |∇C|² without
a contribution of the noise, and |G_a − G_b|² is the noise alone. Where |∇C|² does not stand out of
its own uncertainty, it is averaged over neighbouring spans.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.figures.gradient_spans import Halves, Perturbing, span_halves
from mgd_lab.run_store import Run

Float64 = NDArray[np.float64]

_SPANS = 96
_JOINED = 8
_LEAST_STEPS = 200
_MOST_STEPS = 16_384
_MOST_PERTURBATIONS = 4_000_000
# Numbers of standard deviations above zero: for a point, and for not joining it with another.
_SEEN = 2.0
_CLEAR = 4.0


@dataclass(frozen=True)
class GradientSeries:
    """|∇C| and signal-to-noise at some places of a run, all (n,).

    Attributes:
        start, stop: the span in steps.
        norm: |∇C|, its root mean square, in cost per parameter unit; where `seen` is false,
            an upper limit.
        ratio: |∇C| over the standard deviation of the estimate that one update uses; likewise.
        error: standard deviation of both, relative; NaN where `seen` is false.
        seen: whether |∇C|² stands two standard deviations above zero.
    """

    start: Float64
    stop: Float64
    norm: Float64
    ratio: Float64
    error: Float64
    seen: NDArray[np.bool_]

    @property
    def step(self) -> Float64:
        """The middle of each span."""
        return 0.5 * (self.start + self.stop)


@dataclass(frozen=True)
class SquaredGradient:
    """What the steps start … stop − 1 say of |∇C|².

    Attributes:
        square: unbiased estimate; may be negative.
        by_noise: its variance where the gradient is zero.
        variance: its variance.
        noise: variance of the gradient estimate of one step, summed over parameters.
    """

    start: int
    stop: int
    square: float
    by_noise: float
    variance: float
    noise: float

    @property
    def significance(self) -> float:
        """Standard deviations above zero."""
        if self.square <= 0:
            return 0.0
        return self.square / math.sqrt(self.by_noise) if self.by_noise > 0 else math.inf


def gradient_series(run: Run, perturbing: Perturbing, total_steps: int) -> GradientSeries:
    """Of a discrete run with every cost in its log.

    Of a long span only the middle is read, so that time and memory are bounded.
    """
    spans: list[SquaredGradient] = []
    for start, stop in span_bounds(perturbing, total_steps):
        halves = span_halves(run, perturbing, start, stop)
        if halves.steps.all():
            spans.append(squared_gradient(halves))
    rows = [
        (found.start, found.stop, *_point(found, perturbing.tau_theta))
        for first in range(0, len(spans), _JOINED)
        for found in _as_fine_as_clear(spans[first : first + _JOINED])
    ]
    start, stop, norm, ratio, error = np.array(rows, np.float64).reshape(-1, 5).T
    return GradientSeries(start, stop, norm, ratio, error, np.isfinite(error))


def span_bounds(perturbing: Perturbing, total_steps: int) -> list[tuple[int, int]]:
    """First step and the step after the last of each span: whole periods of the codes."""
    block = perturbing.block_steps
    least_blocks = max(4, -(-_LEAST_STEPS // block))
    affordable = _MOST_PERTURBATIONS // len(perturbing.amplitudes)
    most = max(least_blocks, min(_MOST_STEPS, affordable) // block) * block
    spans = min(_SPANS, max(1, _SPANS * affordable // most), total_steps // (least_blocks * block))
    bounds: list[tuple[int, int]] = []
    for span in range(spans):
        start = -(-(total_steps * span // spans) // block) * block
        stop = total_steps * (span + 1) // spans // block * block
        start += max(0, stop - start - most) // 2 // block * block
        bounds.append((start, min(stop, start + most)))
    return bounds


def squared_gradient(halves: Halves) -> SquaredGradient:
    """|∇C|² and its uncertainty from two halves that both have steps."""
    a, b = halves.gradients
    steps_a, steps_b = map(int, halves.steps)
    spread = 1.0 / steps_a + 1.0 / steps_b
    # Variance a step of each parameter's estimate, from one degree of freedom each.
    variance = (a - b) ** 2 / spread
    # With one degree of freedom the mean of v² is three times the square of its mean.
    by_noise = float(variance @ variance) / 3.0 / (steps_a * steps_b)
    # E[a b (a − b)²] is g² times the variance of a − b, less 2 var(a) var(b): a and b appear twice.
    by_signal = max(0.0, float((a * b) @ variance) * spread + 2.0 * by_noise)
    return SquaredGradient(
        start=halves.start,
        stop=halves.stop,
        square=float(a @ b),
        by_noise=by_noise,
        variance=by_noise + by_signal,
        noise=float(variance.sum()),
    )


def _joined(spans: Sequence[SquaredGradient]) -> SquaredGradient:
    # Squares are averaged, not gradients: those turn from span to span and would cancel.
    count = len(spans)
    return SquaredGradient(
        start=spans[0].start,
        stop=spans[-1].stop,
        square=sum(span.square for span in spans) / count,
        by_noise=sum(span.by_noise for span in spans) / count**2,
        variance=sum(span.variance for span in spans) / count**2,
        noise=sum(span.noise for span in spans) / count,
    )


def _as_fine_as_clear(spans: Sequence[SquaredGradient]) -> list[SquaredGradient]:
    """The spans joined to one, or cut in two again and again while both parts are clear."""
    whole = _joined(spans)
    if len(spans) == 1:
        return [whole]
    middle = len(spans) // 2
    parts = spans[:middle], spans[middle:]
    if any(_joined(part).significance < _CLEAR for part in parts):
        return [whole]
    return [found for part in parts for found in _as_fine_as_clear(part)]


def _point(found: SquaredGradient, tau_theta: int) -> tuple[float, float, float]:
    """Norm, ratio and relative error; upper limits and NaN where the gradient is not seen."""
    seen = found.significance > _SEEN
    limit = max(found.square, 0.0) + _SEEN * math.sqrt(found.by_noise)
    norm = math.sqrt(found.square if seen else limit)
    ratio = norm / math.sqrt(found.noise / tau_theta) if found.noise > 0 else math.inf
    return norm, ratio, math.sqrt(found.variance) / (2.0 * found.square) if seen else math.nan
