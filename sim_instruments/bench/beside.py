"""Simulated instruments beside a chip that has a link of its own: its supplies, and meters."""

from __future__ import annotations

from collections.abc import Mapping

from mgd_lab.experiment.instrument_settings import InstrumentSettings
from sim_instruments.bench.bench import CoreOnBench, connect_loads, plugged_in
from sim_instruments.bench.clock import RealClock
from sim_instruments.bench.plug import BenchInstrument
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World


class Beside:
    """They are wired to loads, not to the chip, whose link goes by real time; so do they.

    Args:
        instruments: sections of the chip file.
        builders: driver of an instrument → its simulation.
        loads: instrument → channel → ohms to ground.
        seed, noise: of the instruments' own noise, and the factor on it.

    Attributes:
        world: what they are plugged into.
        cores: by their names.
    """

    def __init__(
        self,
        instruments: Mapping[str, InstrumentSettings],
        builders: Mapping[str, BenchInstrument],
        *,
        loads: Mapping[str, Mapping[str, float]],
        seed: int,
        noise: float,
    ) -> None:
        self.world = World(None, Wiring((), ()), RealClock(), seed=seed, noise=noise)
        connect_loads(self.world, loads)
        self.cores: Mapping[str, CoreOnBench] = plugged_in(instruments, self.world, builders)
        self._resources = {name: section.resource for name, section in instruments.items()}

    def devices(self) -> dict[str, CoreOnBench]:
        """Resource → instrument."""
        return {self._resources[name]: core for name, core in self.cores.items()}
