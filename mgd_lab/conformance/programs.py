"""Trainings that move a chip a few amplitudes, for chips that learn by themselves."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mgd_lab.algorithm import Schedule
from mgd_lab.chip import LearningProgram, Rung
from mgd_lab.conformance.material import program_of
from mgd_lab.conformance.session import Session
from mgd_lab.controller import ChunkSource

Learned = Literal["sgd", "momentum", "adam", "analog"]
LEARNED: tuple[Learned, ...] = ("sgd", "momentum", "adam", "analog")

_DISCRETE = {
    "sgd": Schedule(tau_p=1, tau_x=1, tau_theta=4),
    "momentum": Schedule(tau_p=2, tau_x=3, tau_theta=8, batch=2, baseline_refresh_steps=2),
    "adam": Schedule(tau_p=1, tau_x=2, tau_theta=5, baseline="paired"),
}
_ANALOG = Schedule(tau_p=1, tau_x=10, tau_theta=1, baseline="none")
_PROBES = 32
# Moves of an update, in amplitudes.
_MOVE = 0.1


def source_for(session: Session, kind: Learned) -> ChunkSource:
    """The probes of such a training."""
    return session.material.source(_DISCRETE.get(kind, _ANALOG))


def program_for(session: Session, kind: Learned, reference: Rung | None) -> LearningProgram:
    """The training as a chip is told; its rate follows from costs on the reference rung."""
    source = source_for(session, kind)
    amplitude = float(session.material.amplitudes.mean())
    gradient = _modulation(session, reference) / amplitude
    rate = {
        "sgd": _MOVE * amplitude / gradient / source.schedule.tau_theta,
        "momentum": 0.1 * _MOVE * amplitude / gradient,
        "adam": _MOVE * amplitude,
        "analog": 0.1 * _MOVE * amplitude / gradient,
    }[kind]
    analog = kind == "analog"
    return LearningProgram(
        probes=program_of(source),
        algorithm="analog" if analog else "discrete",
        tau_hp=3.0 if analog else 0.0,
        tau_theta_filter=20.0 if analog else 0.0,
        rule="sgd" if analog else kind,
        momentum=0.9,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        scale_by=1 if kind == "sgd" else source.schedule.tau_theta,
        rate=rate,
        rate_kind="cosine" if kind == "adam" else "constant",
        rate_steps=500,
        final_fraction=0.1 if kind == "adam" else 0.0,
        lowest=session.material.envelope.lowest,
        highest=session.material.envelope.highest,
        on_update="project",
    )


def _modulation(session: Session, reference: Rung | None) -> float:
    """Typical C − C0; 1 where no rung tells it."""
    if reference is None:
        return 1.0
    source = session.material.source(Schedule())
    session.prepare(reference, source)
    chunk = source.chunk(0, _PROBES // 2)
    costs = session.measure(reference, chunk, 0, _PROBES, 1)
    typical = float(np.sqrt(np.mean((costs[1::2] - costs[::2]) ** 2)))
    return typical if typical > 0 else 1.0
