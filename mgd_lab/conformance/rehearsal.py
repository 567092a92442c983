"""The host's own loop on a chip, without bench and run store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import (
    Adam,
    AnalogFilter,
    GradientDescent,
    LearningRate,
    Momentum,
    UpdateRule,
    mean_square_perturbation,
)
from mgd_lab.chip import LearningProgram, Rung
from mgd_lab.codes import mean_square
from mgd_lab.conformance.programs import Learned, program_for, source_for
from mgd_lab.conformance.session import Session
from mgd_lab.controller import (
    AnalogLearner,
    ChunkSource,
    CostGuard,
    DiscreteEstimate,
    DiscreteLearner,
    Learner,
    Measurement,
    PauseControl,
    StepLog,
    SystemClock,
    TrainingState,
    Updater,
)
from mgd_lab.experiment import CostBounds
from mgd_lab.records import Record

Float64 = NDArray[np.float64]


class _Nowhere:
    """A sink that forgets."""

    def write(self, record: Record) -> None:
        """Forgets the record."""


def trained_by_host(session: Session, kind: Learned, rung: Rung, steps: int) -> Float64:
    """θ (P,) after `steps` steps of a training of this kind over this rung."""
    material, source = session.material, source_for(session, kind)
    program = program_for(session, kind, rung)
    session.prepare(rung, source)
    rule = _rule(program)
    state = TrainingState(
        theta=material.theta,
        sent=material.sent,
        rule=rule.init(len(material.theta)),
        total=np.zeros(len(material.theta)),
    )
    chunk = source.chunk(0, steps)
    with ThreadPoolExecutor(1) as workers:
        measurement = Measurement(
            session.prober(rung),
            session.largest_block(rung),
            lambda: False,
            session.description.name,
            workers,
            CostGuard(CostBounds()),
            PauseControl(),
        )
        learner = _learner(session, source, program, rule, measurement)
        done = 0
        while done < steps:
            done += learner.advance(state, chunk, done, done + learner.span(state, steps - done))
    return state.theta


def _learner(
    session: Session,
    source: ChunkSource,
    program: LearningProgram,
    rule: UpdateRule,
    measurement: Measurement,
) -> Learner:
    material = session.material
    rate = LearningRate(program.rate, program.rate_kind, program.rate_steps, program.final_fraction)
    updater = Updater(rule, rate, material.envelope)
    log = StepLog(_Nowhere(), SystemClock(), "none")
    square = mean_square_perturbation(
        mean_square(program.probes.kind, len(material.theta)), material.amplitudes
    )
    if program.algorithm == "analog":
        filters = AnalogFilter(program.tau_hp, program.tau_theta_filter, square)
        return AnalogLearner(source.schedule, filters, measurement, updater, log)
    scale = "integral" if program.scale_by == 1 else "mean"
    estimate = DiscreteEstimate(source.schedule, square, scale, updater)
    return DiscreteLearner(source.schedule, estimate, measurement, log)


def _rule(program: LearningProgram) -> UpdateRule:
    if program.rule == "momentum":
        return Momentum(program.momentum)
    if program.rule == "adam":
        return Adam(program.beta1, program.beta2, program.epsilon)
    return GradientDescent()
