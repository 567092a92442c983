"""Which rung a chip and an experiment allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mgd_lab.chip import (
    Chip,
    ChipDescription,
    GeneratesProbes,
    HoldsSamples,
    Learns,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
    Rung,
    TakesAnyCost,
)
from mgd_lab.codes import SIGN_KINDS, Kind
from mgd_lab.costs import CostFunction
from mgd_lab.errors import CapabilityError

# From the least that crosses the link to the most.
RUNGS: tuple[Rung, ...] = ("learns", "generated", "signs", "dense", "cost", "forward")


def choose_rung(
    chip: Chip,
    asked: Rung | Literal["auto"],
    kind: Kind,
    samples: int,
    *,
    wants_costs: bool = False,
    host_only: Sequence[str] = (),
    cost: CostFunction | None = None,
) -> Rung:
    """The rung asked for, or the highest one possible; CapabilityError says why none is.

    A chip that learns by itself returns no costs: `auto` leaves that to experiments that do not
    log any. `host_only` are keys of training.update that it does not know. Most chips cannot be
    told a `cost` of the user's own.
    """
    if asked != "auto":
        obstacle = _obstacle(chip, asked, kind, samples, host_only)
        obstacle = obstacle or _obstacle_to_cost(chip, asked, cost)
        if obstacle:
            raise CapabilityError(
                f"chip {chip.description.name!r}: rung {asked} is not possible: {obstacle}. "
                "Choose another rung in the chip file, or rung: auto"
            )
        return asked
    obstacles: dict[Rung, str] = {}
    for rung in RUNGS:
        obstacles[rung] = _obstacle(chip, rung, kind, samples, host_only)
        obstacles[rung] = obstacles[rung] or _obstacle_to_cost(chip, rung, cost)
        if rung == "learns" and wants_costs:
            obstacles[rung] = "it returns no costs, and logging.costs asks for them"
        if not obstacles[rung]:
            return rung
    reasons = "; ".join(f"{rung}: {obstacle}" for rung, obstacle in obstacles.items())
    raise CapabilityError(
        f"chip {chip.description.name!r} cannot be trained on any rung: {reasons}"
    )


def _obstacle(chip: Chip, rung: Rung, kind: Kind, samples: int, host_only: Sequence[str]) -> str:
    """Why a rung is not possible; empty where it is."""
    needed = {
        "learns": Learns,
        "generated": GeneratesProbes,
        "signs": MeasuresSigns,
        "dense": MeasuresDense,
        "cost": MeasuresCost,
        "forward": MeasuresOutputs,
    }[rung]
    description = chip.description
    if not isinstance(chip, needed):
        return f"the chip lacks the capability {needed.__name__}"
    if rung not in description.rungs:
        return "the chip's description does not offer it"
    if rung == "signs" and kind not in SIGN_KINDS:
        return f"codes of kind {kind} are not ±1"
    if rung in ("forward", "cost"):
        return ""
    if not isinstance(chip, HoldsSamples):
        return "the chip lacks the capability HoldsSamples"
    if description.sample_memory < samples:
        return f"the chip's memory holds {description.sample_memory} samples, {samples} are needed"
    if rung == "learns":
        return _obstacle_to_learning(description, host_only)
    return ""


def _obstacle_to_cost(chip: Chip, rung: Rung, cost: CostFunction | None) -> str:
    if rung == "forward" or cost is None or cost.kind != "user":
        return ""
    if isinstance(chip, TakesAnyCost) and chip.takes_any_cost():
        return ""
    return "task.cost is a function of your own, which only the host can compute (rung: forward)"


def _obstacle_to_learning(description: ChipDescription, host_only: Sequence[str]) -> str:
    """What a chip that moves its parameters by itself is not told, the host cannot keep."""
    if host_only:
        return f"a chip that learns by itself does not know training.update.{host_only[0]}"
    for quantity in ("resolution", "slew_per_second"):
        bounded = np.flatnonzero(getattr(description, quantity) > 0)
        if len(bounded):
            name = description.parameter_names[int(bounded[0])]
            return f"the host could not keep {quantity} of {name} while the chip learns by itself"
    return ""
