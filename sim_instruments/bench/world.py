"""The simulated bench that instruments are plugged into: one chip, its terminals, one clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, normal_rows
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.terminals import Terminal
from sim_instruments.bench.wiring import Place, Quantity, Wire, Wiring

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Words of Philox's counter that no noise of the chip itself reaches.
_FIRST_WORD = 1 << 31
_DRAWN_TOGETHER = 256


class PresentedChip(Protocol):
    """The chip: it is shown parameters and an input, and gives its outputs."""

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        ...


class World:
    """Terminals, cables and the chip between them.

    Args:
        chip: what is measured; None where only sources and meters are simulated.
        wiring: what of it is wired to which terminal.
        clock: of all instruments.
        cost: what the chip computes by itself, where a meter reads that.
        seed, noise: of the instruments' own noise, and the factor on it.
        time_constant_seconds: with which every terminal settles.
        repeatable: the chip gives the same outputs for the same values, so that they are kept.
    """

    def __init__(
        self,
        chip: PresentedChip | None,
        wiring: Wiring,
        clock: VirtualClock,
        *,
        cost: CostFunction | None = None,
        seed: int = 0,
        noise: float = 1.0,
        time_constant_seconds: float = 0.0,
        repeatable: bool = True,
    ) -> None:
        self.clock = clock
        self._chip = chip
        self._cost = cost
        self._seed = seed
        self._noise = noise
        self._time_constant = time_constant_seconds
        self._repeatable = repeatable
        self._sources = wiring.sources
        self._meters = {wire.place: wire for wire in wiring.meters}
        self._cables = wiring.cables
        self._terminals = {wire.place: self._new() for wire in wiring.sources}
        self._values: dict[Quantity, Float64] = {
            quantity: np.zeros(_count(quantity, wiring.sources))
            for quantity in ("parameter", "input", "target")
        }
        self._listeners: dict[Place, list[Callable[[], None]]] = {}
        self._plugs: list[str] = []
        self._without_power: set[str] = set()
        self._kept: Float64 | None = None
        self._settled_at = 0.0

    def plug(self, instrument: str) -> WorldPlug:
        """The sockets of one instrument."""
        self._plugs.append(instrument)
        return WorldPlug(self, instrument, len(self._plugs) - 1)

    def level(self, instrument: str, channel: str) -> float | None:
        """What a terminal is driven at; None where it is off or was never driven."""
        terminal = self._terminals.get((instrument, channel))
        return None if terminal is None else terminal.level

    def levels(self) -> Mapping[Place, float | None]:
        """The same of all terminals that are wired or were driven."""
        return {place: terminal.level for place, terminal in self._terminals.items()}

    def driven(self, instrument: str, channel: str) -> int:
        """How often a terminal was driven."""
        terminal = self._terminals.get((instrument, channel))
        return 0 if terminal is None else terminal.driven

    def set_load(self, instrument: str, channel: str, ohms: float) -> None:
        """What is wired to a terminal from now on, to ground: a short, for example."""
        self.terminal((instrument, channel)).load_ohms = ohms

    def release(self, instrument: str) -> None:
        """An instrument is switched off: its terminals are at high impedance, its lines dead."""
        self._without_power.add(instrument)
        for place in self._terminals:
            if place[0] == instrument:
                self.drive(place, None)

    def terminal(self, place: Place) -> Terminal:
        """A terminal; one that is wired to nothing comes into being."""
        if place not in self._terminals:
            self._terminals[place] = self._new()
        return self._terminals[place]

    def drive(self, place: Place, level: float | None) -> None:
        """A source's level changes; None is high impedance."""
        terminal = self.terminal(place)
        if place[0] in self._without_power:
            level = None  # what a list had still to do is due, and does nothing any more
        if terminal.drive(level, self.clock.now()):
            self._kept = None
            self._settled_at = max(self._settled_at, terminal.settled_at)

    def sense(self, place: Place) -> float:
        """What is at a terminal: the chip's, or the source's own, or 0 where nothing is wired."""
        wire = self._meters.get(place)
        if wire is None:
            terminal = self._terminals.get(place)
            return 0.0 if terminal is None else terminal.at(self.clock.now())
        outputs = self._outputs()
        value = self._cost_of(outputs) if wire.quantity == "cost" else float(outputs[wire.index])
        return wire.conversion.level(value)

    def pulse(self, place: Place) -> None:
        """A pulse on an instrument's line, given to all that are cabled to it."""
        instrument, line = place
        if instrument in self._without_power:
            return
        for cable in self._cables:
            sender, output = cable.sender
            if sender == instrument and output in ("", line):
                receiver, wanted = cable.receiver
                if receiver in self._without_power:
                    continue
                for (name, given), acts in list(self._listeners.items()):
                    if name == receiver and wanted in ("", given):
                        for act in list(acts):
                            act()

    def listen(self, place: Place, triggered: Callable[[], None]) -> None:
        """What is done at pulses on a trigger input."""
        self._listeners.setdefault(place, []).append(triggered)

    def noise(self, instrument: int, first: int, count: int) -> Float64:
        """Numbers from N(0, 1) times the bench's noise, (count,), of one instrument."""
        if not self._noise:
            return np.zeros(count)
        word = _FIRST_WORD + instrument
        rows = normal_rows(self._seed, Stream.CHIP_NOISE, first, count, 1, word)
        return self._noise * rows[:, 0]

    def _outputs(self) -> Float64:
        """The chip's outputs now, (O,)."""
        if self._chip is None:
            raise ConfigurationError("a meter is wired to a chip that is not there")
        now = self.clock.now()
        if self._kept is not None:
            return self._kept
        for wire in self._sources:
            value = wire.conversion.value(self._terminals[wire.place].at(now))
            self._values[wire.quantity][wire.index] = value
        inputs = self._values["input"].astype(np.float32)[None]
        outputs = self._chip.outputs(self._values["parameter"].copy(), inputs)[0]
        if self._repeatable and now >= self._settled_at:
            self._kept = outputs
        return outputs

    def _cost_of(self, outputs: Float64) -> float:
        if self._cost is None:
            raise ConfigurationError("a meter reads the chip's cost, which computes none")
        targets = self._values["target"].astype(np.float32)[None]
        return float(self._cost(outputs[None], targets)[0])

    def _new(self) -> Terminal:
        return Terminal(time_constant=self._time_constant)


class WorldPlug:
    """One instrument's sockets; see `Plug`."""

    def __init__(self, world: World, instrument: str, number: int) -> None:
        self._world = world
        self._clock = world.clock
        self._name = instrument
        self._number = number
        self._drawn = 0
        self._noise: list[float] = []

    def now(self) -> float:
        """Seconds since the bench was set up."""
        return self._clock.now()

    def spend(self, seconds: float) -> None:
        """The instrument is busy for so long."""
        self._clock.spend(seconds)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Has `act` called so many seconds from now."""
        self._clock.later(seconds, act)

    def wait(self, done: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Lets time pass until `done()`; whether it is."""
        return self._clock.wait(done, seconds)

    def drive(self, channel: str, level: float | None) -> None:
        """From now on the channel's output is at this level; None: off."""
        self._world.drive((self._name, channel), level)

    def sense(self, channel: str) -> float:
        """What is at the terminal now."""
        return self._world.sense((self._name, channel))

    def load_current(self, channel: str, level: float) -> float:
        """Current that the load draws at a voltage."""
        return level / self._world.terminal((self._name, channel)).load_ohms

    def pulse(self, line: str) -> None:
        """A marker gives a pulse."""
        self._world.pulse((self._name, line))

    def listen(self, line: str, triggered: Callable[[], None]) -> None:
        """What is done at each pulse on a trigger input."""
        self._world.listen((self._name, line), triggered)

    def noise(self) -> float:
        """A number from N(0, 1) times the bench's noise."""
        if not self._noise:
            drawn = self._world.noise(self._number, self._drawn, _DRAWN_TOGETHER)
            self._drawn += _DRAWN_TOGETHER
            self._noise = drawn[::-1].tolist()
        return self._noise.pop()


def _count(quantity: Quantity, wires: tuple[Wire, ...]) -> int:
    return sum(wire.quantity == quantity for wire in wires)
