"""Instruments by QCoDeS' classes: two written here in its style, and its own Keysight 34461A."""

from __future__ import annotations

import logging
import sys
from types import ModuleType

import pytest

from drivers.instruments.qcodes_adapter import DRIVER
from mgd_lab.chip.instruments import Measures, SetsLevels
from mgd_lab.errors import (
    ConfigurationError,
    IdentityError,
    InstrumentError,
    LimitError,
    LinkError,
    LinkTimeoutError,
    MissingExtraError,
)
from sim_instruments.occupancy import Occupancy
from sim_instruments.socket_server import SocketServer
from sim_instruments.visa_library import simulated_library

qcodes = pytest.importorskip("qcodes.instrument")
validators = pytest.importorskip("qcodes.validators")

RESOURCE = "TCPIP0::supply.lab::5025::SOCKET"


class SupplyChannel(qcodes.InstrumentChannel):
    def __init__(self, parent, name, number):
        super().__init__(parent, name)
        self.add_parameter("level", get_cmd=f"CH{number}?", set_cmd=f"CH{number} {{}}",
                           get_parser=float)  # fmt: skip


class Supply(qcodes.VisaInstrument):
    default_terminator = "\n"

    def __init__(self, name, address, start_mode=None, **kwargs):
        super().__init__(name, address, **kwargs)
        volts = validators.Numbers(-5, 5)
        add = self.add_parameter
        add("voltage", get_cmd="VOLT?", set_cmd="VOLT {}", get_parser=float, vals=volts)
        add("limit", get_cmd="LIM?", set_cmd="LIM {}", get_parser=float)
        add("remembered", get_cmd=None, set_cmd="VOLT {}")
        add("note", get_cmd=None, set_cmd=None)
        add("steps", get_cmd="VOLT?", set_cmd="VOLT {}", vals=validators.Ints())
        add("current", get_cmd="CURR?")
        add("output", get_cmd="OUTP?", set_cmd="OUTP {}", val_mapping={"on": "1", "off": "0"})
        add("tripped", get_cmd="TRIP?", get_parser=lambda text: text == "1")
        for k in (1, 2):
            self.add_submodule(f"ch0{k}", SupplyChannel(self, f"ch0{k}", k))
        if start_mode is not None:
            self.ask("VOLT?")
        self.connect_message()

    def first_error(self):
        return self.ask("SYST:ERR?")

    def off(self):
        self.output("off")


class Dac(qcodes.Instrument):
    """On no VISA link, and without an identity."""

    def __init__(self, name, board):
        super().__init__(name)
        self.levels = [0.0, 0.0]
        for k in (0, 1):
            self.add_parameter(
                f"dac{k}",
                get_cmd=lambda k=k: self.levels[k],
                set_cmd=lambda level, k=k: self.put(k, level),
            )
        self.board = board

    def put(self, k, level):
        if level == 0.5:
            raise KeyError("no such register")
        self.levels[k] = level


class Fixed(qcodes.VisaInstrument):
    """As old classes are: it takes no VISA library."""

    def __init__(self, name, address):
        super().__init__(name, address)


@pytest.fixture(autouse=True)
def lab_module(monkeypatch):
    module = ModuleType("lab_supplies")
    for each in (Supply, Dac, Fixed):
        each.__module__ = "lab_supplies"
        setattr(module, each.__name__, each)
    module.Bare = type("Bare", (), {})
    monkeypatch.setitem(sys.modules, "lab_supplies", module)


KNOB = {"parameter": "voltage", "unit": "V", "low": -2, "high": 2}
SWITCH = {"on": {"output": "on"}, "off": "off", "state": "output"}


def settings(**keys):
    given = {
        "driver": "qcodes",
        "class": "lab_supplies.Supply",
        "resource": RESOURCE,
        "timeout_seconds": 0.05,
        "sources": {"v": KNOB},
        "meters": {"i": {"parameter": "current", "unit": "A"}},
        "outputs": SWITCH,
        "errors": "first_error",
    }
    return DRIVER.settings(**(given | keys))


@pytest.fixture
def make(core):
    made = []

    def supply(*, connect=True, **keys):
        supply = DRIVER.build("my supply", settings(**keys), simulated_library({RESOURCE: core}))
        made.append(supply)
        if connect:
            supply.connect()
        return supply

    yield supply
    for supply in made:
        supply.close()


def test_what_it_is(make, capfd):
    supply = make()
    assert isinstance(supply, SetsLevels)
    assert isinstance(supply, Measures)
    assert [channel.name for channel in supply.channels] == ["v", "i"]
    assert supply.identity == {
        "manufacturer": "Maker", "model": "Supply", "serial": "17", "firmware": "1.0",
        "resource": RESOURCE,
    }  # fmt: skip
    # QCoDeS tells everyone when it has connected.
    assert capfd.readouterr() == ("", "")


def test_another_identity(make):
    with pytest.raises(IdentityError, match="model is 'Supply', expected 'Meter'"):
        make(identity={"model": "Meter"})


def test_setting_and_reading(make, core):
    supply = make()
    supply.configure()
    core.heard.clear()
    supply.set_levels({"v": 1.25})
    assert core.heard == ["VOLT 1.25", "VOLT?"]
    assert supply.read_levels() == {"v": 1.25}
    assert supply.measure(2).tolist() == [[0.0015]] * 2
    assert not supply.outputs_are_on()
    supply.switch_outputs(True)
    assert supply.outputs_are_on()
    supply.switch_outputs(False)
    assert not supply.outputs_are_on()


def test_submodules(make, core):
    knobs = {f"{k}": KNOB | {"parameter": f"ch0{k}.level"} for k in (1, 2)}
    supply = make(sources=knobs, outputs=None)
    supply.set_levels({"1": 0.5, "2": -0.5})
    assert (core.values["CH1"], core.values["CH2"]) == (0.5, -0.5)
    supply.switch_outputs(False)
    assert supply.read_levels() == {"1": 0.0, "2": 0.0}


def test_a_level_that_a_validator_refuses(make, core):
    supply = make(sources={"v": KNOB | {"low": -9, "high": 9}})
    core.heard.clear()
    with pytest.raises(LimitError, match=r"to 6 was refused: .*must be between -5 and 5"):
        supply.set_levels({"v": 6.0})
    assert core.heard == []
    supply.set_levels({"v": 1.0})
    whole = make(sources={"v": KNOB | {"parameter": "steps"}})
    with pytest.raises(LimitError, match="not an int"):
        whole.set_levels({"v": 1.5})


def test_a_level_that_the_instrument_clips(make):
    supply = make(sources={"v": KNOB | {"low": -9, "high": 9}})
    with pytest.raises(LimitError, match="set to 3 V and reads back as 2 V"):
        supply.set_levels({"v": 3.0})


def test_a_parameter_that_only_remembers_is_read_elsewhere(make):
    knob = KNOB | {"parameter": "remembered", "read_parameter": "voltage", "high": 9}
    supply = make(sources={"v": knob})
    with pytest.raises(LimitError, match="reads back as 2 V"):
        supply.set_levels({"v": 3.0})


def test_setup(make, core):
    supply = make(setup={"limit": 0.5, "output": "off", "note": "wired", "off": None})
    core.heard.clear()
    supply.configure()
    told = [each for each in core.heard if not each.startswith("SYST")]
    assert told == ["OUTP?", "LIM?", "LIM 0.5", "LIM?", "OUTP?", "OUTP 0"]
    with pytest.raises(InstrumentError, match=r"setup.limit was set to 3 and reads back as 2.0"):
        make(setup={"limit": 3}).configure()
    with pytest.raises(ConfigurationError, match=r"setup.voltage: 7 was refused"):
        make(setup={"voltage": 7}).configure()


def test_errors_and_trips(make, core):
    supply = make(trips=("tripped",))
    core.respond(b"NONSENSE\n")
    core.respond(b"VOLT 30\n")
    assert supply.take_errors() == ['-113,"Undefined header"', '-222,"Data out of range"']
    assert supply.look_for_trips() == []
    supply.set_levels({"v": 1.5})
    assert supply.look_for_trips() == ["tripped is set"]


def test_after_a_silence_nothing_is_asked_until_it_is_opened_anew(make, core):
    supply = make()
    core.is_silent = True
    with pytest.raises(LinkTimeoutError):
        supply.measure(1)
    core.is_silent = False
    with pytest.raises(LinkError, match="late answer"):
        supply.read_levels()
    supply.close()
    supply.connect()
    assert supply.measure(1).tolist() == [[0.0015]]


def test_no_answer_to_the_question_who_it_is(make, core, capfd):
    supply = make(connect=False, arguments={"timeout": 0.05})
    core.is_silent = True
    with pytest.raises(LinkError, match=r"no answer to \*IDN"):
        supply.connect()
    # QCoDeS warns in a log; Python would print it.
    assert capfd.readouterr() == ("", "")


def test_what_fails_while_it_is_made_is_closed(core):
    library = simulated_library({RESOURCE: core})
    arguments = {"start_mode": 1, "timeout": 0.05}
    supply = DRIVER.build("supply", settings(arguments=arguments), library)
    core.is_silent = True
    with pytest.raises(LinkTimeoutError, match="opening it failed"):
        supply.connect()
    assert list(library.sessions) == [library.resource_manager.session]
    core.is_silent = False
    supply.connect()
    supply.close()


def test_nothing_at_the_resource(core):
    library = simulated_library({"TCPIP0::other.lab::5025::SOCKET": core})
    with pytest.raises(LinkError, match="no answer"):
        DRIVER.build("supply", settings(arguments={"device_clear": False}), library).connect()


def test_two_of_one_name(make):
    first, second = make(), make()
    first.set_levels({"v": 1.0})
    assert second.identity == first.identity


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"class": "lab_supplies.Suply"}, "no class Suply; did you mean 'Supply'"),
        ({"class": "lab_supplies.Bare"}, "Bare is no QCoDeS instrument"),
        ({"class": "lab_supplies.Fixed"}, "Fixed takes no visalib"),
        ({"class": "lab_supplies.Dac", "resource": ""}, "Dac is made otherwise: missing .*'board'"),
    ],
)
def test_classes_that_do_not_fit(make, keys, told):
    with pytest.raises(ConfigurationError, match=told):
        make(connect=False, **keys)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"sources": {"v": KNOB | {"parameter": "voltag"}}},
         r"sources.v: Supply has no 'voltag'; did you mean 'voltage'"),
        ({"sources": {"v": KNOB | {"parameter": "current"}}}, "v: current cannot be set"),
        ({"sources": {"v": KNOB | {"parameter": "remembered"}}}, "remembered cannot be read"),
        ({"sources": {"v": KNOB | {"parameter": "note"}}}, "note cannot be set, or sets nothing"),
        ({"sources": {"v": KNOB | {"parameter": "off"}}}, "sources.v: off is no parameter"),
        ({"sources": {"v": KNOB | {"parameter": "ch03.level"}}}, "ch03"),
        ({"sources": {"v": KNOB | {"parameter": "ch02.levl"}}},
         "SupplyChannel has no 'levl'; did you mean 'level'"),
        ({"meters": {"i": {"parameter": "note", "unit": "A"}}}, "meters.i: note cannot be read"),
        ({"meters": {"i": {"parameter": "default_terminator", "unit": "A"}}}, "nor a method"),
        ({"setup": {"current": 1}}, "setup.current: current cannot be set"),
        ({"outputs": SWITCH | {"off": "output"}}, "outputs.off: output is a parameter"),
    ],
)  # fmt: skip
def test_names_that_the_instrument_does_not_have(make, core, keys, told):
    supply = make(connect=False, **keys)
    with pytest.raises(ConfigurationError, match=told):
        supply.connect()
    assert set(core.heard) <= {"*IDN?"}


def test_without_the_library(monkeypatch):
    monkeypatch.setattr("drivers.instruments.foreign.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'pip install "mgd-lab\[qcodes\]"'):
        DRIVER.build("supply", settings(), "@py")


@pytest.fixture
def dac():
    knobs = {f"{k}": {"parameter": f"dac{k}", "unit": "V", "low": -1, "high": 1} for k in (0, 1)}
    keys = {"class": "lab_supplies.Dac", "resource": "", "arguments": {"board": 3}, "meters": {}}
    dac = DRIVER.build("dac", settings(sources=knobs, outputs=None, errors=None, **keys), None)
    dac.connect()
    yield dac
    dac.close()


def test_what_is_on_no_visa_link(dac, caplog):
    assert dac.identity == {
        "manufacturer": "lab_supplies", "model": "Dac", "serial": "", "firmware": "",
        "resource": "",
    }  # fmt: skip
    dac.set_levels({"0": 0.25, "1": -1.0})
    assert dac.read_levels() == {"0": 0.25, "1": -1.0}
    assert logging.getLogger("qcodes").handlers


def test_exceptions_of_any_kind(dac):
    with pytest.raises(InstrumentError, match=r"KeyError: .*no such register"):
        dac.set_levels({"0": 0.5})


METER = {
    "driver": "qcodes",
    "class": "qcodes.instrument_drivers.Keysight.Keysight34461A",
    "arguments": {"silent": True},
    "meters": {"1": {"parameter": "volt", "unit": "V"}},
    "setup": {"range": 10, "NPLC": 0.02, "autozero": "OFF"},
    "errors": "error",
}


def test_the_34461a_of_qcodes(truevolt):
    library = simulated_library({RESOURCE: truevolt})
    meter = DRIVER.build("dmm", DRIVER.settings(resource=RESOURCE, **METER), library)
    meter.connect()
    # It clears the display when it connects, and the simulation has none.
    assert meter.take_errors() == ["-113,Undefined header"]
    meter.configure()
    assert meter.identity["model"] == "34461A"
    assert meter.measure(3).tolist() == [[1.25]] * 3
    meter.close()


def test_the_34461a_over_tcp(truevolt):
    server = SocketServer(truevolt, "127.0.0.1", 0, Occupancy())
    server.start()
    settings = DRIVER.settings(resource=server.resource, timeout_seconds=3, **METER)
    meter = DRIVER.build("dmm", settings, "@py")
    try:
        meter.connect()
        assert meter._foreign._made.timeout() == 3
        meter.configure()
        assert meter.measure(2).tolist() == [[1.25]] * 2
    finally:
        meter.close()
        server.close()
