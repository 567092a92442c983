"""The description holds together, and the chip file's limits are in it."""

from __future__ import annotations

import numpy as np

from mgd_lab.chip import Chip
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, passed
from mgd_lab.controller import choose_rung
from mgd_lab.errors import MgdLabError
from mgd_lab.experiment import narrowed

_IDENTITY = ("manufacturer", "model", "serial", "firmware")


def check(session: Session) -> Verdict:
    """Names, ranges, safe values, limits, identity, and at least one rung."""
    chip, found = session.chip, session.description
    if not _is_chip(chip):
        return failed("it lacks description, identity, __enter__ or __exit__ of the protocol Chip")
    if len(set(found.parameter_names)) != found.parameters:
        return failed("two parameters share a name")
    if not (np.isfinite(found.safe).all() and (found.low < found.high).all()):
        return failed("a safe value is no number, or a range is empty")
    if not ((found.low <= found.safe) & (found.safe <= found.high)).all():
        return failed("a safe value lies outside its limits")
    if narrowed(found, session.subject.settings.limits) != found:
        return failed(
            "the chip file's limits are not applied to it (see mgd_lab.experiment.narrowed)"
        )
    missing = [key for key in _IDENTITY if not isinstance(chip.identity.get(key), str)]
    if missing:
        return failed(f"the identity lacks {', '.join(missing)} (texts, empty where unknown)")
    if chip.description != found:
        return failed("it changed between two openings")
    try:
        rung = choose_rung(chip, "auto", "random", len(session.material.inputs))
    except MgdLabError as error:
        return failed(str(error))
    return passed(
        f"{found.parameters} parameters in {len(found.groups)} groups; highest rung: {rung}",
        parameters=found.parameters,
        largest_block=found.largest_block,
        sample_memory=found.sample_memory,
    )


def _is_chip(value: object) -> bool:
    return isinstance(value, Chip)
