"""Which rung a chip and an experiment allow."""

from __future__ import annotations

from typing import Literal

from mgd_lab.chip import (
    Chip,
    HoldsSamples,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
)
from mgd_lab.codes import SIGN_KINDS, Kind
from mgd_lab.errors import CapabilityError

Rung = Literal["forward", "cost", "dense", "signs"]
RUNGS: tuple[Rung, ...] = ("signs", "dense", "cost", "forward")


def choose_rung(chip: Chip, asked: Rung | Literal["auto"], kind: Kind, samples: int) -> Rung:
    """The rung asked for, or the highest one possible; CapabilityError says why none is."""
    if asked != "auto":
        obstacle = _obstacle(chip, asked, kind, samples)
        if obstacle:
            raise CapabilityError(
                f"chip {chip.description.name!r}: rung {asked} is not possible: {obstacle}. "
                "Choose another rung in the chip file, or rung: auto"
            )
        return asked
    obstacles: dict[Rung, str] = {}
    for rung in RUNGS:
        obstacles[rung] = _obstacle(chip, rung, kind, samples)
        if not obstacles[rung]:
            return rung
    reasons = "; ".join(f"{rung}: {obstacle}" for rung, obstacle in obstacles.items())
    raise CapabilityError(
        f"chip {chip.description.name!r} cannot be trained on any rung: {reasons}"
    )


def _obstacle(chip: Chip, rung: Rung, kind: Kind, samples: int) -> str:
    """Why a rung is not possible; empty where it is."""
    needed = {
        "signs": MeasuresSigns,
        "dense": MeasuresDense,
        "cost": MeasuresCost,
        "forward": MeasuresOutputs,
    }[rung]
    if not isinstance(chip, needed):
        return f"the chip lacks the capability {needed.__name__}"
    if rung == "signs" and kind not in SIGN_KINDS:
        return f"codes of kind {kind} are not ±1"
    if rung in ("signs", "dense"):
        if not isinstance(chip, HoldsSamples):
            return "the chip lacks the capability HoldsSamples"
        if chip.description.sample_memory < samples:
            return (
                f"the chip's memory holds {chip.description.sample_memory} samples, "
                f"{samples} are needed"
            )
    return ""
