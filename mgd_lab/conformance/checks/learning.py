"""Rung `learns`: the chip's own training is the host's, and goes on from a snapshot."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import SNAPSHOT_HEAD, LearningProgram, Learns, snapshot_length
from mgd_lab.conformance.programs import LEARNED, program_for
from mgd_lab.conformance.rehearsal import trained_by_host
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.errors import ChipError

_STEPS = 240
_HALF = 101


def check(session: Session) -> Verdict:
    """A few hundred steps of each rule, against the host's loop over the simplest rung."""
    chip, reference = session.chip, session.reference("learns")
    obstacle = session.obstacle("learns")
    if obstacle or not isinstance(chip, Learns):
        return not_applicable(obstacle)
    if reference is None:
        return not_applicable("there is no other rung for the host's loop")
    noise = session.noise(reference)
    if not noise.silent:
        return not_applicable(f"the chip has {noise.text()}: two trainings never end alike")
    steps = session.affordable(reference, 4 * len(LEARNED) * _STEPS) // (4 * len(LEARNED))
    for kind in LEARNED:
        program = program_for(session, kind, reference)
        expected = trained_by_host(session, kind, reference, steps)
        _begin(session, chip, program)
        chip.advance(steps)
        found = chip.snapshot()[SNAPSHOT_HEAD : SNAPSHOT_HEAD + len(expected)]
        wrong = np.flatnonzero(found != expected)
        if len(wrong):
            i = int(wrong[0])
            return failed(
                f"{kind}: after {steps} steps {len(wrong)} parameters differ from the host's; "
                f"{session.description.parameter_names[i]} is {found[i]:.17g} instead of "
                f"{expected[i]:.17g}"
            )
    return passed(
        f"{', '.join(LEARNED)}: {steps} steps end as the host's, bit for bit", steps=steps
    )


def check_snapshots(session: Session) -> Verdict:
    """Advancing twice to the same step is harmless; a snapshot brings everything back."""
    chip, obstacle = session.chip, session.obstacle("learns")
    if obstacle or not isinstance(chip, Learns):
        return not_applicable(obstacle)
    silent = all(noise.silent for noise in session.subject.noise.values())
    for kind in LEARNED:
        _begin(session, chip, program_for(session, kind, session.reference("learns")))
        chip.advance(_HALF)
        half = chip.snapshot()
        if half.shape != (snapshot_length(session.description.parameters),):
            return failed(f"a snapshot has the shape {half.shape}")
        chip.advance(_HALF)
        if chip.snapshot().tobytes() != half.tobytes():
            return failed(f"{kind}: advancing to step {_HALF} a second time changed the state")
        if not _refuses_to_go_back(chip):
            return failed(f"{kind}: it went from step {_HALF} back to {_HALF - 1} without an error")
        chip.advance(2 * _HALF)
        through = chip.snapshot()
        _begin(session, chip, program_for(session, kind, session.reference("learns")))
        chip.restore(half)
        if chip.snapshot().tobytes() != half.tobytes():
            return failed(f"{kind}: what was restored is not what the snapshot held")
        chip.advance(2 * _HALF)
        if silent and chip.snapshot().tobytes() != through.tobytes():
            return failed(f"{kind}: going on from a snapshot ends elsewhere")
    return passed("snapshots restore exactly, and advancing twice is harmless")


def _begin(session: Session, chip: Learns, program: LearningProgram) -> None:
    session.prepare("dense", session.material.source(session.schedule("dense", 1)))
    chip.configure_learning(program, session.material.theta.copy())


def _refuses_to_go_back(chip: Learns) -> bool:
    try:
        chip.advance(_HALF - 1)
    except ChipError:
        return True
    return False
