"""What a chip that makes probes, or learns, by itself is told of an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgd_lab.chip import LearningProgram, ProbeProgram

if TYPE_CHECKING:
    from mgd_lab.bench.assembly import Fitted


def probe_program(fitted: Fitted) -> ProbeProgram:
    """Codes, schedule and sample order."""
    training, schedule = fitted.experiment.training, fitted.schedule
    return ProbeProgram(
        kind=training.perturbation.kind,
        seed=fitted.experiment.seed,
        amplitudes=fitted.amplitudes,
        tau_p=schedule.tau_p,
        tau_x=schedule.tau_x,
        tau_theta=schedule.tau_theta,
        batch=schedule.batch,
        baseline=schedule.baseline,
        baseline_refresh_steps=schedule.baseline_refresh_steps or 0,
        order=training.samples.order,
        samples=len(fitted.train_inputs),
    )


def learning_program(fitted: Fitted) -> LearningProgram:
    """The same with algorithm, update rule and learning rate."""
    training, update = fitted.experiment.training, fitted.experiment.training.update
    times, decay = training.time_constants, update.schedule
    analog = training.algorithm == "analog"
    return LearningProgram(
        probes=probe_program(fitted),
        algorithm=training.algorithm,
        tau_hp=float(times.tau_hp or 0.0),
        tau_theta_filter=float(times.tau_theta) if analog else 0.0,
        rule=update.rule,
        momentum=update.momentum,
        beta1=update.beta1,
        beta2=update.beta2,
        epsilon=update.epsilon,
        scale_by=fitted.schedule.tau_theta if update.scale == "mean" else 1,
        rate=update.learning_rate,
        rate_kind=decay.kind,
        rate_steps=decay.steps or 1,
        final_fraction=decay.final_fraction,
        lowest=fitted.envelope.lowest,
        highest=fitted.envelope.highest,
        on_update=fitted.experiment.chip.limits.on_update,
    )
