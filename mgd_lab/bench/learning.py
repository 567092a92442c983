"""What an experiment says about learning, as objects of the algorithm; no chip is needed for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import (
    Adam,
    AnalogFilter,
    GradientDescent,
    LearningRate,
    ModulationClamp,
    Momentum,
    Schedule,
    UpdateRule,
    mean_square_perturbation,
    norm_ratio,
)
from mgd_lab.codes import mean_square
from mgd_lab.controller import ChunkSource, DiscreteEstimate, Rounding, Updater
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import Experiment, TimeConstants, Update

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


def schedule_of(experiment: Experiment) -> Schedule:
    """The time constants in steps."""
    training, times = experiment.training, experiment.training.time_constants
    analog = training.algorithm == "analog"
    return Schedule(
        tau_p=times.tau_p,
        tau_x=times.tau_x,
        # θ moves at every step of the analog algorithm; its τ_θ is a filter's.
        tau_theta=1 if analog else int(times.tau_theta),
        batch=training.batch,
        baseline="none" if analog else training.baseline,
        baseline_refresh_steps=training.baseline_refresh_steps,
        # Where nodes are perturbed, a presentation without perturbation tells the layers' inputs.
        unperturbed=training.perturbation.target == "nodes" and training.baseline == "paired",
    )


def chunk_source(experiment: Experiment, amplitudes: Float32, samples: int) -> ChunkSource:
    """Codes, samples and signs of any step.

    Amplitudes are those of all that is perturbed, parameters (P,) or nodes (M,); `samples` is the
    size of the training split.
    """
    training = experiment.training
    return ChunkSource(
        schedule=schedule_of(experiment),
        kind=training.perturbation.kind,
        seed=experiment.seed,
        amplitudes=amplitudes,
        order=training.samples.order,
        samples=samples,
    )


def mean_square_of(experiment: Experiment, amplitudes: Float32) -> Float64:
    """⟨θ̃²⟩ of each parameter, (P,)."""
    kind = experiment.training.perturbation.kind
    return mean_square_perturbation(mean_square(kind, len(amplitudes)), amplitudes)


def rule_of(update: Update) -> UpdateRule:
    """How θ moves, given G."""
    if update.rule == "momentum":
        return Momentum(update.momentum)
    if update.rule == "adam":
        return Adam(update.beta1, update.beta2, update.epsilon)
    return GradientDescent()


def rate_of(update: Update) -> LearningRate:
    """η with its schedule."""
    decay = update.schedule
    return LearningRate(update.learning_rate, decay.kind, decay.steps or 1, decay.final_fraction)


def rounding_of(experiment: Experiment) -> Rounding:
    """How θ reaches the chip's grid."""
    update = experiment.training.update
    seed = experiment.seed if update.rounding == "stochastic" else None
    return Rounding(update.float_copy, seed)


def estimate_of(experiment: Experiment, square: Float64, updater: Updater) -> DiscreteEstimate:
    """The discrete algorithm's estimate; `square` is ⟨θ̃²⟩, (P,)."""
    update, schedule = experiment.training.update, schedule_of(experiment)
    ratio = norm_ratio(len(square), schedule.tau_theta / schedule.tau_p)
    return DiscreteEstimate(
        schedule,
        square,
        update.scale,
        updater,
        clamp=None if update.clamp is None else ModulationClamp(update.clamp, schedule.tau_theta),
        divisor=ratio if update.compensate else 1.0,
    )


def filters_of(times: TimeConstants, square: Float64) -> AnalogFilter:
    """The analog algorithm's filters; `square` is ⟨θ̃²⟩, (P,)."""
    if times.tau_hp is None:
        raise ConfigurationError("training.time_constants.tau_hp: algorithm analog needs it")
    return AnalogFilter(float(times.tau_hp), float(times.tau_theta), square)
