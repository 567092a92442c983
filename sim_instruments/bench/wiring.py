"""How terminals of instruments are wired to the one simulated chip, and to each other.

A value of the chip is slope · level + offset of the level at the terminal, as in the mappings of a
chip file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.bench_terminals import Conversion, Knob

Place = tuple[str, str]
"""An instrument, and the name of its channel or line."""

Quantity = Literal["parameter", "input", "target", "output", "cost"]


@dataclass(frozen=True)
class Wire:
    """A terminal and what of the chip it carries.

    Attributes:
        quantity, index: which value; of the cost there is one.
        conversion: between its level and the value.
    """

    place: Place
    quantity: Quantity
    index: int
    conversion: Conversion


@dataclass(frozen=True)
class Cable:
    """A marker to a trigger input; a line "" is any that the instrument has."""

    sender: Place
    receiver: Place


@dataclass(frozen=True)
class Wiring:
    """Everything that is plugged in."""

    sources: tuple[Wire, ...]
    meters: tuple[Wire, ...]
    cables: tuple[Cable, ...] = ()


def wiring_of(mapping: BenchMapping) -> Wiring:
    """The wires that a chip file's mappings stand for."""
    knobs: dict[Quantity, tuple[Knob, ...]] = {
        "parameter": mapping.parameter_knobs,
        "input": mapping.input_knobs,
        "target": mapping.target_knobs,
    }
    sources = [
        Wire((knob.instrument, knob.channel), quantity, k, knob.conversion)
        for quantity, group in knobs.items()
        for k, knob in enumerate(group)
    ]
    meters = [
        Wire((output.instrument, output.channel), "output", k, output.conversion)
        for k, output in enumerate(mapping.outputs)
    ]
    cost = mapping.cost
    if cost.instrument is not None and cost.channel is not None:
        if not cost.targets:
            raise ConfigurationError(
                "cost.targets: the simulated chip computes its cost from its outputs and targets; "
                "name the sources that present the targets"
            )
        meters.append(Wire((cost.instrument, cost.channel), "cost", 0, cost.conversion))
    cables = [
        Cable((cable.sender, cable.output), (cable.receiver, cable.input))
        for cable in mapping.cables
    ]
    return Wiring(tuple(sources), tuple(meters), tuple(cables))
