"""The instruments of a bench by what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from mgd_lab.chip.instruments import (
    FillsBuffers,
    Instrument,
    Measures,
    PlaysLists,
    SetsLevels,
)


@dataclass(frozen=True)
class Boxes:
    """Every instrument under the name that the chip file gives it; some do several things."""

    all: Mapping[str, Instrument]
    sources: Mapping[str, SetsLevels]
    meters: Mapping[str, Measures]
    players: Mapping[str, PlaysLists]
    buffers: Mapping[str, FillsBuffers]

    @classmethod
    def sorted(cls, instruments: Mapping[str, Instrument]) -> Self:
        """By their capabilities."""
        return cls(
            all=instruments,
            sources={
                name: each for name, each in instruments.items() if isinstance(each, SetsLevels)
            },
            meters={name: each for name, each in instruments.items() if isinstance(each, Measures)},
            players={
                name: each for name, each in instruments.items() if isinstance(each, PlaysLists)
            },
            buffers={
                name: each for name, each in instruments.items() if isinstance(each, FillsBuffers)
            },
        )
