"""Instruments in memory, wired to one emulated chip; they can be made to fail at any call."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pydantic import Field

from drivers.bench.chip import BenchChip
from drivers.bench.instrument_sections import INSTRUMENTS
from drivers.bench.settings import BenchSettings
from mgd_lab.chip.bench_time import TimedLibrary
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ExperimentFileError, LimitError, LinkError
from mgd_lab.experiment import entry_points as installed_entry_points
from mgd_lab.experiment import load_chip
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron

CHIP = """\
driver: bench
name: shelf
instruments:
  dac: {driver: fake_player, resource: "GPIB0::1::INSTR", channels: ["1", "2", "3", "4", "5", "6"]}
  smu: {driver: fake_player, resource: "TCPIP0::smu::5025::SOCKET", channels: ["a", "b", "c"]}
  awg: {driver: fake_player, resource: "TCPIP0::awg::5025::SOCKET", channels: ["1", "2"]}
  dmm: {driver: fake_buffer, resource: "TCPIP0::dmm::5025::SOCKET", channels: ["1"]}
parameters:
  - {names: [w1, w2, w3, w4, w5, w6], group: weights, instrument: dac,
     channels: ["1", "2", "3", "4", "5", "6"], gain: 0.5, offset: 0.1, low: -3, high: 3}
  - {names: [b1, b2, b3], group: biases, instrument: smu, channels: [a, b, c],
     gain: 2.0, polarity: inverted, low: -3, high: 3, safe: 0.5}
inputs:
  - {instrument: awg, channel: "1", low: 0, high: 1}
  - {instrument: awg, channel: "2", gain: 0.25, offset: 0.5, low: 0, high: 1}
outputs:
  - {instrument: dmm, channel: "1", gain: 0.2, offset: -0.1}
settle_seconds: 0.001
conductor: dac
"""


class FakeSettings(InstrumentSettings):
    channels: tuple[str, ...]
    unit: str = "V"
    low: float = -100.0
    high: float = 100.0
    nplc: float = 1.0
    largest: int = 10_000
    has_switch: bool = True
    counts: bool = True
    reading: float = Field(default=0.002, ge=0)
    delay: float = 0.0


class World:
    """What is at the terminals, and what the chip makes of it.

    Attributes:
        calls: (instrument, method) in the order in which they were made.
        faults: (instrument, method) → what the next calls raise; None lets one pass.
        levels: (instrument, channel) → level.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.faults: dict[tuple[str, str], list[BaseException | None]] = defaultdict(list)
        self.levels: dict[tuple[str, str], float] = defaultdict(float)
        self.sent: list[tuple[str, dict[str, float]]] = []
        self.on: dict[str, bool] = defaultdict(bool)
        self.errors: dict[str, list[str]] = defaultdict(list)
        self.trips: dict[str, list[str]] = defaultdict(list)
        self.dead: set[str] = set()
        self.players: list[Fake] = []
        self.buffers: list[Fake] = []
        self.lost_markers = 0
        self.seconds = 0.0
        self.waits: list[float] = []
        self.reached: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.before_call: Any = lambda name, method: None
        self.chip = EmulatedChip(MultilayerPerceptron((2, 2, 1)))
        self.knobs: Any = ()
        self.meters: Any = {}
        self._lock = threading.Lock()

    def call(self, name: str, method: str) -> None:
        self.before_call(name, method)
        with self._lock:
            self.calls.append((name, method))
            queue = self.faults[name, method]
            error = queue.pop(0) if queue else None
        if name in self.dead and method != "close":
            raise LinkError(f"{name}: no answer")
        if error is not None:
            raise error

    def set(self, name: str, channel: str, level: float) -> None:
        self.levels[name, channel] = level
        self.reached[name, channel].append(level)

    def output(self) -> float:
        values = [
            knob.conversion.value(self.levels[knob.instrument, knob.channel]) for knob in self.knobs
        ]
        theta, x = np.array(values[:9]), np.array(values[9:11], np.float32)
        return float(self.chip.outputs(theta, x[None])[0, 0])

    def read(self, name: str, channel: str) -> float:
        conversion, take = self.meters[name, channel]
        if take == "cost":
            target = [knob for knob in self.knobs if knob.name.startswith("target")]
            wanted = [k.conversion.value(self.levels[k.instrument, k.channel]) for k in target]
            return conversion.level((self.output() - wanted[0]) ** 2)
        return conversion.level(self.output())

    # The bench's time.

    def now(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        if seconds > 0:
            self.seconds += seconds
            self.waits.append(seconds)

    def together(self, tasks) -> None:
        for task in tasks:
            task()


class Fake:
    """Everything at once; the drivers below have parts of it."""

    def __init__(self, name: str, settings: FakeSettings, library: Any, direction: str) -> None:
        self.name = name
        self.settings = settings
        self.world: World = library
        self.serial = "1"
        self.channels = [
            InstrumentChannel(
                each, direction, settings.unit, settings.low, settings.high, settings.has_switch
            )
            for each in settings.channels
        ]
        self.times = InstrumentTimes(0.001, 0.0005, settings.reading, 0.0001, 0.00001)
        self.largest_list = self.largest_buffer = settings.largest
        self.counts_steps = settings.counts
        if isinstance(library, World):
            (library.players if direction == "source" else library.buffers).append(self)

    @property
    def identity(self):
        return {"manufacturer": "Fakes", "model": self.settings.driver, "serial": self.serial}

    def connect(self) -> None:
        self.world.call(self.name, "connect")

    def configure(self) -> None:
        self.world.call(self.name, "configure")

    def take_errors(self):
        self.world.call(self.name, "take_errors")
        found, self.world.errors[self.name] = self.world.errors[self.name], []
        return found

    def close(self) -> None:
        self.world.call(self.name, "close")


class Source(Fake):
    def __init__(self, name, settings, library) -> None:
        super().__init__(name, settings, library, "source")

    def set_levels(self, levels) -> None:
        self.world.call(self.name, "set_levels")
        for level in levels.values():
            if not self.settings.low <= level <= self.settings.high:
                raise LimitError(f"{self.name}: -222, data out of range: {level}")
        self.world.sent.append((self.name, dict(levels)))
        for channel, level in levels.items():
            self.world.set(self.name, channel, level)

    def read_levels(self):
        self.world.call(self.name, "read_levels")
        # As instruments print them.
        return {
            channel: float(f"{self.world.levels[self.name, channel]:.7g}")
            for channel in self.settings.channels
        }

    def switch_outputs(self, on) -> None:
        self.world.call(self.name, f"switch {'on' if on else 'off'}")
        self.world.on[self.name] = on
        if not (on or self.settings.has_switch):
            for channel in self.settings.channels:
                self.world.set(self.name, channel, 0.0)

    def outputs_are_on(self) -> bool:
        self.world.call(self.name, "outputs_are_on")
        if self.settings.has_switch:
            return self.world.on[self.name]
        return any(self.world.levels[self.name, channel] for channel in self.settings.channels)

    def look_for_trips(self):
        self.world.call(self.name, "look_for_trips")
        found, self.world.trips[self.name] = self.world.trips[self.name], []
        return found


class Player(Source):
    def load_list(self, levels, pace, dwell_seconds) -> None:
        self.world.call(self.name, "load_list")
        self.list = {channel: each.copy() for channel, each in levels.items()}
        self.pace, self.dwell = pace, dwell_seconds
        self.length = len(next(iter(levels.values())))
        assert self.length <= self.settings.largest
        self.played, self.armed = 0, False

    def arm_list(self) -> None:
        self.world.call(self.name, "arm_list")
        self.armed = True

    def start_list(self) -> None:
        self.world.call(self.name, "start_list")
        assert self.pace == "own"
        assert self.armed
        for _ in range(self.length):
            # Meters are as quick as can be: they read before anything has moved.
            if self.world.lost_markers:
                self.world.lost_markers -= 1
                triggered = []
            else:
                triggered = self.world.buffers
            for meter in triggered:
                if not meter.settings.delay:
                    meter.triggered()
            for player in self.world.players:
                if player is self or (getattr(player, "armed", False) and player.pace == "trigger"):
                    player.step()
            for meter in triggered:
                if meter.settings.delay:
                    meter.triggered()
        self.armed = False

    def step(self) -> None:
        if self.played < self.length:
            for channel, levels in self.list.items():
                self.world.set(self.name, channel, float(levels[self.played]))
            self.played += 1
        if self.played == self.length:
            self.armed = False

    def steps_played(self) -> int:
        self.world.call(self.name, "steps_played")
        return self.played


class Meter(Fake):
    def __init__(self, name, settings, library) -> None:
        super().__init__(name, settings, library, "meter")

    def measure(self, count):
        self.world.call(self.name, "measure")
        row = [self.world.read(self.name, channel) for channel in self.settings.channels]
        return np.array([row] * count)

    def triggered(self) -> None:
        """A meter without a memory does not mind."""


class Buffer(Meter):
    wanted = 0

    @property
    def trigger_delay_seconds(self):
        return self.settings.delay

    def arm_buffer(self, count, pace) -> None:
        self.world.call(self.name, "arm_buffer")
        assert count <= self.settings.largest
        self.taken: list[list[float]] = []
        self.wanted = count

    def triggered(self) -> None:
        if len(getattr(self, "taken", ())) < self.wanted:
            self.taken.append(
                [self.world.read(self.name, channel) for channel in self.settings.channels]
            )

    def fetch_buffer(self, count):
        self.world.call(self.name, "fetch_buffer")
        found, self.wanted = np.array(self.taken), 0
        if len(found) != count:
            raise LinkError(f"{self.name}: {len(found)} readings, {count} were triggered")
        return found


KINDS = {"fake_source": Source, "fake_player": Player, "fake_meter": Meter, "fake_buffer": Buffer}


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    """The fakes are found as any installed instrument is."""
    module = ModuleType("fake_instruments_of_tests")
    entries = []
    for name, kind in KINDS.items():
        setattr(module, name, InstrumentDriver(FakeSettings, kind))
        entries.append(EntryPoint(name, f"{module.__name__}:{name}", INSTRUMENTS))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    real = installed_entry_points.entry_points

    def entry_points(*, group):
        return entries if group == INSTRUMENTS else real(group=group)

    monkeypatch.setattr(installed_entry_points, "entry_points", entry_points)


class Shelf:
    """Chip files of benches, and the chips that come of them."""

    def __init__(self, folder) -> None:
        self.path = folder / "bench.yaml"

    def settings(self, text: str = CHIP, **changes: Any) -> BenchSettings:
        self.path.write_text(text)
        settings = load_chip(self.path, drivers={"bench": BenchSettings})
        assert isinstance(settings, BenchSettings)
        plain = settings.model_dump(mode="json", by_alias=True) | changes
        return BenchSettings.model_validate(plain)

    def problem(self, text: str) -> str:
        with pytest.raises(ExperimentFileError) as caught:
            self.settings(text)
        assert caught.value.exit_code == 2
        return str(caught.value).replace(f"{self.path}:", "")

    def chip(self, text: str = CHIP, **changes: Any) -> tuple[BenchChip, World]:
        world = World()
        settings = self.settings(text, **changes)
        world.knobs = settings.knobs
        world.meters = {
            (output.instrument, output.channel): (output.conversion, output.take)
            for output in settings.outputs
        }
        for watched in settings.telemetry:
            world.meters[watched.instrument, watched.channel] = (watched.conversion, "mean")
        if settings.cost.instrument:
            place = settings.cost.instrument, settings.cost.channel
            world.meters[place] = (settings.cost.conversion, "cost")
        return BenchChip(settings, TimedLibrary(world, world)), world


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def yaml() -> str:
    return CHIP


@pytest.fixture
def block():
    """θ, samples, perturbations, inputs, targets of a few probes."""
    rng = np.random.default_rng(1)
    theta = rng.uniform(-1, 1, 9).astype(np.float32)
    perturbations = (0.05 * rng.choice([-1, 0, 1], (12, 9))).astype(np.float32)
    samples = rng.integers(0, 4, 12).astype(np.uint32)
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    targets = np.array([[0], [1], [1], [0]], np.float32)
    return theta, samples, perturbations, inputs, targets


@pytest.fixture
def measured(block):
    """Arms an open chip and measures the block on it."""

    def measure(chip):
        theta, samples, perturbations, inputs, targets = block
        chip.set_cost(CostFunction("mse"))
        chip.load_samples(inputs, targets)
        return chip.measure_dense(theta, samples, perturbations)

    return measure
