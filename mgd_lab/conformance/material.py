"""What a chip under test is given: small moves around its safe values, and made-up samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import Schedule
from mgd_lab.chip import ChipDescription, ProbeProgram
from mgd_lab.codes import Kind
from mgd_lab.controller import ChunkSource, Envelope
from mgd_lab.costs import CostFunction

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

DEFAULT_AMPLITUDE = 0.01
_FRACTION_OF_RANGE = 0.01
_THETA_AMPLITUDES = 4.0
_SAMPLES = 32


@dataclass(frozen=True, eq=False)
class Material:
    """Values that lie within the chip's limits.

    Attributes:
        amplitudes: float32 (P,): up to a hundredth of a parameter's range where that is bounded.
        theta: float64 (P,), as far as four amplitudes from the safe values; `sent` as float32.
        inputs, targets: float32 (N, I) and (N, O), drawn; all samples are different.
        cost: what is computed.
    """

    description: ChipDescription
    seed: int
    amplitudes: Float32
    envelope: Envelope
    theta: Float64
    sent: Float32
    inputs: Float32
    targets: Float32
    cost: CostFunction

    def source(self, schedule: Schedule, kind: Kind = "random") -> ChunkSource:
        """Probes of a schedule, at these amplitudes, on these samples."""
        return ChunkSource(
            schedule=schedule,
            kind=kind,
            seed=self.seed,
            amplitudes=self.amplitudes,
            order="shuffled",
            samples=len(self.inputs),
        )


def material_for(description: ChipDescription, amplitude: float | None, seed: int) -> Material:
    """Values for a chip; LimitError where its limits leave no room for the amplitude."""
    rng = np.random.default_rng(seed)
    amplitudes = _amplitudes(description, amplitude, seed)
    envelope = Envelope(description, amplitudes, "project")
    reach = _THETA_AMPLITUDES * amplitudes.astype(np.float64)
    offsets = reach * rng.uniform(-1.0, 1.0, description.parameters)
    admitted = envelope.admit(description.safe + offsets)
    count = min(_SAMPLES, description.sample_memory or _SAMPLES)
    inputs, targets = drawn_samples(description, count, seed)
    return Material(
        description=description,
        seed=seed,
        amplitudes=amplitudes,
        envelope=envelope,
        theta=admitted.theta,
        sent=admitted.sent,
        inputs=inputs,
        targets=targets,
        cost=CostFunction("mse", probabilities=description.output_kind == "probabilities"),
    )


def drawn_samples(description: ChipDescription, count: int, seed: int) -> tuple[Float32, Float32]:
    """inputs (count, I) within the chip's range, or ±1; targets (count, O) from 0 to 1."""
    rng = np.random.default_rng([seed, count])
    low, high = description.input_low, description.input_high
    if not np.isfinite(low):
        low = min(-1.0, high - 2.0) if np.isfinite(high) else -1.0
    if not np.isfinite(high):
        high = max(1.0, low + 2.0)
    # A little inside, so that rounding to float32 cannot leave the range.
    margin = 1e-3 * (high - low)
    shape = (count, description.inputs)
    inputs = rng.uniform(low + margin, high - margin, shape).astype(np.float32)
    targets = rng.uniform(0.0, 1.0, (count, description.outputs)).astype(np.float32)
    return inputs, targets


def program_of(source: ChunkSource) -> ProbeProgram:
    """The same probes, as a chip that makes them itself is told."""
    schedule = source.schedule
    return ProbeProgram(
        kind=source.kind,
        seed=source.seed,
        amplitudes=source.amplitudes,
        tau_p=schedule.tau_p,
        tau_x=schedule.tau_x,
        tau_theta=schedule.tau_theta,
        batch=schedule.batch,
        baseline=schedule.baseline,
        baseline_refresh_steps=schedule.baseline_refresh_steps or 0,
        order=source.order,
        samples=source.samples,
    )


def _amplitudes(description: ChipDescription, amplitude: float | None, seed: int) -> Float32:
    """Different ones for the parameters, so that a chip which mixes them up is found out."""
    span = description.high - description.low
    largest = np.where(np.isfinite(span), _FRACTION_OF_RANGE * span, DEFAULT_AMPLITUDE)
    if amplitude is not None:
        largest = np.full(description.parameters, amplitude)
    rng = np.random.default_rng([seed, description.parameters])
    wanted = largest * rng.uniform(0.5, 1.0, description.parameters)
    # An even number of steps, so that half of it can be applied too.
    step = 2 * description.perturbation_resolution
    whole = np.maximum(1.0, np.floor(wanted / np.where(step > 0, step, 1.0))) * step
    return np.where(step > 0, whole, wanted).astype(np.float32)
