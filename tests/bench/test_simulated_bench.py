"""From a chip file to training on simulated instruments, each behind its own driver and dialect."""

import sys
import time
from importlib.metadata import EntryPoint
from types import ModuleType

import numpy as np
import pytest

from drivers.instruments.conversation import Conversation
from mgd_lab.bench import SettingsOfDrivers, check, chip_drivers
from mgd_lab.bench.chip_address import chip_addresses
from mgd_lab.bench.chips import build_chip, is_simulated
from mgd_lab.bench.running import run
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes
from mgd_lab.errors import ChipError
from mgd_lab.experiment import entry_points as installed_entry_points
from mgd_lab.experiment import load_experiment
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings
from sim_instruments.bench.plug import BenchInstrument

CHIP = """\
driver: bench
name: rehearsed bench
visa_library: "@sim"
instruments:
  dac: {driver: plain_source, resource: "TCPIP0::dac::5025::SOCKET", count: 9}
  awg: {driver: plain_source, resource: "TCPIP0::awg::5025::SOCKET", count: 2}
  dmm: {driver: keysight_34461a, resource: "TCPIP0::dmm::5025::SOCKET", nplc: 0.02}
parameters:
  - {names: [w1, w2, w3, w4, w5, w6], instrument: dac, channels: ["1", "2", "3", "4", "5", "6"],
     group: weights, low: -8, high: 8}
  - {names: [b1, b2, b3], instrument: dac, channels: ["7", "8", "9"], group: biases,
     low: -8, high: 8}
inputs:
  - {instrument: awg, channel: "1", low: 0, high: 1}
  - {instrument: awg, channel: "2", low: 0, high: 1}
outputs:
  - {instrument: dmm, channel: "1"}
settle_seconds: 0.01
simulated: {network: {layers: [2, 2, 1]}, noise: 0, seed: 1}
"""

EXPERIMENT = """\
name: rehearsal
seed: 2
chip: bench.yaml
task: {dataset: parity, bits: 2}
training:
  perturbation: {kind: random, amplitude: 0.1}
  time_constants: {tau_p: 1, tau_x: 1, tau_theta: 16}
  update: {rule: sgd, learning_rate: 0.1}
stop: {steps: 320}
evaluate: {every_steps: 160}
"""


MADE: dict = {}
FUSES: dict = {}


class PlainSettings(InstrumentSettings):
    count: int = 1


class PlainSource:
    """LEV 1,0.3,2,0.5 · LEV? · OUT 1 · OUT? · *IDN?"""

    def __init__(self, name, settings, library) -> None:
        self.name = name
        self.names = [str(k + 1) for k in range(settings.count)]
        self.channels = [InstrumentChannel(k, "source", "V", -10.0, 10.0) for k in self.names]
        self.times = InstrumentTimes(exchange=0.0005)
        self.identity = {}
        self.link = Conversation(library, settings.resource, settings.timeout_seconds, name)

    def connect(self) -> None:
        self.link.open()
        self.identity = {"model": self.link.ask("*IDN?")}

    def configure(self) -> None:
        pass

    def take_errors(self):
        return []

    def close(self) -> None:
        self.link.close()

    def set_levels(self, levels) -> None:
        self.link.tell("LEV " + ",".join(f"{k},{level:.9g}" for k, level in levels.items()))

    def read_levels(self):
        return dict(zip(self.names, self.link.ask_numbers("LEV?", len(self.names)), strict=True))

    def switch_outputs(self, on) -> None:
        self.link.tell(f"OUT {int(on)}")

    def outputs_are_on(self):
        return self.link.ask("OUT?") == "1"

    def look_for_trips(self):
        return []


class PlainCore:
    """Those made stand in MADE; those of FUSES die after so many messages."""

    def __init__(self, name, settings, plug) -> None:
        MADE[name] = self
        self.left = FUSES.pop(name, None)
        self.plug = plug
        self.levels = {str(k + 1): 0.0 for k in range(settings.count)}
        self.on = False

    def respond(self, message: bytes) -> bytes:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                return b""
        head, _, rest = message.decode().strip().partition(" ")
        if head == "LEV":
            words = rest.split(",")
            self.levels |= {k: float(v) for k, v in zip(words[::2], words[1::2], strict=True)}
        elif head == "OUT":
            self.on = rest == "1"
        for channel, level in self.levels.items():
            self.plug.drive(channel, level if self.on else None)
        return {
            "*IDN?": b"plain source\n",
            "LEV?": ",".join(f"{v:.9g}" for v in self.levels.values()).encode() + b"\n",
            "OUT?": b"1\n" if self.on else b"0\n",
        }.get(head, b"")

    def overrun(self, reason: str) -> None:
        raise AssertionError(reason)


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    module = ModuleType("plain_source_of_tests")
    module.DRIVER = InstrumentDriver(PlainSettings, PlainSource)
    module.INSTRUMENT = BenchInstrument(build=PlainCore)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    groups = {"mgd_lab.instruments": "DRIVER", "mgd_lab.simulated_bench": "INSTRUMENT"}
    real = installed_entry_points.entry_points

    def entry_points(*, group):
        more = (
            [EntryPoint("plain_source", f"{module.__name__}:{groups[group]}", group)]
            if group in groups
            else []
        )
        return [*real(group=group), *more]

    monkeypatch.setattr(installed_entry_points, "entry_points", entry_points)


@pytest.fixture
def loaded(tmp_path):
    def load(chip=CHIP, **overrides):
        (tmp_path / "bench.yaml").write_text(chip)
        (tmp_path / "experiment.yaml").write_text(EXPERIMENT)
        return load_experiment(
            tmp_path / "experiment.yaml",
            drivers=SettingsOfDrivers(chip_drivers()),
            overrides=overrides,
        )

    return load


def test_training_through_dialects_is_that_of_the_emulated_chip(loaded, tmp_path):
    began = time.monotonic()
    result = run(loaded(), runs_dir=tmp_path / "runs")
    emulated = "driver: emulated\nnetwork: {layers: [2, 2, 1]}\n"
    other = run(loaded(emulated), runs_dir=tmp_path / "runs")
    assert time.monotonic() - began < 60
    assert result.status == other.status == "finished"
    assert result.simulated
    # The meter prints nine digits.
    assert result.cost == pytest.approx(other.cost, abs=1e-5)


def test_check_tells_timing_and_rate(loaded, tmp_path):
    report = check(loaded(), runs_dir=tmp_path)
    assert report.rung == "dense"
    assert report.timing.startswith("software, ")
    assert "no conductor is named" in report.timing


def test_one_that_is_switched_off_ends_the_run_with_all_others_safe(loaded, tmp_path):
    FUSES["awg"] = 300
    overrides = {"chip.retries": {"per_block": 1, "backoff_seconds": 0.0}}
    with pytest.raises(ChipError, match="awg") as caught:
        run(loaded(**overrides), runs_dir=tmp_path / "runs")
    told = "\n".join([str(caught.value), *caught.value.__notes__])
    assert "awg" in told
    assert "All others (dac) are, as read back" in told
    dac = MADE["dac"]
    assert not dac.on
    assert set(dac.levels.values()) == {0.0}
    assert MADE["awg"].on


def test_virtual_time_passes_only_where_it_is_waited_for(loaded):
    settings = loaded(**{"chip.settle_seconds": 100.0}).experiment.chip
    chip = build_chip(settings)
    began = time.monotonic()
    with chip:
        assert is_simulated(settings, chip)
        chip.switch_outputs(True)
        chip.outputs(np.zeros(9), np.eye(2, dtype=np.float32))
        assert chip._parts.time.now() > 200
    assert time.monotonic() - began < 20


def test_real_time_is_that_of_the_machine(loaded):
    overrides = {"chip.simulated.time": "real"}
    chip = build_chip(loaded(**overrides).experiment.chip)
    with chip:
        chip.switch_outputs(True)
        began = time.monotonic()
        chip.outputs(np.zeros(9), np.eye(2, dtype=np.float32))
        assert time.monotonic() - began > 0.02


def test_every_instrument_of_a_real_bench_is_locked(loaded):
    chip = loaded(**{"chip.visa_library": "@py"}).experiment.chip
    assert chip_addresses(chip) == (
        "tcpip0::awg::5025::socket",
        "tcpip0::dac::5025::socket",
        "tcpip0::dmm::5025::socket",
    )
    assert chip_addresses(loaded().experiment.chip) == ()
