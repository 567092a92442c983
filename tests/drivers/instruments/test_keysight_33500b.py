"""The waveform generator's driver, byte for byte, and against the simulation."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.instruments.keysight_33500b import DRIVER
from drivers.instruments.trueform_waveform import waveform
from mgd_lab.chip.instruments import FillsBuffers, Measures, PlaysLists, SetsLevels
from mgd_lab.errors import ConfigurationError, IdentityError, InstrumentError, LimitError
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keysight_33500b import INSTRUMENT
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::awg.lab::5025::SOCKET"
IDENTITY = (b"*IDN?\n", b"Agilent Technologies,33512B,MY57600123,2.03-1.19-2.00-52-00\n")
NO_ERROR = (b"SYST:ERR?\n", b'+0,"No error"\n')
OK = NO_ERROR[1]


def configuration(is_on=False, function=b"DC"):
    rest = () if is_on else (
        (b"SOUR2:BURS:STAT OFF\n", b""),
        (b"SOUR2:FUNC DC\n", b""),
        (b"SOUR2:VOLT:OFFS 0\n", b""),
    )  # fmt: skip
    return [
        NO_ERROR,
        (b"OUTP2?\n", b"1\n" if is_on else b"0\n"),
        (b"OUTP2:LOAD 50\n", b""),
        (b"SOUR2:VOLT:LIM:STAT OFF\n", b""),
        *rest,
        (b"SOUR2:VOLT:LIM:HIGH 2\n", b""),
        (b"SOUR2:VOLT:LIM:LOW -0.5\n", b""),
        (b"SOUR2:VOLT:LIM:STAT ON\n", b""),
        (b"TRIG2:SLOP NEG\n", b""),
        (b"FORM:BORD NORM\n", b""),
        NO_ERROR,
        (b"OUTP2:LOAD?\n", b"+5.00000000000000E+01\n"),
        (b"SOUR2:VOLT:LIM:HIGH?\n", b"+2.00000000000000E+00\n"),
        (b"SOUR2:VOLT:LIM:LOW?\n", b"-5.00000000000000E-01\n"),
        (b"SOUR2:VOLT:LIM:STAT?\n", b"1\n"),
        (b"SOUR2:FUNC?\n", function + b"\n"),
    ]  # fmt: skip


# Levels 0.5, 1, 0 and 0.25 V: codes 0, 32767, -32767, -16384 (of -16383.5), and the last repeated.
BLOCK = b"#216\x00\x00\x7f\xff\x80\x01\xc0\x00\xc0\x00\xc0\x00\xc0\x00\xc0\x00"
LEVELS = {"2": np.array([0.5, 1.0, 0.0, 0.25])}
LOADING = (
    (b"SOUR2:DATA:VOL:CLE\n", b""),
    (b"SOUR2:DATA:ARB:DAC MGD2," + BLOCK + b"\n", b""),
    NO_ERROR,
)
BY_TRIGGERS = (
    b"TRIG2:SOUR EXT;:TRIG2:SLOP NEG;:SOUR2:FUNC:ARB MGD2;:SOUR2:FUNC:ARB:FILT OFF;"
    b":SOUR2:BURS:STAT OFF;:SOUR2:FUNC:ARB:ADV TRIG;:SOUR2:VOLT:OFFS 0.5;:SOUR2:FUNC:ARB:PTP 1;"
    b":SOUR2:FUNC ARB;:SYST:ERR?\n",
    OK,
)
BY_ITSELF = (
    b"TRIG2:SOUR BUS;:TRIG2:SLOP NEG;:SOUR2:FUNC:ARB MGD2;:SOUR2:FUNC:ARB:FILT OFF;"
    b":SOUR2:FUNC:ARB:ADV SRAT;:SOUR2:FUNC:ARB:SRAT 500;:SOUR2:BURS:MODE TRIG;:SOUR2:BURS:NCYC 1;"
    b":SOUR2:VOLT:OFFS 0.5;:SOUR2:FUNC:ARB:PTP 1;:SOUR2:FUNC ARB;:SOUR2:BURS:STAT ON;:SYST:ERR?\n",
    OK,
)
ARMED = (
    (b"SOUR2:VOLT:OFFS?\n", b"+5.00000000000000E-01\n"),
    (b"SOUR2:FUNC:ARB:PTP?\n", b"+1.00000000000000E+00\n"),
)
STANDING = b"SOUR2:FUNC?;:SOUR2:FUNC:ARB:ADV?;:TRIG2:SOUR?\n"
LEFT = (b"SOUR2:BURS:STAT OFF;:SOUR2:FUNC DC;:SOUR2:VOLT:OFFS 0.25;:SYST:ERR?\n", OK)


def settings(**keys):
    given = {
        "resource": RESOURCE, "channels": ("2",), "low": -0.5, "high": 2.0, "load_ohms": 50.0,
        "trigger_slope": "negative", "timeout_seconds": 0.05,
    }  # fmt: skip
    return DRIVER.settings(driver="keysight_33500b", **(given | keys))


@pytest.fixture
def scripted(lab):
    """A connected driver, and the exchanges that are still expected."""
    scripts = []

    def make(*exchanges, **keys):
        script = lab.Script(IDENTITY, *exchanges)
        scripts.append(script)
        awg = DRIVER.build("awg", settings(**keys), simulated_library({RESOURCE: script}))
        awg.connect()
        return awg

    yield make
    assert [script.exchanges for script in scripts] == [[] for _ in scripts]


def test_what_it_is(scripted):
    awg = scripted()
    assert isinstance(awg, SetsLevels)
    assert isinstance(awg, PlaysLists)
    assert not isinstance(awg, Measures | FillsBuffers)
    assert awg.name == "awg"
    assert awg.identity["serial"] == "MY57600123"
    assert [(c.name, c.unit, c.low, c.high) for c in awg.channels] == [("2", "V", -0.5, 2.0)]
    assert awg.times.list_step == 1e-6
    assert awg.largest_list == 1_000_000


def test_configuration_of_a_channel_that_is_off(scripted):
    scripted(*configuration()).configure()


def test_one_that_is_on_stays_as_it_is(scripted):
    left = b"SOUR2:BURS:STAT OFF;:SOUR2:FUNC DC;:SOUR2:VOLT:OFFS 1;:SYST:ERR?\n"
    awg = scripted(*configuration(is_on=True, function=b"ARB"), (left, OK))
    awg.configure()
    awg.set_levels({"2": 1.0})


@pytest.mark.parametrize(
    ("at", "answer", "told"),
    [
        (13, b"+9.90000000000000E+37\n", r"OUTP2:LOAD\? is 9\.9e\+37 after it was set to 50"),
        (14, b"+5.00000000000000E+00\n", r"LIM:HIGH\? is 5 after it was set to 2"),
        (16, b"0\n", r"LIM:STAT\? is 0 after it was set to 1"),
    ],
)
def test_what_it_does_not_take(scripted, at, answer, told):
    exchanges = configuration()
    exchanges[at:] = [(exchanges[at][0], answer)]
    with pytest.raises(InstrumentError, match=told):
        scripted(*exchanges).configure()


def test_a_level_that_is_found_beyond_the_limits(scripted):
    exchanges = configuration(is_on=True)[:9]
    error = (b"SYST:ERR?\n", b'-221,"Settings conflict; amplitude has been adjusted"\n')
    with pytest.raises(LimitError, match="errors after its configuration: -221"):
        scripted(*exchanges, error, NO_ERROR).configure()


@pytest.mark.parametrize(
    ("identity", "keys", "told"),
    [
        (b"Agilent Technologies,33522B,1,1\n", {}, "model is '33522B'; this driver is for 33512B"),
        (IDENTITY[1], {"identity": {"serial": "X"}}, "serial is 'MY57600123', expected 'X'"),
    ],
)
def test_another_instrument_is_told_nothing(lab, identity, keys, told):
    script = lab.Script((b"*IDN?\n", identity))
    awg = DRIVER.build("awg", settings(**keys), simulated_library({RESOURCE: script}))
    with pytest.raises(IdentityError, match=told):
        awg.connect()


def test_levels_and_outputs(scripted):
    awg = scripted(
        *configuration(),
        (b"SOUR2:VOLT:OFFS 0.1;:SYST:ERR?\n", OK),
        (b"SOUR2:VOLT:OFFS?\n", b"+1.00000000000000E-01\n"),
        (b"OUTP2 ON;:SYST:ERR?\n", OK),
        (b"OUTP2?\n", b"1\n"),
        (b"OUTP2?\n", b"1\n"),
        (b"OUTP2?\n", b"0\n"),
        (b"OUTP2 OFF;:SYST:ERR?\n", OK),
        (b"OUTP2?\n", b"0\n"),
    )
    awg.configure()
    awg.set_levels({"2": 0.1})
    awg.set_levels({})
    assert awg.read_levels() == {"2": 0.1}
    assert awg.look_for_trips() == ()
    awg.switch_outputs(True)
    assert awg.outputs_are_on()
    assert awg.look_for_trips() == []
    assert awg.look_for_trips() == ["channel 2 has switched its output off"]
    awg.switch_outputs(False)
    assert not awg.outputs_are_on()


@pytest.mark.parametrize("code", [b"-221", b"-222"])
def test_levels_that_it_refuses(scripted, code):
    awg = scripted(
        *configuration(),
        (b"SOUR2:VOLT:OFFS 1;:SYST:ERR?\n", code + b',"Settings conflict"\n'),
        NO_ERROR,
    )
    awg.configure()
    with pytest.raises(LimitError, match="errors after levels were set"):
        awg.set_levels({"2": 1.0})


def test_levels_beyond_the_limits_are_not_sent(scripted):
    awg = scripted()
    with pytest.raises(LimitError, match=r"channel 2: 2\.1 V is beyond its limits, -0\.5 to 2 V"):
        awg.set_levels({"2": 2.1})
    with pytest.raises(LimitError, match=r"-0\.6 V"):
        awg.load_list({"2": np.array([0, -0.6])}, "trigger", 1e-3)


def test_a_list_by_triggers(scripted):
    awg = scripted(*LOADING, BY_TRIGGERS, *ARMED, (STANDING, b"ARB;TRIG;EXT\n"), LEFT)
    awg.load_list(LEVELS, "trigger", 0.002)
    awg.arm_list()
    assert awg.steps_played() == 4


def test_a_list_by_its_own_timer(scripted):
    awg = scripted(
        *LOADING, BY_ITSELF, *ARMED, (b"*TRG;:SYST:ERR?\n", OK), (b"*OPC?\n", b"1\n"),
        (STANDING, b"ARB;SRAT;BUS\n"), LEFT,
    )  # fmt: skip
    awg.load_list(LEVELS, "own", 0.002)
    awg.arm_list()
    awg.start_list()
    assert awg.steps_played() == 4


def test_a_generator_that_somebody_has_set_otherwise_has_played_nothing(scripted):
    awg = scripted(*LOADING, BY_TRIGGERS, *ARMED, (STANDING, b"SIN;TRIG;EXT\n"), LEFT)
    awg.load_list(LEVELS, "trigger", 0.002)
    awg.arm_list()
    assert awg.steps_played() == 0


def test_a_level_that_does_not_change_is_no_waveform(scripted):
    left = b"SOUR2:BURS:STAT OFF;:SOUR2:FUNC DC;:SOUR2:VOLT:OFFS 0.5;:SYST:ERR?\n"
    again = b"SOUR2:VOLT:OFFS 0.5;:SYST:ERR?\n"
    awg = scripted((left, OK), NO_ERROR, (again, OK))
    awg.load_list({"2": np.full(9, 0.5)}, "trigger", 0.002)
    awg.arm_list()
    assert awg.steps_played() == 9


def test_a_waveform_that_is_cut(scripted):
    awg = scripted(*LOADING, BY_TRIGGERS, ARMED[0], (ARMED[1][0], b"+9.00000000000000E-01\n"))
    awg.load_list(LEVELS, "trigger", 0.002)
    with pytest.raises(InstrumentError, match=r"PTP\? is 0.9 V, not 1 V"):
        awg.arm_list()


@pytest.mark.parametrize(
    ("levels", "dwell", "told"),
    [
        ({"2": np.zeros(1_000_001)}, 1e-3, r"lists of \[1000001\] points"),
        ({"2": np.zeros(2)}, 1e-7, "a dwell of 1e-07 s"),
        ({"2": np.array([0, 0.001])}, 1e-3, "the smallest waveform has 0.002 V"),
    ],
)
def test_lists_that_it_cannot_play(scripted, levels, dwell, told):
    with pytest.raises(ConfigurationError, match=told):
        scripted().load_list(levels, "trigger", dwell)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"model": "33509B"}, "33511B"),
        ({"model": "33511B"}, "the 33511B has no channel '2'"),
        ({"channels": ("1", "1")}, "channel 1 is named twice"),
        ({"low": 3.0}, "must be below high"),
        ({"high": 6.0}, r"6 V is beyond ±5 V at this load"),
        ({"high": 11.0, "load_ohms": None}, r"11 V is beyond ±10 V at this load"),
    ],
)
def test_settings_that_it_does_not_have(keys, told):
    with pytest.raises(ValueError, match=told):
        settings(**keys)


@pytest.mark.parametrize("count", [2, 9, 100])
def test_how_exact_a_waveform_is(count):
    levels = np.random.default_rng(count).uniform(-0.3, 1.7, count)
    made = waveform(levels)
    codes = np.frombuffer(made.block, ">i2").astype(float)
    assert len(codes) == max(8, count)
    assert (codes.min(), codes.max()) == (-32767, 32767)
    played = made.offset + made.span / 2 * codes[:count] / 32767
    assert np.abs(played - levels).max() <= made.span / 131068 * (1 + 1e-9)
    assert np.abs(played - levels)[[levels.argmin(), levels.argmax()]].max() < 1e-15


class Bench:
    """The driver and the simulation, and something that triggers."""

    def __init__(self, **keys):
        own = settings(**({"channels": ("1", "2"), "load_ohms": None} | keys))
        cables = (Cable(("dac", ""), ("awg", "ext_trig")),)
        self.world = World(None, Wiring((), (), cables), VirtualClock(), noise=0)
        self.core = INSTRUMENT.build("awg", own, self.world.plug("awg"))
        self.awg = DRIVER.build("awg", own, simulated_library({RESOURCE: self.core}))
        self.awg.connect()
        self.awg.configure()

    @property
    def levels(self):
        return self.world.level("awg", "1"), self.world.level("awg", "2")

    def trigger(self):
        self.world.pulse(("dac", "marker"))


def test_levels_in_simulation():
    bench = Bench(low=0.5)
    assert bench.awg.read_levels() == {"1": 0.5, "2": 0.5}
    bench.awg.set_levels({"1": 1.25, "2": 2.0})
    assert bench.levels == (None, None)
    bench.awg.switch_outputs(True)
    assert bench.levels == (1.25, 2.0)
    assert bench.awg.outputs_are_on()
    assert bench.awg.look_for_trips() == []
    bench.awg.switch_outputs(False)
    assert bench.levels == (None, None)
    assert bench.awg.take_errors() == []
    bench.awg.close()


def test_a_load_that_is_not_there_doubles_the_voltage():
    bench = Bench(load_ohms=50.0)
    bench.awg.set_levels({"1": 1.0, "2": 0.0})
    bench.awg.switch_outputs(True)
    assert bench.levels == (2.0, 0.0)


def test_lists_by_triggers_in_simulation():
    bench = Bench()
    bench.awg.switch_outputs(True)
    bits = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    for _ in range(2):
        bench.awg.load_list({"1": bits, "2": np.full(5, 0.75)}, "trigger", 0.001)
        bench.awg.arm_list()
        for bit in bits:
            bench.trigger()
            assert bench.levels == (bit, 0.75)
        assert bench.awg.steps_played() == 5
        assert bench.levels == (1.0, 0.75)
        assert bench.awg.read_levels() == {"1": 1.0, "2": 0.75}
    assert bench.awg.take_errors() == []


def test_a_list_by_itself_in_simulation():
    bench = Bench()
    bench.awg.switch_outputs(True)
    ramp = np.linspace(-0.5, 2.0, 11)
    bench.awg.load_list({"1": ramp, "2": ramp[::-1].copy()}, "own", 0.01)
    bench.awg.arm_list()
    bench.awg.start_list()
    for k in range(11):
        bench.world.clock.spend(0.005)
        assert bench.levels == pytest.approx((ramp[k], ramp[10 - k]), abs=2e-5)
        bench.world.clock.spend(0.005)
    started = bench.world.clock.now()
    assert bench.awg.steps_played() == 11
    assert bench.levels == (2.0, -0.5)
    assert bench.world.clock.now() == started


def test_faults_in_simulation():
    bench = Bench()
    bench.awg.switch_outputs(True)
    bench.core.respond(b"SOUR1:VOLT:OFFS 3\n")
    bench.core.respond(b"SOUR1:FREQ:MODE SWE\n")
    assert bench.awg.take_errors() == ['-221,"Settings conflict"', '-113,"Undefined header"']
    assert bench.awg.read_levels()["1"] == 2.0
    bench.core.respond(b"OUTP2 OFF\n")
    assert bench.awg.look_for_trips() == ["channel 2 has switched its output off"]
    assert bench.awg.look_for_trips() == []
