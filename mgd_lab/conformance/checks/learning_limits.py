"""Rung `learns`: the chip keeps its parameters within the edges that it was told."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import SNAPSHOT_HEAD, SNAPSHOT_PROJECTED, LearningProgram, Learns
from mgd_lab.conformance.programs import program_for
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.errors import MgdLabError

Float64 = NDArray[np.float64]

_STEPS = 100
# Of the smallest amplitude: a first update of Adam goes further.
_ROOM = 0.02


def check(session: Session) -> Verdict:
    """Edges so narrow that the first update would leave them: projected, then refused."""
    chip, obstacle = session.chip, session.obstacle("learns")
    if obstacle or not isinstance(chip, Learns):
        return not_applicable(obstacle)
    program = _narrow(session)
    for judge in (_projected, _refused, _started_outside):
        problem = judge(session, chip, program)
        if problem:
            return failed(problem)
    return passed("updates that would leave the edges are projected and counted, or refused")


def _narrow(session: Session) -> LearningProgram:
    material = session.material
    room = _ROOM * float(material.amplitudes.min())
    lowest = (material.sent - np.float32(room)).astype(np.float64)
    highest = (material.sent + np.float32(room)).astype(np.float64)
    return dataclasses.replace(
        program_for(session, "adam", session.reference("learns")),
        lowest=np.maximum(lowest, material.envelope.lowest),
        highest=np.minimum(highest, material.envelope.highest),
    )


def _projected(session: Session, chip: Learns, program: LearningProgram) -> str:
    program = dataclasses.replace(program, on_update="project")
    _begin(session, chip, program)
    chip.advance(_STEPS)
    state = chip.snapshot()
    if state[SNAPSHOT_PROJECTED] < 1:
        return "on_update project: the snapshot counts no value that was projected"
    return _beyond(session, program, state)


def _refused(session: Session, chip: Learns, program: LearningProgram) -> str:
    program = dataclasses.replace(program, on_update="refuse")
    _begin(session, chip, program)
    for attempt in ("", ", asked a second time,"):
        if not _is_refused(chip):
            return f"on_update refuse: the chip{attempt} went on after an update that leaves"
    return _beyond(session, program, chip.snapshot())


def _started_outside(session: Session, chip: Learns, program: LearningProgram) -> str:
    theta = session.material.theta.copy()
    theta[0] = program.highest[0] + abs(program.highest[0] - program.lowest[0])
    try:
        chip.configure_learning(program, theta)
    except MgdLabError:
        return ""
    return "a training that starts beyond its edges was not refused"


def _begin(session: Session, chip: Learns, program: LearningProgram) -> None:
    session.prepare("dense", session.material.source(session.schedule("dense", 1)))
    chip.configure_learning(program, session.material.sent.astype(np.float64))


def _is_refused(chip: Learns) -> bool:
    try:
        chip.advance(_STEPS)
    except MgdLabError:
        return True
    return False


def _beyond(session: Session, program: LearningProgram, state: Float64) -> str:
    theta = state[SNAPSHOT_HEAD : SNAPSHOT_HEAD + len(program.lowest)].astype(np.float32)
    wrong = np.flatnonzero(~((theta >= program.lowest) & (theta <= program.highest)))
    if not len(wrong):
        return ""
    i = int(wrong[0])
    return (
        f"on_update {program.on_update}: {session.description.parameter_names[i]} is {theta[i]:.9g}"
        f", beyond [{program.lowest[i]:.9g}, {program.highest[i]:.9g}]"
    )
