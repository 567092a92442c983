"""The QDAC-II's driver, byte for byte, and against the simulation."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.instruments.qdac2 import DRIVER
from mgd_lab.chip.instruments import FillsBuffers, Measures, PlaysLists, SetsLevels
from mgd_lab.errors import (
    ConfigurationError,
    IdentityError,
    InstrumentError,
    LimitError,
    LinkError,
)
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keysight_34461a import Keysight34461A
from sim_instruments.bench.qdac2 import INSTRUMENT
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::dac.lab::5025::SOCKET"
IDENTITY = (b"*IDN?\n", b"QDevil, QDAC-II, A001234, 13-1.57\n")
NO_ERROR = (b"SYST:ERR?\n", b'0, "No error"\n')
FIXED = (b"SOUR:VOLT:MODE? (@3,7)\n", b"FIX,FIX\n")
CONFIGURATION = (
    NO_ERROR,
    FIXED,
    (b"SOUR:VOLT:LAST? (@3,7)\n", b"0,0.5\n"),
    (b"SOUR:RANG? (@3,7)\n", b"HIGH,LOW\n"),
    (b"SOUR:RANG LOW,(@3)\n", b""),
    (b"SOUR:FILT MED,(@3,7)\n", b""),
    (b"SOUR:VOLT:SLEW 100,(@3,7)\n", b""),
    (b"SENS:RANG LOW,(@3,7)\n", b""),
    (b"SENS:NPLC 2,(@3,7)\n", b""),
    (b"OUTP:TRIG4:SOUR INT6\n", b""),
    (b"OUTP:TRIG4:WIDT 1e-05\n", b""),
    (b"SOUR:RANG? (@3,7)\n", b"LOW,LOW\n"),
    (b"SOUR:FILT? (@3,7)\n", b"MED,MED\n"),
    (b"SENS:RANG? (@3,7)\n", b"LOW,LOW\n"),
    (b"SOUR:VOLT:SLEW? (@3,7)\n", b"100,100\n"),
    (b"SENS:NPLC? (@3,7)\n", b"2,2\n"),
    (b"OUTP:TRIG4:SOUR?\n", b"INT6\n"),
    NO_ERROR,
)
LOADING = (
    (b"SOUR:DC:ABOR (@3,7);:SOUR:DC:TRIG:SOUR HOLD,(@3,7);:SOUR:VOLT:MODE LIST,(@3,7)\n", b""),
    (b"SOUR3:LIST:VOLT #18\x00\x00\x00\x3f\x00\x00\x80\xbf\n", b""),
    (b"SOUR7:LIST:VOLT #18\x00\x00\x00\x00\x00\x00\x80\x3e\n", b""),
)
LOADED = (b"SOUR:LIST:POIN? (@3,7)\n", b"2,2\n")
BY_ITSELF = (
    b"SOUR:LIST:TMOD AUTO,(@3,7);:SOUR:LIST:DWEL 0.002,(@3,7);:SOUR:DC:DEL 0,(@3,7);"
    b":SOUR:LIST:DIR UP,(@3,7);:SOUR:LIST:COUN 1,(@3,7);:SYST:ERR?\n",
    b'0, "No error"\n',
)
BY_TRIGGERS = (BY_ITSELF[0].replace(b"AUTO", b"STEP").replace(b"0.002", b"2e-06"), BY_ITSELF[1])
ARMED = (
    b"SOUR3:DC:MARK:SST 6;:SOUR:DC:TRIG:SOUR INT5,(@3,7);:SOUR:DC:INIT:CONT OFF,(@3,7);"
    b":SOUR:DC:INIT (@3,7);:SYST:ERR?\n",
    b'0, "No error"\n',
)
ARMED_FOR_TRIGGERS = (
    ARMED[0].replace(b"SST 6", b"SST 0").replace(b"INT5", b"EXT2"),
    ARMED[1],
)
STARTED = (b"TINT 5;:SYST:ERR?\n", b'0, "No error"\n')
LEVELS = {"3": np.array([0.5, -1.0]), "7": np.array([0.0, 0.25])}


def left(answer):
    return (b"SOUR:LIST:NCL? (@3,7)\n", answer)


def settings(**keys):
    given = {
        "resource": RESOURCE, "channels": ("3", "7"), "filter": "med", "timeout_seconds": 0.05,
        "slew_volts_per_second": 100.0, "current_limit_amperes": 1e-7, "current_range": "low",
        "current_nplc": 2.0, "trigger_output": 4, "trigger_input": 2, "internal_triggers": (5, 6),
    }  # fmt: skip
    return DRIVER.settings(driver="qdac2", **(given | keys))


@pytest.fixture
def scripted(lab):
    """A connected driver, and the exchanges that are still expected."""
    scripts = []

    def make(*exchanges, **keys):
        script = lab.Script(IDENTITY, *exchanges)
        scripts.append(script)
        dac = DRIVER.build("dac", settings(**keys), simulated_library({RESOURCE: script}))
        dac.connect()
        return dac

    yield make
    assert [script.exchanges for script in scripts] == [[] for _ in scripts]


def test_what_it_is(scripted):
    dac = scripted()
    assert isinstance(dac, SetsLevels)
    assert isinstance(dac, PlaysLists)
    assert not isinstance(dac, Measures | FillsBuffers)
    assert dac.name == "dac"
    assert dac.identity == {
        "manufacturer": "QDevil", "model": "QDAC-II", "serial": "A001234", "firmware": "13-1.57",
        "resource": RESOURCE,
    }  # fmt: skip
    assert [(c.name, c.direction, c.low, c.high, c.switched) for c in dac.channels] == [
        ("3", "source", -2, 2, False), ("7", "source", -2, 2, False),
    ]  # fmt: skip
    # 14 time constants at 10 kHz, and 4 V at 100 V/s.
    assert dac.times.level == pytest.approx(2.228e-4 + 0.04, rel=1e-3)
    assert (dac.times.list_step, dac.largest_list) == (2e-6, 16384)


def test_configuration(scripted):
    scripted(*CONFIGURATION).configure()


def test_a_configuration_without_slew_and_currents(scripted):
    without = [
        exchange for exchange in CONFIGURATION
        if not (exchange[0].startswith(b"SENS") or b"SLEW?" in exchange[0])
    ]  # fmt: skip
    without = [(a.replace(b"SLEW 100", b"SLEW INF"), b) for a, b in without]
    dac = scripted(*without, slew_volts_per_second=None, current_limit_amperes=None)
    dac.configure()
    assert dac.look_for_trips() == ()
    assert dac.times.level == pytest.approx(2.228e-4, rel=1e-3)


def test_no_range_is_changed_under_a_voltage(scripted):
    found = (*CONFIGURATION[:3], (b"SOUR:RANG? (@3,7)\n", b"LOW,HIGH\n"))
    with pytest.raises(InstrumentError, match=r"channel 7 is at 0\.5 V in another range than low"):
        scripted(*found).configure()


@pytest.mark.parametrize(
    ("at", "answer", "told"),
    [
        (12, b"MED,HIGH\n", r"SOUR:FILT\? is MED, HIGH after it was set to MED"),
        (14, b"100,INF\n", r"SOUR:VOLT:SLEW\? is 100, inf after it was set to 100"),
        (16, b"HOLD\n", r"OUTP:TRIG4:SOUR\? is HOLD after it was set to INT6"),
        (17, b'-114, "Header suffix out of range"\n', "errors after its configuration: -114"),
    ],
)
def test_what_it_does_not_take(scripted, at, answer, told):
    exchanges = [*CONFIGURATION[:at], (CONFIGURATION[at][0], answer)]
    if at == 17:
        exchanges.append(NO_ERROR)
    with pytest.raises(InstrumentError, match=told):
        scripted(*exchanges).configure()


@pytest.mark.parametrize(
    ("identity", "keys", "told"),
    [
        (b"QDevil, QDAC-I, 1, 1.07\n", {}, "model is 'QDAC-I'; this driver is for QDAC-II"),
        (IDENTITY[1], {"identity": {"serial": "X"}}, "serial is 'A001234', expected 'X'"),
        (b"nonsense\n", {}, "model is None"),
    ],
)
def test_another_instrument_is_told_nothing(lab, identity, keys, told):
    script = lab.Script((b"*IDN?\n", identity))
    dac = DRIVER.build("dac", settings(**keys), simulated_library({RESOURCE: script}))
    with pytest.raises(IdentityError, match=told):
        dac.connect()


def test_levels_go_out_in_one_message_and_are_answered(scripted):
    dac = scripted(
        (b"SOUR3:VOLT 0.100000001;:SOUR7:VOLT -2;:SYST:ERR?\n", b'0, "No error"\n'),
        (b"SOUR:VOLT:LAST? (@3,7)\n", b"0.1,-2\n"),
        (b"SOUR3:VOLT 0;:SOUR7:VOLT 0;:SYST:ERR?\n", b'0, "No error"\n'),
        (b"SOUR:VOLT:LAST? (@3,7)\n", b"0,0\n"),
    )
    dac.set_levels({"3": 0.1, "7": -2.0})
    dac.set_levels({})
    assert dac.read_levels() == {"3": 0.1, "7": -2.0}
    dac.switch_outputs(True)
    dac.switch_outputs(False)
    assert not dac.outputs_are_on()


def test_levels_beyond_the_range_are_not_sent(scripted):
    dac = scripted()
    with pytest.raises(LimitError, match=r"channel 3: 2\.5 V is beyond its low range, ±2 V"):
        dac.set_levels({"3": 2.5})
    with pytest.raises(LimitError, match="nan V"):
        dac.set_levels({"3": float("nan")})
    with pytest.raises(LimitError, match="channel 7"):
        dac.load_list({"3": np.zeros(2), "7": np.array([0, -2.1])}, "own", 1e-3)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (b'-222, "Data out of range"\n', LimitError),
        (b'-221, "Settings conflict"\n', InstrumentError),
    ],
)
def test_levels_that_it_refuses(scripted, error, kind):
    dac = scripted((b"SOUR3:VOLT 1;:SYST:ERR?\n", error), NO_ERROR)
    with pytest.raises(kind, match="errors after levels were set: -22"):
        dac.set_levels({"3": 1.0})


def test_currents_are_watched(scripted):
    dac = scripted(
        (b"READ? (@3,7)\n", b"1E-08,-9E-08\n"),
        (b"READ? (@3,7)\n", b"1E-08,-1.1E-07\n"),
        (b"READ? (@3,7)\n", b"nan,0\n"),
    )
    assert dac.look_for_trips() == []
    assert dac.look_for_trips() == ["channel 7: -1.1e-07 A, beyond the limit of 1e-07 A"]
    assert dac.look_for_trips() == ["channel 3: nan A, beyond the limit of 1e-07 A"]


def test_a_list_by_its_own_timer(scripted):
    dac = scripted(
        *LOADING, BY_ITSELF, LOADED, ARMED, left(b"1,1\n"), STARTED,
        left(b"1,1\n"), left(b"1,0\n"), left(b"0,0\n"),
        # The next level leaves the list.
        (b"SOUR:DC:ABOR (@7);:SOUR7:VOLT:MODE FIX;:SOUR7:VOLT 1;:SYST:ERR?\n", NO_ERROR[1]),
        (b"SOUR7:VOLT 1;:SYST:ERR?\n", NO_ERROR[1]),
    )  # fmt: skip
    dac.load_list(LEVELS, "own", 0.002)
    dac.arm_list()
    dac.start_list()
    assert dac.steps_played() == 2
    dac.set_levels({"7": 1.0})
    dac.set_levels({"7": 1.0})


def test_a_list_by_triggers(scripted):
    dac = scripted(
        *LOADING, BY_TRIGGERS, LOADED, ARMED_FOR_TRIGGERS, left(b"1,1\n"), left(b"0,0\n")
    )  # fmt: skip
    dac.load_list(LEVELS, "trigger", 0.002)
    dac.arm_list()
    assert dac.steps_played() == 2


def test_a_list_that_was_found_playing_is_left_for_a_level(scripted):
    playing = [*CONFIGURATION]
    playing[1] = (FIXED[0], b"FIX,LIST\n")
    message = b"SOUR:DC:ABOR (@7);:SOUR3:VOLT 0;:SOUR7:VOLT:MODE FIX;:SOUR7:VOLT 0;:SYST:ERR?\n"
    dac = scripted(*playing, (message, NO_ERROR[1]))
    dac.configure()
    dac.switch_outputs(False)


def test_a_list_of_other_length_than_was_loaded(scripted):
    dac = scripted(*LOADING, BY_ITSELF, (LOADED[0], b"2,1\n"))
    with pytest.raises(InstrumentError, match=r"of 2 points was loaded; LIST:POIN\? says 2, 1"):
        dac.load_list(LEVELS, "own", 0.002)


def test_a_list_that_is_refused(scripted):
    dac = scripted(*LOADING, (BY_ITSELF[0], b'-222, "Data out of range"\n'), NO_ERROR)
    with pytest.raises(LimitError, match="errors after a list was loaded"):
        dac.load_list(LEVELS, "own", 0.002)


def test_a_list_that_does_not_wait(scripted):
    dac = scripted(*LOADING, BY_ITSELF, LOADED, ARMED, left(b"1,0\n"))
    dac.load_list(LEVELS, "own", 0.002)
    with pytest.raises(InstrumentError, match="does not wait for its one cycle"):
        dac.arm_list()


@pytest.mark.parametrize(
    ("levels", "dwell", "told"),
    [
        ({"3": np.zeros(16385)}, 1e-3, r"lists of \[16385\] points"),
        ({"3": np.zeros(2), "7": np.zeros(3)}, 1e-3, r"lists of \[2, 3\] points"),
        ({"3": np.zeros(2)}, 1e-6, "a dwell of 1e-06 s"),
        ({"3": np.zeros(2)}, 7200, "a dwell of 7200 s"),
    ],
)
def test_lists_that_it_cannot_play(scripted, levels, dwell, told):
    with pytest.raises(ConfigurationError, match=told):
        scripted().load_list(levels, "own", dwell)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"channels": ("25",)}, "no channel '25'"),
        ({"channels": ("1", "1")}, "channel 1 is named twice"),
        ({"channels": ()}, "at least 1"),
        ({"current_limit_amperes": 2e-7}, "cannot be seen in the sensors' low range"),
        ({"internal_triggers": (3, 3)}, "two different numbers"),
        ({"internal_triggers": (0, 3)}, "two different numbers"),
        ({"range": "middle"}, "'low' or 'high'"),
    ],
)
def test_settings_that_it_does_not_have(keys, told):
    with pytest.raises(ValueError, match=told):
        settings(**keys)


class Bench:
    """The driver and the simulation, a multimeter on channel 7, and something that triggers."""

    def __init__(self, **keys):
        given = {"filter": "high", "slew_volts_per_second": None}
        own = settings(**(given | keys))
        cables = (Cable(("dac", "trig4"), ("dmm", "ext_trig")), Cable(("awg", ""), ("dac", "ext2")))
        self.world = World(None, Wiring((), (), cables), VirtualClock(), noise=0)
        self.core = INSTRUMENT.build("dac", own, self.world.plug("dac"))
        self.dac = DRIVER.build("dac", own, simulated_library({RESOURCE: self.core}))
        self.dac.connect()
        self.core.respond(b"SOUR:RANG LOW,(@3,7)\n")
        self.dac.configure()
        self.meter = Keysight34461A(self.world.plug("dmm"))
        self.meter.respond(b"CONF:VOLT:DC 10;:VOLT:NPLC 0.02;ZERO:AUTO OFF\n")
        self.meter.respond(b"TRIG:SOUR EXT;COUN 100;DEL 0;:INIT\n")

    def level(self, channel):
        return self.world.level("dac", channel)

    @property
    def readings(self):
        return int(self.meter.respond(b"DATA:POIN?\n"))


def test_levels_in_simulation():
    bench = Bench()
    bench.dac.set_levels({"3": 0.1, "7": -1.0})
    assert bench.dac.outputs_are_on()
    assert (bench.level("3"), bench.level("7")) == (float(np.float32(0.1)), -1.0)
    assert bench.dac.read_levels() == pytest.approx({"3": 0.1, "7": -1.0}, abs=1e-8)
    assert bench.dac.take_errors() == []
    bench.dac.switch_outputs(False)
    assert not bench.dac.outputs_are_on()
    assert {bench.level(str(n)) for n in range(1, 25)} == {0.0}
    bench.dac.close()


def test_a_list_in_simulation_steps_by_itself_with_a_marker_at_each_step():
    bench = Bench()
    ramp = np.linspace(-1, 1, 20)
    for _ in range(2):
        bench.meter.respond(b"ABOR;:INIT\n")
        bench.dac.load_list({"3": ramp, "7": -ramp}, "own", 0.002)
        bench.dac.arm_list()
        before = bench.level("3")
        bench.world.clock.spend(0.1)
        assert bench.level("3") == before
        bench.dac.start_list()
        bench.world.clock.spend(0.003)
        assert bench.level("3") == np.float32(ramp[1])
        bench.world.clock.spend(0.1)
        assert bench.dac.steps_played() == 20
        assert bench.readings == 20
    # A list and a command give the same level.
    played = bench.level("3"), bench.level("7")
    bench.dac.set_levels({"3": ramp[-1], "7": -ramp[-1]})
    assert (bench.level("3"), bench.level("7")) == played
    assert bench.dac.take_errors() == []


def test_a_follower_in_simulation():
    bench = Bench()
    ramp = np.linspace(-1, 1, 20)
    bench.dac.load_list({"3": ramp, "7": -ramp}, "trigger", 0.002)
    bench.dac.arm_list()
    for wanted in ramp:
        bench.world.pulse(("awg", "sync"))
        assert bench.level("3") == np.float32(wanted)
        bench.world.clock.spend(0.002)
    assert bench.dac.steps_played() == 20
    assert bench.readings == 0


def test_a_missed_trigger_is_noticed():
    bench = Bench()
    bench.dac.load_list({"3": np.zeros(5)}, "trigger", 0.002)
    bench.dac.arm_list()
    for _ in range(4):
        bench.world.pulse(("awg", "sync"))
        bench.world.clock.spend(0.002)
    assert bench.dac.steps_played() == 0


def test_faults_in_simulation():
    bench = Bench()
    bench.dac.set_levels({"7": 1.5})
    assert bench.dac.look_for_trips() == [
        "channel 7: 2e-07 A, beyond the limit of 1e-07 A"
    ]  # 1 MΩ and the end of the sensor's range
    bench.core.respond(b"SOUR3:VOLT 3;:SOUR:SINE:FREQ 5\n")
    assert bench.dac.take_errors() == ['-222, "Data out of range"', '-113, "Undefined header"']
    bench.core.respond = lambda message: b""
    with pytest.raises(LinkError):
        bench.dac.set_levels({"7": 0.0})
