"""A bench of simulated instruments around one simulated chip, as a chip file's mappings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mgd_lab.chip.bench_time import TimedLibrary
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.bench_simulation import SimulatedBench
from mgd_lab.experiment.emulation import EmulationSettings
from mgd_lab.experiment.instrument_settings import InstrumentSettings
from mgd_lab.wire import Status
from sim_instruments.bench.clock import RealClock, VirtualClock
from sim_instruments.bench.plug import BenchInstrument
from sim_instruments.bench.wiring import wiring_of
from sim_instruments.bench.world import World
from sim_instruments.emulated import EmulatedChip, emulated_chip
from sim_instruments.message_exchange import DeviceCore, PolledCore
from sim_instruments.visa_library import ComputingLibrary, simulated_library

EXCHANGE_SECONDS = 0.0005
"""What a query takes on a local network, there and back, on the bench's clock; a command half."""


class CoreOnBench:
    """An instrument in its turn: it takes time to be spoken to, and can be switched off.

    Args:
        core: the instrument.
        name: in the chip file.
        world: what it is plugged into.
    """

    def __init__(self, core: DeviceCore, name: str, world: World) -> None:
        self.core = core
        self._name = name
        self._world = world
        self._is_powered = True

    def respond(self, message: bytes) -> bytes:
        """One program message → its response message; nothing while the power is off."""
        with self._world.clock.turn():
            self._world.clock.spend(EXCHANGE_SECONDS / 2)
            answer = self.core.respond(message) if self._is_powered else b""
            if answer:
                self._world.clock.spend(EXCHANGE_SECONDS / 2)
            return answer

    def overrun(self, reason: str) -> None:
        """Input was dropped."""
        with self._world.clock.turn():
            self.core.overrun(reason)

    def switch_off(self) -> None:
        """As if its plug were pulled: nothing answers, its terminals are at high impedance."""
        with self._world.clock.turn():
            self._is_powered = False
            self._world.release(self._name)


class PolledCoreOnBench(CoreOnBench):
    """The same for one that has a status byte."""

    def __init__(self, core: PolledCore, name: str, world: World) -> None:
        super().__init__(core, name, world)
        self._polled = core

    def report(self, status: Status, reason: str = "") -> None:
        """An error that the way to the instrument has found."""
        with self._world.clock.turn():
            self._polled.report(status, reason)

    def status_byte(self, *, message_available: bool) -> int:
        """The status byte."""
        with self._world.clock.turn():
            return self._polled.status_byte(message_available=message_available)


def plugged_in(
    sections: Mapping[str, InstrumentSettings],
    world: World,
    builders: Mapping[str, BenchInstrument],
) -> dict[str, CoreOnBench]:
    """Name → the simulation of an instrument; ConfigurationError where there is none of it."""
    cores: dict[str, CoreOnBench] = {}
    for name, settings in sections.items():
        if settings.driver not in builders:
            raise ConfigurationError(
                f"instruments.{name}.driver: {settings.driver} has no simulation; these have: "
                f"{', '.join(sorted(builders)) or 'none'}"
            )
        core = builders[settings.driver].build(name, settings, world.plug(name))
        kind = PolledCoreOnBench if isinstance(core, PolledCore) else CoreOnBench
        cores[name] = kind(core, name, world)  # pyright: ignore[reportArgumentType]
    return cores


def connect_loads(world: World, loads: Mapping[str, Mapping[str, float]]) -> None:
    """Instrument → channel → ohms to ground."""
    for name, channels in loads.items():
        for channel, ohms in channels.items():
            world.set_load(name, channel, ohms)


class Bench:
    """Simulated instruments by their names in the chip file.

    Args:
        mapping: the chip file's instruments and what they are wired to, with `simulated`.
        builders: driver of an instrument → its simulation.

    Raises:
        ConfigurationError: there is nothing to simulate, an instrument has no simulation, or the
            network has other widths than the mappings.
    """

    def __init__(self, mapping: BenchMapping, builders: Mapping[str, BenchInstrument]) -> None:
        simulated = mapping.simulated
        if simulated is None:
            raise ConfigurationError(
                "simulated: a simulated bench needs the key, with the network that its "
                "instruments are wired to"
            )
        chip = _chip(simulated)
        _check_widths(mapping, chip)
        self._is_virtual = simulated.time == "virtual"
        clock = VirtualClock() if self._is_virtual else RealClock()
        self.time = HostTime(clock)
        self.world = World(
            chip,
            wiring_of(mapping),
            clock,
            cost=CostFunction(mapping.cost.computes) if mapping.cost.instrument else None,
            seed=simulated.seed,
            noise=simulated.noise,
            time_constant_seconds=simulated.time_constant_seconds,
            repeatable=simulated.imperfections is None,
        )
        connect_loads(self.world, simulated.loads)
        self._resources = {name: own.resource for name, own in mapping.instruments.items()}
        self.cores = plugged_in(mapping.instruments, self.world, builders)

    def library(self) -> ComputingLibrary:
        """A VISA library that has these instruments, each at its resource."""
        return simulated_library({self._resources[name]: core for name, core in self.cores.items()})

    def visa_library(self) -> TimedLibrary | ComputingLibrary:
        """What a driver gets as its VISA library; it brings its time where that is virtual."""
        library = self.library()
        return TimedLibrary(library, self.time) if self._is_virtual else library


class HostTime:
    """The bench's clock as its host sees it (see `mgd_lab.chip.bench_time.BenchTime`)."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now(self) -> float:
        """What `time.monotonic` is to a host at a real bench."""
        return self._clock.now()

    def wait(self, seconds: float) -> None:
        """What `time.sleep` is."""
        if seconds > 0:
            with self._clock.turn():
                self._clock.spend(seconds)

    def together(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Each of the tasks takes time as if it were alone."""
        self._clock.together(tasks)


def _chip(simulated: SimulatedBench) -> EmulatedChip:
    keys = ("network", "precision", "engine", "imperfections", "seed")
    emulation = EmulationSettings(**{key: getattr(simulated, key) for key in keys})
    return emulated_chip(emulation, "simulated chip of the bench")


def _check_widths(mapping: BenchMapping, chip: EmulatedChip) -> None:
    has = chip.description
    for what, wired, there in (
        ("parameters", len(mapping.parameter_knobs), has.parameters),
        ("inputs", len(mapping.inputs), has.inputs),
        ("outputs", len(mapping.outputs) or has.outputs, has.outputs),
        ("cost.targets", len(mapping.cost.targets) or has.outputs, has.outputs),
    ):
        if wired != there:
            raise ConfigurationError(
                f"{what}: {wired} are wired; the network of simulated.network has {there}"
            )
