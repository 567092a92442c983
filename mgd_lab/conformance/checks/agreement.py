"""Every rung gives the costs that the simplest rung gives."""

from __future__ import annotations

from mgd_lab.algorithm import Schedule
from mgd_lab.chip import Rung
from mgd_lab.codes import KINDS, SIGN_KINDS, Kind
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed

_PROBES = 240
_SCHEDULES = (
    Schedule(tau_p=1, tau_x=1, tau_theta=2),
    Schedule(tau_p=2, tau_x=3, tau_theta=8, batch=2, baseline_refresh_steps=2),
    Schedule(tau_p=1, tau_x=2, tau_theta=4, batch=3, baseline="paired"),
    Schedule(tau_p=3, tau_x=6, tau_theta=1, baseline="none"),
)
# Beyond what 32 bits count, and in the middle of every period.
_FIRST_STEPS = (0, 2**33 + 5)


def check(session: Session, rung: Rung) -> Verdict:
    """All kinds of codes and baselines, from the first step and from a late one."""
    reference = session.reference(rung)
    if reference is None or session.rungs().index(reference) > session.rungs().index(rung):
        return not_applicable("there is no simpler rung to compare with")
    kinds = _kinds(session, rung)
    cases: list[tuple[Kind, Schedule, int]] = [
        (k, s, f) for k in kinds for s in _SCHEDULES for f in _FIRST_STEPS
    ]
    probes = session.affordable(reference, _PROBES) // len(cases)
    largest, count = 0.0, 0
    for kind, schedule, first_step in cases:
        source = session.material.source(schedule, kind)
        chunk = source.chunk(first_step, max(2, probes // 2))
        stop = min(chunk.starts[-1], max(4, probes))
        session.prepare(reference, source)
        expected = session.measure(reference, chunk, 0, stop, 1)
        session.prepare(rung, source)
        found = session.measure(rung, chunk, 0, stop, min(7, session.largest_block(rung)))
        comparison = session.compare(found, expected, rung, reference)
        largest, count = max(largest, comparison.largest), count + stop
        if not comparison.same:
            return failed(
                f"{kind} codes, baseline {schedule.baseline}, step {first_step}: "
                f"{comparison.text(found, expected)} on rung {reference}",
                largest_difference=largest,
            )
    noise = session.noise(rung).together(session.noise(reference))
    return passed(
        f"{count} probes of {', '.join(kinds)} codes agree with rung {reference} {noise.text()}",
        largest_difference=largest,
        probes=count,
    )


def _kinds(session: Session, rung: Rung) -> tuple[Kind, ...]:
    if rung == "signs":
        return SIGN_KINDS
    digital = (session.description.perturbation_resolution > 0).any()
    return tuple(kind for kind in KINDS if not (digital and kind == "sinusoidal"))
