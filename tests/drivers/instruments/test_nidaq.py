"""The driver of NI devices against a library that is faked where the driver calls it.

No test here has seen a device: what the real library and its devices do is taken from NI's
documentation. Where `nidaqmx` is installed, the fake's spelling is compared with it.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import sys
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from drivers.bench.parts import parts_of
from drivers.bench.settings import BenchSettings
from drivers.instruments.nidaq import DRIVER
from mgd_lab.chip.instruments import DelaysReadings, FillsBuffers, Measures, PlaysLists, SetsLevels
from mgd_lab.errors import (
    CapabilityError,
    ConfigurationError,
    IdentityError,
    InstrumentError,
    LimitError,
    LinkError,
    LinkTimeoutError,
    MeasurementError,
    MissingExtraError,
)
from mgd_lab.experiment import entry_points as installed_entry_points

OUTPUTS = [{"channel": "ao0", "low": -5.0, "high": 5.0}, {"channel": "ao1"}]
INPUTS = [{"channel": "ai0"}, {"channel": "ai3", "terminals": "differential"}]


class AcquisitionType(enum.Enum):
    FINITE = 10178


class RegenerationMode(enum.Enum):
    DONT_ALLOW_REGENERATION = 10158


class Signal(enum.Enum):
    SAMPLE_CLOCK = 12487


class TerminalConfiguration(enum.Enum):
    RSE = 10083
    NRSE = 10078
    DIFF = 10106
    PSEUDO_DIFF = 12529
    DEFAULT = -1


class DaqError(Exception):
    def __init__(self, message, error_code, task_name=""):
        super().__init__(message)
        self.error_code = error_code


class DaqReadError(DaqError):
    def __init__(self, message, error_code, samps_per_chan_read, task_name=""):
        super().__init__(message, error_code, task_name)
        self.samps_per_chan_read = samps_per_chan_read


class DaqNotFoundError(Exception):
    pass


class DaqNotSupportedError(Exception):
    pass


class Card:
    """The device behind the fake: ai0 sees ao0 + ao1, ai3 sees −ao0."""

    def __init__(self):
        self.levels = {"ao0": 0.0, "ao1": 0.0}
        self.log = []
        self.tasks = []
        self.lost_steps = self.lost_samples = self.extra_samples = 0
        self.drift = 0.0
        self.output_rate_error = 0.0
        self.fails = {}

    def sensed(self, channel):
        if channel.startswith("_"):
            return self.levels[channel[1:4]] + 0.002
        value = {
            "ai0": self.levels["ao0"] + self.levels["ao1"], "ai3": -self.levels["ao0"],
        }[channel]  # fmt: skip
        return value + self.drift

    def waiting(self, trigger):
        return [task for task in self.tasks if task.started and task.start_trigger == trigger]

    def edge(self, terminal):
        """An edge at a terminal: inputs are sampled before the outputs move."""
        for kind in ("ai", "ao"):
            for task in [each for each in self.tasks if each.started]:
                if task.source == terminal and task.kind == kind:
                    task.tick()


class Task:
    """nidaqmx.Task."""

    card: Card

    def __init__(self, new_task_name=""):
        self.channels, self.kind = [], ""
        self.rate, self.source, self.count = 0.0, "", 0
        self.start_trigger = ""
        self.started = False
        self.samples, self.position = None, 0
        self.card.tasks.append(self)
        self.ao_channels = SimpleNamespace(add_ao_voltage_chan=self._add_ao)
        self.ai_channels = SimpleNamespace(add_ai_voltage_chan=self._add_ai)
        self.timing = Timing(self)
        self.triggers = SimpleNamespace(start_trigger=StartTrigger(self))
        self.export_signals = ExportSignals(self)
        self.in_stream = InStream(self)
        self.out_stream = OutStream(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def note(self, text):
        self.card.log.append(f"{self.kind} {text}".strip())
        error = self.card.fails.pop(text.split()[0], None)
        if error is not None:
            raise error

    def _add_ao(self, physical_channel, min_val=-10.0, max_val=10.0):
        self.kind = "ao"
        self.note(f"channel {physical_channel} {min_val:g} {max_val:g}")
        self.channels.append(physical_channel.removeprefix("Dev1/"))

    def _add_ai(
        self, physical_channel, terminal_config=TerminalConfiguration.DEFAULT, min_val=-5.0,
        max_val=5.0,
    ):  # fmt: skip
        self.kind = "ai"
        self.note(f"channel {physical_channel} {terminal_config.name} {min_val:g} {max_val:g}")
        self.channels.append(physical_channel.removeprefix("Dev1/"))

    def start(self):
        self.note("start")
        self.started = True
        self.position = 0
        if self.kind == "ai":
            self.samples = np.full((len(self.channels), self.count), np.nan)
            if not self.source:
                self._run()
        elif not self.start_trigger and not self.source:
            self._run()

    def _run(self):
        together = [self]
        if self.kind == "ai":
            together += self.card.waiting("/Dev1/ai/StartTrigger")
        for _ in range(self.count):
            for task in together:
                task.tick()

    def tick(self):
        """One edge of the clock."""
        if self.position >= self.count:
            return
        if self.kind == "ai":
            if self.position < self.count - self.card.lost_samples:
                values = [self.card.sensed(channel) for channel in self.channels]
                self.samples[:, self.position] = values
                self.position += 1
        elif self.position < self.count - self.card.lost_steps:
            column = self.samples[:, self.position]
            self.card.levels |= dict(zip(self.channels, column.tolist(), strict=True))
            self.position += 1

    def stop(self):
        self.note("stop")
        self.started = False

    def close(self):
        self.note("close")
        self.started = False
        self.card.tasks.remove(self)

    def is_task_done(self):
        return self.position >= self.count

    def wait_until_done(self, timeout=10.0):
        self.note("wait_until_done")
        if not self.is_task_done():
            raise DaqError("Wait Until Done did not indicate that the task was done", -200560)


class Timing:
    def __init__(self, task):
        self._task = task

    def cfg_samp_clk_timing(self, rate, source="", sample_mode=None, samps_per_chan=1000):
        task = self._task
        task.note(f"clock {rate:g} {source or 'own'} {sample_mode.name} {samps_per_chan}")
        task.rate, task.source, task.count = rate, source, samps_per_chan

    @property
    def samp_clk_rate(self):
        error = self._task.card.output_rate_error if self._task.kind == "ao" else 0.0
        return self._task.rate * (1 + error)


class StartTrigger:
    def __init__(self, task):
        self._task = task

    def cfg_dig_edge_start_trig(self, trigger_source):
        self._task.note(f"start_trigger {trigger_source}")
        self._task.start_trigger = trigger_source


class ExportSignals:
    def __init__(self, task):
        self._task = task

    def export_signal(self, signal_id, output_terminal):
        self._task.note(f"export {signal_id.name} {output_terminal}")


class InStream:
    def __init__(self, task):
        self._task = task

    @property
    def total_samp_per_chan_acquired(self):
        return self._task.position + self._task.card.extra_samples


class OutStream:
    def __init__(self, task):
        self._task = task
        self._regen_mode = None

    @property
    def regen_mode(self):
        return self._regen_mode

    @regen_mode.setter
    def regen_mode(self, val):
        self._task.note(f"regen {val.name}")
        self._regen_mode = val

    @property
    def total_samp_per_chan_generated(self):
        return self._task.position


class AnalogMultiChannelReader:
    def __init__(self, task_in_stream):
        self._task = task_in_stream._task

    def read_many_sample(self, data, number_of_samples_per_channel=-1, timeout=10.0):
        self._task.note(f"read {number_of_samples_per_channel}")
        held = self._task.position
        data[:, :held] = self._task.samples[:, :held]
        if held < number_of_samples_per_channel:
            raise DaqReadError("Some samples are not yet available", -200284, held)
        return held

    def read_one_sample(self, data, timeout=10):
        self._task.note("read_one")
        data[:] = [self._task.card.sensed(channel) for channel in self._task.channels]


class AnalogMultiChannelWriter:
    def __init__(self, task_out_stream, auto_start=None):
        self._task = task_out_stream._task
        self._auto_start = auto_start

    def write_one_sample(self, data, timeout=10):
        assert self._auto_start is True
        self._task.note(f"write {data.tolist()}")
        card = self._task.card
        card.levels |= dict(zip(self._task.channels, data.tolist(), strict=True))

    def write_many_sample(self, data, timeout=10.0):
        assert self._auto_start is False
        self._task.note(f"write_many {data.shape}")
        self._task.samples = data.copy()
        return data.shape[1]


class Device:
    def __init__(self, name):
        self.name = name
        self.product_type = "USB-6343"
        self.serial_num = 0x1A2B3C
        self.ao_physical_chans = [SimpleNamespace(name=f"{name}/ao{k}") for k in range(4)]
        self.ai_physical_chans = [SimpleNamespace(name=f"{name}/ai{k}") for k in range(32)]
        self.ao_max_rate = 900e3
        self.ai_max_multi_chan_rate = 500e3


class System:
    @staticmethod
    def local():
        version = SimpleNamespace(major_version=24, minor_version=5, update_version=0)
        return SimpleNamespace(driver_version=version)


def fake_modules(card):
    """Modules by name, as `sys.modules` wants them."""
    bound = type("Task", (Task,), {"card": card})
    parts = {
        "nidaqmx": {"Task": bound},
        "nidaqmx.constants": {
            each.__name__: each
            for each in (AcquisitionType, RegenerationMode, Signal, TerminalConfiguration)
        },
        "nidaqmx.errors": {
            each.__name__: each
            for each in (DaqError, DaqReadError, DaqNotFoundError, DaqNotSupportedError)
        },
        "nidaqmx.stream_readers": {"AnalogMultiChannelReader": AnalogMultiChannelReader},
        "nidaqmx.stream_writers": {"AnalogMultiChannelWriter": AnalogMultiChannelWriter},
        "nidaqmx.system": {"Device": Device, "System": System},
    }
    modules = {}
    for name, members in parts.items():
        modules[name] = ModuleType(name)
        vars(modules[name]).update(members)
    return modules


@pytest.fixture
def card(monkeypatch):
    found = Card()
    for name, module in fake_modules(found).items():
        monkeypatch.setitem(sys.modules, name, module)
    return found


def settings(**keys):
    given = {"resource": "Dev1", "outputs": OUTPUTS, "inputs": INPUTS, "samples_per_reading": 4}
    return DRIVER.settings(driver="nidaq", **(given | keys))


def ready(card, **keys):
    """A configured driver; what it said to get there is not in the log."""
    daq = DRIVER.build("daq", settings(**keys), None)
    daq.connect()
    daq.configure()
    card.log.clear()
    return daq


def test_what_it_is(card):
    daq = ready(card)
    assert isinstance(daq, SetsLevels)
    assert isinstance(daq, Measures)
    assert isinstance(daq, PlaysLists)
    assert isinstance(daq, FillsBuffers)
    assert isinstance(daq, DelaysReadings)
    assert daq.trigger_delay_seconds < 0
    assert daq.identity == {
        "resource": "Dev1", "manufacturer": "National Instruments", "model": "USB-6343",
        "serial": "1A2B3C", "firmware": "NI-DAQmx 24.5",
    }  # fmt: skip
    assert [(c.name, c.direction, c.low, c.high) for c in daq.channels] == [
        ("ao0", "source", -5, 5), ("ao1", "source", -10, 10),
        ("ai0", "meter", -10, 10), ("ai3", "meter", -10, 10),
    ]  # fmt: skip
    assert not any(c.switched for c in daq.channels if c.direction == "source")
    assert daq.times.reading == pytest.approx(4 / 10e3)
    assert daq.times.list_step == 1e-4
    assert (daq.largest_list, daq.largest_buffer) == (500_000, 500_000)
    assert (daq.take_errors(), daq.look_for_trips()) == ((), ())


def test_the_library_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "nidaqmx", None)
    daq = DRIVER.build("daq", settings(), None)
    with pytest.raises(MissingExtraError, match=r'pip install "mgd-lab\[nidaq\]"'):
        daq.connect()
    daq.close()


def test_without_the_driver_of_ni(card, monkeypatch):
    def missing(name):
        raise DaqNotFoundError("Could not find an installation of NI-DAQmx")

    monkeypatch.setattr(sys.modules["nidaqmx.system"], "Device", missing)
    with pytest.raises(ConfigurationError, match="finds no NI-DAQmx driver"):
        ready(card)


def test_another_device(card):
    with pytest.raises(IdentityError, match="model is 'USB-6343', expected 'PCIe-6363'"):
        ready(card, identity={"model": "PCIe-6363"})


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"outputs": [{"channel": "ao9"}]}, "a USB-6343 has no ao9"),
        ({"sample_rate_hertz": 300e3}, "sample_rate_hertz asks for 300000 .* gives 250000"),
        ({"shortest_step_seconds": 1e-6}, r"shortest_step_seconds asks for 1e\+06"),
        ({"shortest_step_seconds": 1e-6, "inputs": []}, "gives 900000"),
    ],
)
def test_what_the_device_does_not_have(card, keys, told):
    with pytest.raises(ConfigurationError, match=told):
        ready(card, **keys)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"outputs": [], "inputs": []}, "neither outputs nor inputs"),
        ({"outputs": OUTPUTS[:1] * 2}, "ao0 is named twice"),
        ({"outputs": [{"channel": "ao0", "low": 1.0}]}, "0 V, which is off"),
        ({"inputs": [{"channel": "ai0", "low": 1.0, "high": 0.5}]}, "must be below high"),
        ({"inputs": [{"channel": "ao0"}]}, "match pattern"),
        ({"resource": "TCPIP0::1.2.3.4::INSTR"}, "match pattern"),
    ],
)
def test_settings_that_make_no_sense(keys, told):
    with pytest.raises(ValueError, match=told):
        settings(**keys)


def test_levels_one_at_a_time(card):
    daq = ready(card)
    daq.set_levels({"ao1": 2.0, "ao0": -1.0})
    daq.set_levels({"ao0": 1.5, "ao1": 2.0})
    assert card.log == [
        "ao channel Dev1/ao0 -5 5", "ao channel Dev1/ao1 -10 10", "ao write [-1.0, 2.0]",
        "ao write [1.5, 2.0]",
    ]  # fmt: skip
    daq.set_levels({"ao1": 3.0})
    assert card.levels == {"ao0": 1.5, "ao1": 3.0}
    assert daq.read_levels() == {"ao0": 1.5, "ao1": 3.0}
    card.levels["ao0"] = 1.4  # not by us
    assert daq.read_levels() == {"ao0": pytest.approx(1.402), "ao1": 3.0}
    assert daq.outputs_are_on()
    daq.switch_outputs(False)
    assert card.levels == {"ao0": 0.0, "ao1": 0.0}
    assert not daq.outputs_are_on()
    daq.close()
    assert card.tasks == []


def test_small_levels_are_on(card):
    daq = ready(card)
    assert not daq.outputs_are_on()  # 2 mV is what reading back is wrong by
    daq.set_levels({"ao0": 0.003})
    assert daq.outputs_are_on()


def test_reading_back(card):
    ready(card).read_levels()
    assert card.log == [
        "ai channel Dev1/_ao0_vs_aognd DEFAULT -10 10",
        "ai channel Dev1/_ao1_vs_aognd DEFAULT -10 10", "ai read_one", "ai close",
    ]  # fmt: skip


def test_without_reading_back(card):
    daq = ready(card, readback="none")
    with pytest.raises(LinkError, match="nobody knows the level of ao0, ao1"):
        daq.read_levels()
    daq.set_levels({"ao0": 0.25, "ao1": 0.0})
    assert daq.read_levels() == {"ao0": 0.25, "ao1": 0.0}
    assert daq.outputs_are_on()
    assert not any("_vs_aognd" in line for line in card.log)


def test_a_device_of_inputs_alone(card):
    daq = ready(card, outputs=[])
    daq.set_levels({})
    assert daq.read_levels() == {}
    assert not daq.outputs_are_on()
    assert card.log == []


def test_a_level_beyond_is_not_written(card):
    daq = ready(card)
    for level in (5.001, -6.0, float("nan")):
        with pytest.raises(LimitError, match="ao0 was to be set to"):
            daq.set_levels({"ao0": level, "ao1": 0.0})
    with pytest.raises(LimitError, match=r"limits are -5 to 5 V\. Nothing was sent"):
        daq.load_list({"ao0": np.array([0.0, 5.5])}, "own", 1e-3)
    assert card.log == []


def test_measuring(card):
    daq = ready(card)
    daq.set_levels({"ao0": 1.0, "ao1": 0.5})
    card.log.clear()
    assert daq.measure(2).tolist() == [[1.5, -1.0], [1.5, -1.0]]
    assert card.log == [
        "ai channel Dev1/ai0 DEFAULT -10 10", "ai channel Dev1/ai3 DIFF -10 10",
        "ai clock 10000 own FINITE 8", "ai start", "ai read 8", "ai stop",
    ]  # fmt: skip
    card.log.clear()
    daq.measure(2)
    assert card.log == ["ai start", "ai read 8", "ai stop"]
    daq.measure(1)
    assert "ai clock 10000 own FINITE 4" in card.log


def test_a_reading_is_the_mean_of_its_samples(card):
    daq = ready(card, inputs=INPUTS[:1])
    values = iter([1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 5.0])
    card.sensed = lambda channel: next(values)
    assert daq.measure(2).tolist() == [[2.5], [5.0]]


@pytest.mark.parametrize("value", [10.4, -10.2, float("nan")])
def test_overload(card, value):
    daq = ready(card)
    card.drift = value
    with pytest.raises(MeasurementError, match=r"sample 0 of ai0 .* beyond -10 to 10 V"):
        daq.measure(1)


def test_a_block_of_its_own(card):
    """The output is started first, and waits for the start trigger of the input."""
    daq = ready(card, marker_terminal="PFI1")
    levels = {"ao0": np.array([1.0, 1.0, 2.0, 2.0]), "ao1": np.array([0.0, 0.0, 0.5, 0.5])}
    daq.load_list(levels, "own", 1e-3)
    daq.arm_buffer(4, "trigger")
    daq.arm_list()
    assert card.levels == {"ao0": 0.0, "ao1": 0.0}
    daq.start_list()
    found = daq.fetch_buffer(4)
    assert daq.steps_played() == 4
    # A sample is taken as its step begins, so that the second of each pair has settled.
    assert found[1::2].tolist() == [[1.0, -1.0], [2.5, -2.0]]
    assert card.log == [
        "ai channel Dev1/ai0 DEFAULT -10 10",
        "ai channel Dev1/ai3 DIFF -10 10",
        "ai clock 1000 own FINITE 4",
        "ao channel Dev1/ao0 -5 5",
        "ao channel Dev1/ao1 -10 10",
        "ao clock 1000 own FINITE 4",
        "ao regen DONT_ALLOW_REGENERATION",
        "ao start_trigger /Dev1/ai/StartTrigger",
        "ao export SAMPLE_CLOCK /Dev1/PFI1",
        "ao write_many (2, 4)",
        "ao start",
        "ai start",
        "ai read 4",
        "ai close",
        "ao wait_until_done",
        "ao close",
    ]
    assert daq.read_levels() == {"ao0": 2.0, "ao1": 0.5}
    assert daq.steps_played() == 0


def test_blocks_and_software_in_turn(card):
    daq = ready(card)
    for _ in range(2):
        daq.set_levels({"ao0": 0.5, "ao1": 0.0})
        assert daq.measure(1).tolist() == [[0.5, -0.5]]
        daq.load_list({"ao0": np.array([1.0, 2.0, 3.0])}, "own", 1e-3)
        daq.arm_buffer(3, "trigger")
        daq.arm_list()
        daq.start_list()
        assert daq.fetch_buffer(3)[:, 0].tolist() == [0.5, 1.0, 2.0]
        assert daq.steps_played() == 3


def test_conducting_others(card):
    """Its outputs alone, by its own clock; somebody else reads."""
    daq = ready(card, inputs=[], marker_terminal="PFI1")
    daq.load_list({"ao0": np.array([1.0, 2.0])}, "own", 0.01)
    daq.arm_list()
    assert "ao start" not in card.log
    daq.start_list()
    assert daq.steps_played() == 2
    assert not any("start_trigger" in line for line in card.log)
    assert "ao clock 100 own FINITE 2" in card.log


def test_following_others(card):
    daq = ready(card)
    daq.load_list({"ao0": np.array([1.0, 2.0, 3.0])}, "trigger", 0.01)
    daq.arm_list()
    assert "ao clock 10000 /Dev1/PFI0 FINITE 3" in card.log
    for level in (1.0, 2.0, 3.0):
        card.edge("/Dev1/PFI0")
        assert card.levels["ao0"] == level
    assert daq.steps_played() == 3
    daq.arm_buffer(2, "trigger")
    for _ in range(2):
        card.edge("/Dev1/PFI0")
    assert daq.fetch_buffer(2)[:, 0].tolist() == [3.0, 3.0]


def test_a_buffer_by_its_own_clock(card):
    daq = ready(card)
    daq.arm_buffer(3, "own")
    assert daq.fetch_buffer(3).shape == (3, 2)
    assert "ai clock 10000 own FINITE 3" in card.log


def test_triggers_that_are_lost(card):
    daq = ready(card)
    card.lost_steps = 1
    daq.load_list({"ao0": np.array([1.0, 2.0, 3.0])}, "own", 1e-3)
    daq.arm_buffer(3, "trigger")
    daq.arm_list()
    daq.start_list()
    daq.fetch_buffer(3)
    assert daq.steps_played() == 2
    card.lost_steps, card.lost_samples = 0, 1
    daq.load_list({"ao0": np.array([1.0, 2.0, 3.0])}, "own", 1e-3)
    daq.arm_buffer(3, "trigger")
    daq.arm_list()
    daq.start_list()
    with pytest.raises(LinkError, match="it has taken 2 readings of 3"):
        daq.fetch_buffer(3)
    daq.configure()
    assert card.tasks == []


def test_a_count_that_does_not_prove_it(card):
    daq = ready(card)
    card.extra_samples = 1
    daq.arm_buffer(2, "own")
    with pytest.raises(LinkError, match="it has taken 3 readings, not 2"):
        daq.fetch_buffer(2)


def test_overload_in_a_block(card):
    daq = ready(card)
    daq.load_list({"ao0": np.array([5.0, 5.0]), "ao1": np.array([9.0, 9.0])}, "own", 1e-3)
    daq.arm_buffer(2, "trigger")
    daq.arm_list()
    daq.start_list()
    with pytest.raises(MeasurementError, match="sample 1 of ai0 is 14 V"):
        daq.fetch_buffer(2)


def test_clocks_that_differ(card):
    daq = ready(card)
    card.output_rate_error = 1e-5
    daq.load_list({"ao0": np.array([1.0, 2.0])}, "own", 0.001)
    daq.arm_buffer(2, "trigger")
    with pytest.raises(ConfigurationError, match=r"inputs at 1000 Hz and outputs at 1000\.01 Hz"):
        daq.arm_list()
    assert card.levels["ao0"] == 0.0


def test_blocks_that_cannot_be(card):
    daq = ready(card)
    with pytest.raises(ConfigurationError, match="a step of 1e-05 s"):
        daq.load_list({"ao0": np.array([1.0, 2.0])}, "own", 1e-5)
    with pytest.raises(ConfigurationError, match="1 steps of a list; it takes 2 to 500000"):
        daq.load_list({"ao0": np.array([1.0])}, "own", 1e-3)
    with pytest.raises(ConfigurationError, match="500001 readings"):
        daq.arm_buffer(500_001, "trigger")
    with pytest.raises(CapabilityError, match="no list is loaded"):
        daq.arm_list()
    assert daq.steps_played() == 0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-200284, LinkTimeoutError), (-201003, LinkError), (-200561, LimitError),
        (-50103, InstrumentError),
    ],
)  # fmt: skip
def test_errors_of_the_library(card, code, kind):
    daq = ready(card)
    card.fails["write"] = DaqError("it says\n\n so", code)
    with pytest.raises(kind, match=r"daq \(Dev1\): it says so") as caught:
        daq.set_levels({"ao0": 1.0})
    assert type(caught.value) is kind
    card.levels["ao0"] = 0.9
    assert daq.read_levels()["ao0"] == pytest.approx(0.902)  # nobody knows what it was told


def test_before_it_is_connected():
    daq = DRIVER.build("daq", settings(), None)
    with pytest.raises(LinkError, match="not connected"):
        daq.measure(1)


@pytest.mark.parametrize("timing", ["software", "hardware"])
def test_a_bench_of_it_alone(card, monkeypatch, timing):
    """It conducts itself: what is read of a probe is the same in both timings."""
    entry = EntryPoint("nidaq", "drivers.instruments.nidaq:DRIVER", "mgd_lab.instruments")
    monkeypatch.setattr(installed_entry_points, "entry_points", lambda *, group: [entry])
    daq = {"driver": "nidaq", "resource": "Dev1", "outputs": OUTPUTS, "inputs": INPUTS[:1]}
    w = {"names": ["w"], "instrument": "daq", "channels": ["ao0"], "low": -2, "high": 2}
    parts = parts_of(
        BenchSettings(
            driver="bench",
            instruments={"daq": daq},
            parameters=[w],
            inputs=[{"instrument": "daq", "channel": "ao1", "low": 0, "high": 1}],
            outputs=[{"instrument": "daq", "channel": "ai0"}],
            reads_per_probe=2,
            conductor="daq",
            timing=timing,
        ),
        None,
    )
    assert parts.choice.kind == timing
    parts.opening.open()
    levels = np.array([[0.5, 0.25], [-1.0, 0.25], [1.5, 0.0], [1.5, 1.0]])
    found = parts.timing.measure(levels)["daq"]
    assert found.shape == (4, 2, 1)
    assert np.allclose(found[:, :, 0], levels.sum(axis=1)[:, None])
    parts.opening.close()


SPELLED = {
    "nidaqmx.task": {"Task": Task},
    "nidaqmx.task._timing": {"Timing": Timing},
    "nidaqmx.task._in_stream": {"InStream": InStream},
    "nidaqmx.task._out_stream": {"OutStream": OutStream},
    "nidaqmx.task._export_signals": {"ExportSignals": ExportSignals},
    "nidaqmx.task.triggering._start_trigger": {"StartTrigger": StartTrigger},
    "nidaqmx.stream_readers": {"AnalogMultiChannelReader": AnalogMultiChannelReader},
    "nidaqmx.stream_writers": {"AnalogMultiChannelWriter": AnalogMultiChannelWriter},
    "nidaqmx.system": {"Device": Device, "System": System},
    "nidaqmx.errors": {"DaqError": DaqError, "DaqReadError": DaqReadError},
    "nidaqmx.task.collections._ao_channel_collection": {
        "AOChannelCollection": SimpleNamespace(add_ao_voltage_chan=Task._add_ao)
    },
    "nidaqmx.task.collections._ai_channel_collection": {
        "AIChannelCollection": SimpleNamespace(add_ai_voltage_chan=Task._add_ai)
    },
}
OF_THE_FAKE = {"note", "tick"}


def test_the_fake_is_spelled_as_the_real_library():
    pytest.importorskip("nidaqmx")
    for place, members in SPELLED.items():
        module = importlib.import_module(place)
        for name, fake in members.items():
            real = getattr(module, name)
            for method, ours in vars(fake).items():
                if method in OF_THE_FAKE or (method.startswith("_") and method != "__init__"):
                    continue
                if not callable(ours):
                    assert hasattr(real, method) or isinstance(ours, str), f"{name}.{method}"
                elif method != "__init__" or name.startswith(("Analog", "Daq")):
                    theirs = inspect.signature(getattr(real, method)).parameters
                    assert set(inspect.signature(ours).parameters) <= set(theirs), (name, method)
    constants = importlib.import_module("nidaqmx.constants")
    for ours in (AcquisitionType, RegenerationMode, Signal, TerminalConfiguration):
        theirs = getattr(constants, ours.__name__)
        assert {each.name: each.value for each in ours}.items() <= {
            each.name: each.value for each in theirs
        }.items()
    device = importlib.import_module("nidaqmx.system").Device
    for attribute in vars(Device("Dev1")):
        assert hasattr(device, attribute), attribute
    errors = importlib.import_module("nidaqmx.errors")
    assert issubclass(errors.DaqReadError, errors.DaqError)
    assert not issubclass(errors.DaqNotFoundError, errors.DaqError)
