"""Drivers and simulated instruments, found through entry points and imported when named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mgd_lab.experiment import ChipDriver, ChipSettings
from mgd_lab.experiment.entry_points import EntryPoints

CHIPS = "mgd_lab.chips"
SIMULATED_INSTRUMENTS = "mgd_lab.simulated_instruments"
SIMULATED_BOARDS = "mgd_lab.simulated_boards"

__all__ = [
    "CHIPS",
    "SIMULATED_BOARDS",
    "SIMULATED_INSTRUMENTS",
    "EntryPoints",
    "SettingsOfDrivers",
    "chip_drivers",
]


class SettingsOfDrivers(Mapping[str, type[ChipSettings]]):
    """Name of a driver → the model of its chip files."""

    def __init__(self, drivers: Mapping[str, ChipDriver[Any]]) -> None:
        self._drivers = drivers

    def __getitem__(self, name: str) -> type[ChipSettings]:
        return self._drivers[name].settings

    def __iter__(self) -> Iterator[str]:
        return iter(self._drivers)

    def __len__(self) -> int:
        return len(self._drivers)


def chip_drivers() -> EntryPoints[ChipDriver[Any]]:
    """Every installed driver."""
    return EntryPoints(CHIPS, ChipDriver)
