"""The chip that an experiment names, with the VISA library that its driver goes through."""

from __future__ import annotations

from typing import Any

from mgd_lab.bench.registry import chip_drivers
from mgd_lab.bench.simulated_bench import simulated_bench
from mgd_lab.bench.simulated_link import simulated_link
from mgd_lab.chip import Chip
from mgd_lab.experiment import ChipSettings
from mgd_lab.experiment.bench_mapping import BenchMapping

SIMULATION = "@sim"


def build_chip(settings: ChipSettings) -> Chip:
    """The driver's chip, not connected yet."""
    return chip_drivers()[settings.driver].build(settings, visa_library(settings))


def visa_library(settings: ChipSettings) -> Any:
    """What the driver hands to `pyvisa.ResourceManager`: a name, or simulated instruments.

    A bench whose time is virtual gets both of them in one object.

    None where the chip file names no VISA library.
    """
    name: Any = getattr(settings, "visa_library", None)
    if name != SIMULATION:
        return name
    if isinstance(settings, BenchMapping):
        return simulated_bench(settings)
    return simulated_link(settings)


def is_simulated(settings: ChipSettings, chip: Chip) -> bool:
    """Whether there is no hardware behind the open chip."""
    return chip.description.simulated or getattr(settings, "visa_library", None) == SIMULATION
