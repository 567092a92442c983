"""Instruments by PyMeasure's classes: one written here in its style, and its own Agilent 34410A."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

import numpy as np
import pytest

from drivers.instruments.pymeasure_adapter import DRIVER
from mgd_lab.chip.instruments import FillsBuffers, Measures, PlaysLists, SetsLevels
from mgd_lab.errors import (
    ConfigurationError,
    IdentityError,
    InstrumentError,
    LimitError,
    LinkError,
    LinkTimeoutError,
    MeasurementError,
    MissingExtraError,
)
from sim_instruments.occupancy import Occupancy
from sim_instruments.socket_server import SocketServer
from sim_instruments.visa_library import simulated_library

instruments = pytest.importorskip("pymeasure.instruments")
validators = pytest.importorskip("pymeasure.instruments.validators")
Instrument = instruments.Instrument

RESOURCE = "TCPIP0::supply.lab::5025::SOCKET"


class SupplyChannel(instruments.Channel):
    level = Instrument.control("CH{ch}?", "CH{ch} %g", "Control it.")


class Supply(instruments.SCPIMixin, Instrument):
    channels = Instrument.MultiChannelCreator(SupplyChannel, [1, 2])
    voltage = Instrument.control(
        "VOLT?", "VOLT %g", "Strict.", validator=validators.strict_range, values=[-5, 5]
    )
    clipped = Instrument.control(
        "VOLT?", "VOLT %g", "Clips.", validator=validators.truncated_range, values=[-1, 1]
    )
    limit = Instrument.control("LIM?", "LIM %g", "Limit.")
    span = Instrument.control("LIM?", "LIM %g", "Limit.", dynamic=True)
    mode = Instrument.setting("MODE %g", "Write only.")
    bare = Instrument.setting("VOLT %g", "Write only.")
    current = Instrument.measurement("CURR?", "Read only.")
    enabled = Instrument.control(
        "OUTP?", "OUTP %d", "Switch.", values={True: 1, False: 0}, map_values=True
    )
    tripped = Instrument.measurement("TRIP?", "Protection.", values={True: 1, False: 0},
                                     map_values=True)  # fmt: skip
    colour = "grey"

    def __init__(self, adapter, name="supply", start_mode=None, **kwargs):
        super().__init__(adapter, name, read_termination="\n", write_termination="\n", **kwargs)
        if start_mode is not None:
            self.mode = start_mode
            self.voltage  # noqa: B018 (asks, and fails where nothing answers)

    def switch_on(self):
        self.enabled = True

    def switch_off(self):
        self.enabled = False

    def prepare(self, limit=0.1):
        self.limit = limit


class PlainSupply(instruments.SCPIMixin, Instrument):
    """As old classes are: it takes no keywords for its adapter."""

    def __init__(self, adapter):
        super().__init__(adapter, "plain")
        adapter.connection.read_termination = adapter.connection.write_termination = "\n"

    voltage = Supply.voltage


class Stage:
    """Not on any VISA link, and no `Instrument`."""

    def __init__(self, port):
        self._position = 0.0
        self.port = port
        self.is_closed = False

    @property
    def position(self):
        if self.is_closed:
            raise RuntimeError("the stage is closed")
        return self._position

    @position.setter
    def position(self, value):
        if value == 0.5:
            raise OSError("the cable was pulled")
        self._position = value

    @property
    def fixed(self):
        return 1.0

    def close(self):
        self.is_closed = True


@pytest.fixture(autouse=True)
def lab_module(monkeypatch):
    module = ModuleType("lab_supplies")
    for each in (Supply, PlainSupply, Stage):
        each.__module__ = "lab_supplies"
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, "lab_supplies", module)


KNOB = {"attribute": "voltage", "unit": "V", "low": -2, "high": 2}
SWITCH = {"on": "switch_on", "off": {"enabled": False}, "state": "enabled"}


def settings(**keys):
    given = {
        "driver": "pymeasure",
        "class": "lab_supplies.Supply",
        "resource": RESOURCE,
        "timeout_seconds": 0.05,
        "sources": {"v": KNOB},
        "meters": {"i": {"attribute": "current", "unit": "A"}},
        "outputs": SWITCH,
        "errors": "check_errors",
    }
    return DRIVER.settings(**(given | keys))


@pytest.fixture
def make(core):
    made = []

    def supply(*, connect=True, **keys):
        supply = DRIVER.build("supply", settings(**keys), simulated_library({RESOURCE: core}))
        made.append(supply)
        if connect:
            supply.connect()
        return supply

    yield supply
    for supply in made:
        supply.close()


def test_what_it_is(make):
    supply = make(connect=False, exchange_seconds=0.002, reading_seconds=0.02, level_seconds=0.1)
    assert isinstance(supply, SetsLevels)
    assert isinstance(supply, Measures)
    assert not isinstance(supply, PlaysLists)
    assert not isinstance(supply, FillsBuffers)
    source, meter = supply.channels
    assert (source.name, source.direction, source.unit) == ("v", "source", "V")
    assert (source.low, source.high) == (-2, 2)
    assert source.switched
    assert not make(connect=False, outputs=None).channels[0].switched
    assert (meter.name, meter.direction, meter.unit) == ("i", "meter", "A")
    assert (meter.low, meter.high) == (-np.inf, np.inf)
    times = supply.times
    assert (times.exchange, times.level, times.reading, times.transfer) == (0.004, 0.1, 0.02, 0.002)
    assert supply.identity == {"resource": RESOURCE}


def test_nothing_is_sent_before_it_is_connected(make, core):
    supply = make(connect=False)
    with pytest.raises(LinkError, match="not open"):
        supply.set_levels({"v": 0.0})
    assert core.heard == []


def test_its_identity(make):
    assert make().identity == {
        "manufacturer": "Maker", "model": "Supply", "serial": "17", "firmware": "1.0",
        "resource": RESOURCE,
    }  # fmt: skip


def test_another_identity(make):
    with pytest.raises(IdentityError, match="serial is '17', expected '18'"):
        make(identity={"serial": "18"})


def test_setting_and_reading(make, core):
    supply = make()
    supply.configure()
    core.heard.clear()
    supply.set_levels({"v": 1.25})
    assert core.heard == ["VOLT 1.25", "VOLT?"]
    assert supply.read_levels() == {"v": 1.25}
    assert supply.measure(3).tolist() == [[0.0015]] * 3
    assert not supply.outputs_are_on()
    supply.switch_outputs(True)
    assert supply.outputs_are_on()
    supply.switch_outputs(False)
    assert not supply.outputs_are_on()
    assert supply.take_errors() == []


def test_a_level_that_the_instrument_rounds_is_as_it_was_told(make):
    supply = make()
    supply.set_levels({"v": 1.00000049})
    assert supply.read_levels() == {"v": 1.00000049}


def test_our_limits_come_first(make, core):
    supply = make(sources={"v": KNOB, "w": KNOB | {"attribute": "ch_1.level"}})
    core.heard.clear()
    for beyond in (2.001, float("nan")):
        with pytest.raises(LimitError, match=r"limits are -2 to 2 V. Nothing was sent"):
            supply.set_levels({"w": 1.0, "v": beyond})
    assert core.heard == []


def test_a_level_that_the_library_refuses(make, core):
    supply = make(sources={"v": KNOB | {"low": -9, "high": 9}})
    core.heard.clear()
    with pytest.raises(LimitError, match=r"voltage\) to 6 was refused: Value of 6 is not in range"):
        supply.set_levels({"v": 6.0})
    assert core.heard == []
    supply.set_levels({"v": 1.0})


@pytest.mark.parametrize(
    ("attribute", "level", "clipped"), [("clipped", 1.5, "1 V"), ("voltage", 3.0, "2 V")]
)
def test_a_level_that_is_clipped_in_silence(make, attribute, level, clipped):
    supply = make(sources={"v": KNOB | {"attribute": attribute, "low": -9, "high": 9}})
    with pytest.raises(LimitError, match=f"set to {level:g} V and reads back as {clipped}"):
        supply.set_levels({"v": level})


def test_a_wider_tolerance(make):
    knob = KNOB | {"attribute": "clipped", "tolerance": 0.2}
    supply = make(sources={"v": knob})
    supply.set_levels({"v": 1.15})
    assert supply.read_levels() == {"v": 1.15}
    with pytest.raises(LimitError, match=r"tolerance 0.2 V"):
        supply.set_levels({"v": 1.25})


def test_a_knob_that_is_read_elsewhere(make):
    knob = {"attribute": "bare", "read_attribute": "voltage", "unit": "V", "low": -2, "high": 2}
    supply = make(sources={"v": knob})
    supply.set_levels({"v": -0.5})
    assert supply.read_levels() == {"v": -0.5}


def test_channels_of_an_instrument(make, core):
    knobs = {f"{k}": KNOB | {"attribute": f"ch_{k}.level"} for k in (1, 2)}
    supply = make(sources=knobs, outputs=None)
    supply.set_levels({"1": 0.5, "2": -0.5})
    assert (core.values["CH1"], core.values["CH2"]) == (0.5, -0.5)
    assert supply.outputs_are_on()
    supply.switch_outputs(False)
    assert supply.read_levels() == {"1": 0.0, "2": 0.0}
    assert not supply.outputs_are_on()


def test_setup_in_its_order(make, core):
    supply = make(setup={"limit": 0.5, "prepare": {"limit": 0.25}, "mode": 2, "enabled": False})
    core.heard.clear()
    supply.configure()
    assert [each for each in core.heard if not each.startswith("SYST")] == [
        "OUTP?", "LIM?", "LIM 0.5", "LIM?", "LIM 0.25", "MODE 2", "OUTP?",
    ]  # fmt: skip


@pytest.mark.parametrize("arguments", [{"limit": 0.25}, (0.25,), 0.25])
def test_methods_in_setup(make, core, arguments):
    make(setup={"prepare": arguments, "span": 0.5}).configure()
    assert "LIM 0.25" in core.heard
    assert core.values["LIM"] == 0.5
    with pytest.raises(InstrumentError, match=r"setup.prepare failed: TypeError"):
        make(setup={"prepare": {"limits": 1}}).configure()


def test_setup_that_is_so_already_is_not_sent(make, core):
    supply = make(setup={"limit": 0.5})
    supply.configure()
    core.heard.clear()
    supply.configure()
    assert "LIM 0.5" not in core.heard


def test_setup_that_reads_back_otherwise(make):
    with pytest.raises(InstrumentError, match=r"setup.limit was set to 3 and reads back as 2.0"):
        make(setup={"limit": 3}).configure()


def test_setup_that_the_library_refuses(make):
    with pytest.raises(ConfigurationError, match=r"setup.voltage: 7 was refused: Value of 7"):
        make(setup={"voltage": 7}).configure()


def test_setup_that_would_disturb_an_output_that_is_on(make, core):
    core.is_on, core.values["VOLT"] = True, 1.0
    make(setup={"limit": 0.1}).configure()
    with pytest.raises(InstrumentError, match=r"it was on, .* v was 1 and is 0.5 V"):
        make(setup={"voltage": 0.5}).configure()
    with pytest.raises(InstrumentError, match="its outputs went off"):
        make(setup={"switch_off": None}).configure()


def test_errors_that_it_keeps(make, core):
    supply = make()
    core.respond(b"NONSENSE\n")
    assert supply.take_errors() == ["[-113.0, '\"Undefined header\"']"]
    core.respond(b"NONSENSE\n")
    one_at_a_time = make(errors="next_error")
    assert one_at_a_time.take_errors() == ['-113,"Undefined header"']
    assert make(errors=None).take_errors() == ()


def test_errors_after_its_setup(make):
    with pytest.raises(InstrumentError, match=r"errors after its setup: .*-222"):
        make(setup={"mode": 1, "bare": 30}).configure()


def test_trips(make):
    supply = make(trips=("tripped",))
    assert supply.look_for_trips() == []
    supply.set_levels({"v": 1.5})
    assert supply.look_for_trips() == ["tripped is set"]


@pytest.mark.parametrize(
    ("answer", "keys", "told"),
    [
        ("9.9E37", {}, r"i \(current\) reads 9.9e\+37 A, an overflow"),
        ("nan", {}, "reads nan"),
        ("0.3", {"high": 0.2}, "reads 0.3 A"),
        ("dark", {}, "'dark' is no number"),
        ("1,2", {}, "2 numbers; say which by the key index"),
        ("1,2", {"index": 2}, "no number 2"),
    ],
)
def test_readings_that_are_none(make, core, answer, keys, told):
    core.current = answer
    supply = make(meters={"i": {"attribute": "current", "unit": "A"} | keys})
    with pytest.raises(MeasurementError, match=told):
        supply.measure(1)


def test_one_of_several_numbers(make, core):
    core.current = "1,2,3"
    supply = make(meters={"i": {"attribute": "current", "unit": "A", "index": 1}})
    assert supply.measure(2).tolist() == [[2.0], [2.0]]


def test_after_a_silence_nothing_is_asked_until_it_is_opened_anew(make, core):
    supply = make()
    core.is_silent = True
    with pytest.raises(LinkTimeoutError, match="timeout_seconds"):
        supply.measure(1)
    core.is_silent = False
    core.heard.clear()
    for ask in (supply.read_levels, supply.take_errors, lambda: supply.set_levels({"v": 0.0})):
        with pytest.raises(LinkError, match="late answer"):
            ask()
    assert core.heard == []
    supply.close()
    supply.connect()
    assert supply.measure(1).tolist() == [[0.0015]]


def test_closing_twice_leaves_the_outputs(make, core):
    supply = make()
    supply.switch_outputs(True)
    supply.close()
    supply.close()
    assert core.is_on


def test_nothing_at_the_resource(core):
    library = simulated_library({"TCPIP0::other.lab::5025::SOCKET": core})
    with pytest.raises(LinkError, match="no answer"):
        DRIVER.build("supply", settings(), library).connect()


def test_what_fails_while_it_is_made_is_closed(core):
    library = simulated_library({RESOURCE: core})
    arguments = {"start_mode": 1, "timeout": 50}
    supply = DRIVER.build("supply", settings(arguments=arguments), library)
    core.is_silent = True
    with pytest.raises(LinkTimeoutError, match="opening it failed") as caught:
        supply.connect()
    assert list(library.sessions) == [library.resource_manager.session]
    assert caught.value.__cause__ is not None
    core.is_silent = False
    supply.connect()
    supply.close()


def test_no_such_visa_library():
    with pytest.raises(ConfigurationError, match="the VISA library '@nowhere' cannot be used"):
        DRIVER.build("supply", settings(), "@nowhere").connect()


def test_a_class_that_takes_only_an_adapter(make):
    plain = make(**{"class": "lab_supplies.PlainSupply"}, meters={}, outputs=None, errors=None)
    plain.set_levels({"v": 0.75})
    assert plain.read_levels() == {"v": 0.75}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"class": "lab_supplies.Suply"}, "lab_supplies has no class Suply; did you mean 'Supply'"),
        ({"class": "lab_suplies.Supply"}, "the module lab_suplies cannot be imported"),
        ({"arguments": {"start_mode": 1, "adapter": 2}}, "arguments: Supply is made otherwise"),
        ({"sources": {"v": KNOB | {"attribute": "voltag"}}},
         r"sources.v: Supply has no 'voltag'; did you mean 'voltage'"),
        ({"sources": {"v": KNOB | {"attribute": "current"}}}, "current of Supply cannot be set"),
        ({"sources": {"v": KNOB | {"attribute": "bare"}}}, "v: bare of Supply cannot be read"),
        ({"sources": {"v": KNOB | {"attribute": "switch_on"}}}, "switch_on of Supply is a method"),
        ({"sources": {"v": KNOB | {"attribute": "colour"}}}, "colour of Supply is no property"),
        ({"sources": {"v": KNOB | {"attribute": "ch_2.levl"}}},
         "SupplyChannel has no 'levl'; did you mean 'level'"),
        ({"meters": {"i": {"attribute": "mode", "unit": "A"}}}, "mode of Supply cannot be read"),
        ({"setup": {"limits": 1}}, "setup.limits: Supply has no 'limits'; did you mean 'limit'"),
        ({"setup": {"current": 1}}, "setup.current: current of Supply cannot be set"),
        ({"outputs": SWITCH | {"on": "enabled"}}, "enabled of Supply is a property; name a method"),
        ({"outputs": SWITCH | {"off": {"enable": 0}}}, "outputs.off.enable: Supply has no"),
        ({"outputs": SWITCH | {"state": "is_on"}}, "outputs.state: Supply has no 'is_on'"),
        ({"errors": "chek_errors"}, "errors: Supply has no 'chek_errors'; did you mean"),
        ({"trips": ("trip",)}, r"trips.0: Supply has no 'trip'; did you mean 'tripped'"),
    ],
)  # fmt: skip
def test_names_that_the_class_does_not_have(make, keys, told):
    with pytest.raises(ConfigurationError, match=told):
        make(connect=False, **keys)


def test_a_channel_that_only_the_instrument_could_have(make):
    supply = make(connect=False, sources={"v": KNOB | {"attribute": "ch_3.level"}})
    with pytest.raises(ConfigurationError, match=r"sources.v: .*no attribute 'ch_3'"):
        supply.connect()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"sources": {"v": KNOB | {"low": 3}}}, "must be below high"),
        ({"outputs": None, "sources": {"v": KNOB | {"low": 1}}}, "switched off by level 0"),
        ({"sources": {}, "meters": {}}, "neither sources nor meters"),
        ({"class": "Supply"}, "pattern"),
    ],
)
def test_settings_that_make_no_sense(keys, told):
    with pytest.raises(ValueError, match=told):
        settings(**keys)


def test_without_the_library(monkeypatch):
    monkeypatch.setattr("drivers.instruments.foreign.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'pip install "mgd-lab\[pymeasure\]"'):
        DRIVER.build("supply", settings(), "@py")


@pytest.fixture
def stage():
    keys = {"class": "lab_supplies.Stage", "resource": "", "arguments": {"port": "left"}}
    keys |= {"meters": {}, "outputs": None, "errors": None}
    knob = {"attribute": "position", "unit": "mm", "low": 0, "high": 1}
    stage = DRIVER.build("stage", settings(sources={"x": knob}, **keys), None)
    stage.connect()
    return stage


def test_what_is_on_no_visa_link(stage):
    assert stage.identity == {
        "manufacturer": "lab_supplies", "model": "Stage", "serial": "", "firmware": "",
        "resource": "",
    }  # fmt: skip
    stage.set_levels({"x": 0.25})
    assert stage.read_levels() == {"x": 0.25}
    stage.close()


def test_exceptions_of_any_kind(stage):
    with pytest.raises(LinkError, match="OSError: the cable was pulled"):
        stage.set_levels({"x": 0.5})
    stage.connect()
    stage._foreign._made.close()
    with pytest.raises(InstrumentError, match="RuntimeError: the stage is closed"):
        stage.read_levels()


def test_one_exchange_at_a_time(make, core):
    supply = make()
    respond, others = core.respond, []

    def watched(message):
        if not others:
            others.append(threading.Thread(target=supply.measure, args=(1,)))
            others[0].start()
            others[0].join(0.05)
            # It waits for its turn, however long this exchange takes.
            assert others[0].is_alive()
        return respond(message)

    core.respond = watched
    assert supply.measure(1).tolist() == [[0.0015]]
    others[0].join()
    assert core.heard.count("CURR?") == 2


METER = {
    "driver": "pymeasure",
    "class": "pymeasure.instruments.agilent.Agilent34410A",
    "arguments": {"read_termination": "\n", "write_termination": "\n"},
    "meters": {"1": {"attribute": "voltage_dc", "unit": "V"}},
    "errors": "check_errors",
}


# PyMeasure asks its users whether the 34410A speaks SCPI.
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_34410a_of_pymeasure(truevolt):
    settings = DRIVER.settings(resource=RESOURCE, **METER)
    meter = DRIVER.build("dmm", settings, simulated_library({RESOURCE: truevolt}))
    meter.connect()
    meter.configure()
    assert meter.identity["model"] == "34461A"
    assert meter.measure(3).tolist() == [[1.25]] * 3
    truevolt.respond(b"NONSENSE\n")
    assert meter.take_errors() == ["[-113.0, '\"Undefined header\"']"]
    meter.close()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_34410a_over_tcp(truevolt):
    server = SocketServer(truevolt, "127.0.0.1", 0, Occupancy())
    server.start()
    settings = DRIVER.settings(resource=server.resource, timeout_seconds=3, **METER)
    meter = DRIVER.build("dmm", settings, "@py")
    try:
        meter.connect()
        assert meter.measure(2).tolist() == [[1.25]] * 2
        resource = meter._foreign._made.adapter.connection
        assert resource.timeout == 3000
        connection = resource.visalib.sessions[resource.session].interface
        assert connection.getsockopt(6, 1)  # IPPROTO_TCP, TCP_NODELAY
    finally:
        meter.close()
        server.close()
