"""The 2450's driver, byte for byte, and against the simulation."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from drivers.instruments.keithley_2450 import DRIVER
from mgd_lab.chip.instruments import FillsBuffers, Measures, PlaysLists, SetsLevels
from mgd_lab.errors import (
    ConfigurationError,
    IdentityError,
    InstrumentError,
    LimitError,
    LinkError,
    MeasurementError,
)
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keithley_2450 import INSTRUMENT
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::smu.lab::5025::SOCKET"
IDENTITY = b"KEITHLEY INSTRUMENTS,MODEL 2450,04096331,1.7.12b\n"
OPENING = ((b"*IDN?\n", IDENTITY), (b"*LANG?\n", b"SCPI\n"))
NO_ERROR = (b"SYST:ERR?\n", b'0,"No error;0;0 0"\n')
COMMANDS = (
    b'SENS:FUNC "CURR"\n',
    b"SENS:CURR:RANG:AUTO ON\n",
    b"SOUR:VOLT:ILIM 0.0015\n",
    b"SOUR:VOLT:RANG 2\n",
    b"SENS:CURR:RANG 0.01\n",
    b"SENS:CURR:NPLC 0.1\n",
    b"SENS:CURR:AVER OFF\n",
    b"SENS:CURR:AZER OFF\n",
    b"SENS:AZER:ONCE\n",
    b"OUTP:VOLT:SMOD HIMP\n",
    b"SOUR:VOLT:DEL 0\n",
    b"SOUR:VOLT:READ:BACK OFF\n",
    b"FORM REAL\n",
    b"FORM:BORD SWAP\n",
    b"DIG:LINE1:MODE TRIG,IN\n",
    b"TRIG:DIG1:IN:EDGE FALL\n",
    b"DIG:LINE2:MODE TRIG,OUT\n",
    b"TRIG:DIG2:OUT:LOG NEG\n",
    b"TRIG:DIG2:OUT:STIM NOT1\n",
)
READ_BACK = (
    (b"SOUR:VOLT:ILIM?\n", b"1.500000E-03\n"),
    (b"SOUR:VOLT:RANG?\n", b"2.000000E+00\n"),
    (b"SENS:CURR:RANG?\n", b"1.000000E-02\n"),
    (b"SENS:CURR:NPLC?\n", b"1.000000E-01\n"),
    (b"SENS:CURR:RSEN?\n", b"1\n"),
    (b"SYST:LFR?\n", b"50\n"),
)
CONFIGURATION = (
    NO_ERROR,
    (b"ABOR\n", b""),
    (b"OUTP?\n", b"0\n"),
    (b"SOUR:FUNC?\n", b"VOLT\n"),
    (b"ROUT:TERM?\n", b"FRON\n"),
    (b"SENS:CURR:RSEN?\n", b"0\n"),
    (b"SENS:CURR:RSEN 1\n", b""),
    *((command, b"") for command in COMMANDS),
    *READ_BACK,
    NO_ERROR,
)
ON = (b"OUTP ON;:SYST:ERR?\n", b'0,"No error;0;0 0"\n')
ONCE = (b"SENS:COUN 1\n", b"")


def settings(**keys):
    given = {
        "resource": RESOURCE, "source_range": 2.0, "compliance": 1.5e-3, "nplc": 0.1,
        "four_wire": True, "output_off": "high_impedance",
    }  # fmt: skip
    return DRIVER.settings(driver="keithley_2450", **(given | keys))


def record(*numbers):
    return b"#0" + struct.pack(f"<{len(numbers)}d", *numbers) + b"\n"


def told(*commands):
    return tuple((command.encode() + b"\n", b"") for command in commands)


@pytest.fixture
def scripted(lab):
    """A connected driver, and the exchanges that are still expected."""
    scripts = []

    def make(*exchanges, **keys):
        script = lab.Script(*OPENING, *exchanges)
        scripts.append(script)
        smu = DRIVER.build("smu", settings(**keys), simulated_library({RESOURCE: script}))
        smu.connect()
        return smu

    yield make
    assert [script.exchanges for script in scripts] == [[] for _ in scripts]


@pytest.fixture
def on(scripted):
    """The same with its output on."""

    def make(*exchanges, **keys):
        smu = scripted(ON, *exchanges, **keys)
        smu.switch_outputs(True)
        return smu

    return make


def test_what_it_is(scripted):
    smu = scripted()
    for protocol in (SetsLevels, Measures, PlaysLists, FillsBuffers):
        assert isinstance(smu, protocol)
    assert smu.name == "smu"
    assert smu.identity == {
        "manufacturer": "KEITHLEY INSTRUMENTS", "model": "MODEL 2450", "serial": "04096331",
        "firmware": "1.7.12b", "resource": RESOURCE,
    }  # fmt: skip
    source, meter = smu.channels
    assert (source.name, source.direction, source.unit, source.high) == ("1", "source", "V", 2.1)
    assert (meter.name, meter.unit, meter.high) == ("sense", "A", pytest.approx(0.0105))
    assert smu.times.reading == pytest.approx(0.002 + 1 / 3130 - 0.01 / 60)
    assert (smu.largest_list, smu.largest_buffer) == (2500, 100_000)


def test_configuration(scripted):
    scripted(*CONFIGURATION).configure()


def test_sourcing_current(scripted):
    commands = [
        command.replace(b"CURR", b"*").replace(b":VOLT", b":CURR").replace(b"*", b"VOLT")
        for command in COMMANDS
    ]
    commands[2:5] = [b"SOUR:CURR:VLIM 1.5\n", b"SOUR:CURR:RANG 0.001\n", b"SENS:VOLT:RANG 2\n"]
    commands[7:10] = [b"SENS:VOLT:AZER ON\n", b"OUTP:CURR:SMOD NORM\n"]
    scripted(
        NO_ERROR, (b"ABOR\n", b""), (b"OUTP?\n", b"0\n"),
        (b"SOUR:FUNC?\n", b"VOLT\n"), (b"SOUR:FUNC CURR\n", b""),
        (b"ROUT:TERM?\n", b"FRON\n"), (b"ROUT:TERM REAR\n", b""),
        (b"SENS:VOLT:RSEN?\n", b"1\n"),
        *((command, b"") for command in commands),
        (b"SOUR:CURR:VLIM?\n", b"1.500000E+00\n"),
        (b"SOUR:CURR:RANG?\n", b"1.000000E-03\n"),
        (b"SENS:VOLT:RANG?\n", b"2.000000E+00\n"),
        (b"SENS:VOLT:NPLC?\n", b"1.000000E-01\n"),
        (b"SENS:VOLT:RSEN?\n", b"1\n"),
        (b"SYST:LFR?\n", b"50\n"),
        NO_ERROR,
        source="current", source_range=1e-3, compliance=1.5, terminals="rear",
        autozero=True, output_off="normal",
    ).configure()  # fmt: skip


@pytest.mark.parametrize(
    ("k", "answer", "words"),
    [
        (0, b"1.050000E-04\n", r"SOUR:VOLT:ILIM\? is 0.000105 after it was set to 0.0015"),
        (1, b"2.000000E+01\n", r"SOUR:VOLT:RANG\? is 20 after it was set to 2"),
        (5, b"60\n", "give it as line_frequency_hertz"),
    ],
)
def test_what_is_not_as_it_was_set(scripted, k, answer, words):
    until = CONFIGURATION[: -len(READ_BACK) - 1] + READ_BACK[:k]
    with pytest.raises(InstrumentError, match=words):
        scripted(*until, (READ_BACK[k][0], answer)).configure()


def test_an_output_that_is_on_is_not_switched_off(scripted):
    exchanges = [*CONFIGURATION[:2], (b"OUTP?\n", b"1\n"), (b"SOUR:FUNC?\n", b"CURR\n")]
    with pytest.raises(InstrumentError, match=r"output is on, and SOUR:FUNC\? is CURR"):
        scripted(*exchanges).configure()


@pytest.mark.parametrize(
    ("identity", "keys", "words"),
    [
        (b"KEITHLEY INSTRUMENTS,MODEL 2460,1,1\n", {}, "model is 'MODEL 2460'"),
        (IDENTITY, {"identity": {"serial": "X"}}, "serial is '04096331', expected 'X'"),
    ],
)
def test_another_instrument_is_told_nothing(lab, identity, keys, words):
    script = lab.Script((b"*IDN?\n", identity))
    smu = DRIVER.build("smu", settings(**keys), simulated_library({RESOURCE: script}))
    with pytest.raises(IdentityError, match=words):
        smu.connect()


def test_another_command_set(lab):
    script = lab.Script(OPENING[0], (b"*LANG?\n", b"TSP\n"))
    smu = DRIVER.build("smu", settings(), simulated_library({RESOURCE: script}))
    with pytest.raises(InstrumentError, match=r"its command set is TSP\. Choose SCPI"):
        smu.connect()


def test_levels(scripted):
    smu = scripted(
        (b"SOUR:VOLT 1.25;:SYST:ERR?\n", b'0,"No error;0;0 0"\n'),
        (b"SOUR:VOLT?\n", b"1.250000E+00\n"),
        (b"SOUR:VOLT 3;:SYST:ERR?\n", b'-222,"Parameter data out of range;1;2024/01/01 00:00"\n'),
        NO_ERROR,
    )
    smu.set_levels({"1": 1.25})
    assert smu.read_levels() == {"1": 1.25}
    with pytest.raises(LimitError, match="errors after setting 3: -222"):
        smu.set_levels({"1": 3.0})


def test_compliance_at_the_level_that_stood(on):
    look = b"SOUR:VOLT:ILIM:TRIP?;:OUTP?\n"
    setting = b"SOUR:VOLT:ILIM:TRIP?;:SOUR:VOLT %s;:SYST:ERR?\n"
    none = b';0,"No error;0;0 0"\n'
    smu = on(
        (setting % b"1.25", b"0" + none),
        (look, b"0;1\n"),
        (setting % b"0.5", b"1" + none),
        (setting % b"1", b"0" + none),
        (look, b"0;1\n"),
        (look, b"0;1\n"),
        (setting % b"0", b"1" + none),
        ON,
        (look, b"0;1\n"),
        (setting % b"1", b"2" + none),
    )
    smu.set_levels({"1": 1.25})
    assert smu.look_for_trips() == []
    smu.set_levels({"1": 0.5})
    smu.set_levels({"1": 1.0})
    assert smu.look_for_trips() == ["its output was in compliance at 0.0015 A since the last look"]
    assert smu.look_for_trips() == []
    smu.set_levels({"1": 0.0})
    smu.switch_outputs(True)
    assert smu.look_for_trips() == []
    with pytest.raises(InstrumentError, match="told '2' of its compliance"):
        smu.set_levels({"1": 1.0})


def test_a_level_that_is_refused_while_on(on):
    setting = b"SOUR:VOLT:ILIM:TRIP?;:SOUR:VOLT %s;:SYST:ERR?\n"
    smu = on(
        (setting % b"3", b'0;-222,"Parameter data out of range;1;2024/01/01 00:00"\n'),
        NO_ERROR,
        # A command error ends a message: its last query is not answered.
        (setting % b"1", b"0\n"),
        (b"SYST:ERR?\n", b'-113,"Undefined header;1;2024/01/01 00:00"\n'),
        NO_ERROR,
    )
    with pytest.raises(LimitError, match="errors after setting 3: -222"):
        smu.set_levels({"1": 3.0})
    with pytest.raises(InstrumentError, match="errors after setting 1: -113"):
        smu.set_levels({"1": 1.0})


def test_outputs(scripted):
    trip = b"SOUR:VOLT:ILIM:TRIP?;:OUTP?\n"
    smu = scripted(
        ON, (b"OUTP?\n", b"1\n"), (trip, b"0;1\n"), (trip, b"1;1\n"), (trip, b"0;0\n"),
        (b"OUTP OFF;:SYST:ERR?\n", b'0,"No error;0;0 0"\n'), (trip, b"0;0\n"), (trip, b"?\n"),
    )  # fmt: skip
    smu.switch_outputs(True)
    assert smu.outputs_are_on()
    assert smu.look_for_trips() == []
    assert smu.look_for_trips() == ["its output is in compliance at 0.0015 A"]
    assert smu.look_for_trips() == ["its output went off by itself"]
    smu.switch_outputs(False)
    assert smu.look_for_trips() == []
    with pytest.raises(InstrumentError, match="of its compliance"):
        smu.look_for_trips()


def test_measuring(on):
    smu = on(
        ONCE,
        (b'READ? "defbuffer1",READ\n', record(1.25e-3)),
        *told("SENS:COUN 2", 'TRAC:CLE "defbuffer1"', 'TRAC:TRIG "defbuffer1"'),
        (b'TRAC:DATA? 1,2,"defbuffer1",READ\n', record(1e-3, -2e-3)),
    )
    assert smu.measure(1).tolist() == [[1.25e-3]]
    assert smu.measure(2).tolist() == [[1e-3], [-2e-3]]


@pytest.mark.parametrize("number", [9.9e37, -9.9e37, 9.91e37, np.nan])
def test_overflow(on, number):
    smu = on(ONCE, (b'READ? "defbuffer1",READ\n', record(number)))
    with pytest.raises(MeasurementError, match="reading 0 of its meter"):
        smu.measure(1)


def test_measuring_needs_the_output(scripted):
    smu = scripted()
    for act in (
        lambda: smu.measure(1),
        lambda: smu.arm_buffer(1, "own"),
        lambda: smu.load_list({"1": np.zeros(1)}, "own", 0.1),
    ):
        with pytest.raises(InstrumentError, match="its output is off"):
            act()


ACTUAL = b'TRAC:ACT? "defbuffer1"\n'
CLEAR = (b'TRAC:CLE "defbuffer1"\n', b"")
START = (b"TRIG:DIG1:IN:CLE;:INIT\n", b"")


def test_a_list_by_its_own_timer(on):
    smu = on(
        *told(
            "ABOR",
            "SENS:COUN 1",
            "SOUR:LIST:VOLT 0.5,1,-0.25",
            "TRIG:TIM1:STAT OFF",
            "TRIG:TIM1:STAR:STIM NOT2",
            "TRIG:TIM1:DEL 0.01",
            "TRIG:TIM1:COUN 3",
            "TRIG:TIM1:CLE",
            "TRIG:TIM1:STAT ON",
            'TRIG:LOAD "Empty"',
            "TRIG:BLOC:NOT 1,2",
            'TRIG:BLOC:CONF:REC 2,"VoltCustomSweepList",1',
            "TRIG:BLOC:BRAN:ALW 3,6",
            "TRIG:BLOC:WAIT 4,TIM1",
            'TRIG:BLOC:CONF:NEXT 5,"VoltCustomSweepList"',
            "TRIG:BLOC:NOT 6,1",
            "TRIG:BLOC:DEL:CONS 7,0.002",
            'TRIG:BLOC:MEAS 8,"defbuffer1"',
            "TRIG:BLOC:BRAN:COUN 9,3,4",
        ),
        NO_ERROR,
        CLEAR,
        START,
        (ACTUAL, b"1\n"),
        (ACTUAL, b"3\n"),
        (b'TRAC:DATA? 1,3,"defbuffer1",READ\n', record(1e-3, 2e-3, 3e-3)),
        (ACTUAL, b"3\n"),
        *told("FORM ASC"),
        (b'TRAC:DATA? 1,3,"defbuffer1",SOURSTAT\n', b"128, 160, 160\n"),
        *told("FORM REAL"),
        (b"SOUR:VOLT:ILIM:TRIP?;:OUTP?\n", b"0;1\n"),
        (b"SOUR:VOLT:ILIM:TRIP?;:OUTP?\n", b"0;1\n"),
        source_delay_seconds=0.002,
    )
    smu.load_list({"1": np.array([0.5, 1, -0.25])}, "own", 0.01)
    smu.arm_buffer(3, "trigger")
    smu.arm_list()
    smu.start_list()
    assert smu.fetch_buffer(3)[:, 0].tolist() == [1e-3, 2e-3, 3e-3]
    assert smu.steps_played() == 3
    assert smu.look_for_trips() == ["2 steps of its list were in compliance at 0.0015 A"]
    assert smu.look_for_trips() == []


def test_a_list_by_triggers(on):
    smu = on(
        *told(
            "ABOR",
            "SENS:COUN 1",
            "SOUR:LIST:CURR 0.001,0.002",
            'TRIG:LOAD "Empty"',
            "TRIG:BLOC:WAIT 1,DIG3",
            'TRIG:BLOC:CONF:REC 2,"CurrCustomSweepList",1',
            "TRIG:BLOC:BRAN:ALW 3,6",
            "TRIG:BLOC:WAIT 4,DIG3",
            'TRIG:BLOC:CONF:NEXT 5,"CurrCustomSweepList"',
            "TRIG:BLOC:NOT 6,1",
            'TRIG:BLOC:MEAS 7,"defbuffer1"',
            "TRIG:BLOC:BRAN:COUN 8,2,4",
        ),
        NO_ERROR,
        CLEAR,
        (b"TRIG:DIG3:IN:CLE;:INIT\n", b""),
        (ACTUAL, b"2\n"),
        *told("FORM ASC"),
        (b'TRAC:DATA? 1,2,"defbuffer1",SOURSTAT\n', b"128,128\n"),
        *told("FORM REAL"),
        source="current", source_range=0.01, compliance=1.0, trigger_input_line=3,
    )  # fmt: skip
    smu.load_list({"1": np.array([1e-3, 2e-3])}, "trigger", 0.01)
    smu.arm_list()
    assert smu.steps_played() == 2


def test_a_list_is_sent_in_hundreds(on):
    levels = np.linspace(-1, 1, 150)
    texts = [f"{level:.9g}" for level in levels]
    smu = on(
        *told(
            "ABOR", "SENS:COUN 1",
            "SOUR:LIST:VOLT " + ",".join(texts[:100]),
            "SOUR:LIST:VOLT:APP " + ",".join(texts[100:]),
            'TRIG:LOAD "Empty"',
            "TRIG:BLOC:WAIT 1,DIG1",
            'TRIG:BLOC:CONF:REC 2,"VoltCustomSweepList",1',
            "TRIG:BLOC:BRAN:ALW 3,6",
            "TRIG:BLOC:WAIT 4,DIG1",
            'TRIG:BLOC:CONF:NEXT 5,"VoltCustomSweepList"',
            "TRIG:BLOC:NOT 6,1",
            'TRIG:BLOC:MEAS 7,"defbuffer1"',
            "TRIG:BLOC:BRAN:COUN 8,150,4",
        ),
        (b"SYST:ERR?\n", b'-222,"Parameter data out of range;1;2024/01/01 00:00"\n'),
        NO_ERROR,
    )  # fmt: skip
    with pytest.raises(LimitError, match="loading its list"):
        smu.load_list({"1": levels}, "trigger", 0.01)


def test_a_buffer_by_triggers(on):
    smu = on(
        ONCE,
        *told(
            'TRIG:LOAD "Empty"',
            "TRIG:BLOC:WAIT 1,DIG1",
            "TRIG:BLOC:BRAN:ALW 2,4",
            "TRIG:BLOC:WAIT 3,DIG1",
            "TRIG:BLOC:NOP 4",
            'TRIG:BLOC:MEAS 5,"defbuffer1"',
            "TRIG:BLOC:BRAN:COUN 6,3,3",
        ),
        NO_ERROR,
        CLEAR,
        START,
        (ACTUAL, b"4\n"),
        *told("ABOR"),
    )
    smu.arm_buffer(3, "trigger")
    with pytest.raises(LinkError, match="holds 4 readings of 3"):
        smu.fetch_buffer(3)


def test_a_buffer_by_itself(on):
    smu = on(
        ONCE,
        *told(
            'TRIG:LOAD "Empty"',
            'TRIG:BLOC:MEAS 1,"defbuffer1",3',
        ),
        NO_ERROR,
        CLEAR,
        START,
        (ACTUAL, b"3\n"),
        (b'TRAC:DATA? 1,3,"defbuffer1",READ\n', record(1e-3, 2e-3, 9.9e37)),
    )
    smu.arm_buffer(3, "own")
    with pytest.raises(MeasurementError, match="reading 2 of the buffer"):
        smu.fetch_buffer(3)


def test_what_does_not_fit(on):
    smu = on((b"ABOR\n", b""), ONCE)
    with pytest.raises(ConfigurationError, match=r"2501 steps or readings; it takes 1 to 2500\."):
        smu.load_list({"1": np.zeros(2501)}, "own", 0.01)
    with pytest.raises(ConfigurationError, match="1 to 100000"):
        smu.arm_buffer(100_001, "own")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"source_range": 5}, "the 2450 has no voltage range of 5 V"),
        ({"compliance": 2}, "limits up to 1.05 A"),
        ({"nplc": 20}, "0.01 to 10 PLC"),
        ({"trigger_input_line": 2}, "is the trigger input already"),
        ({"trigger_input_line": 7}, "6"),
    ],
)
def test_settings_that_it_does_not_have(keys, words):
    with pytest.raises(ValueError, match=words):
        settings(**keys)


class Bench:
    """The driver and the simulation of one unit, with cables to and from its digital port."""

    def __init__(self, **keys):
        self.settings = settings(timeout_seconds=0.5, **keys)
        cables = (Cable(("dac", ""), ("smu", "digio_1")), Cable(("smu", "digio_2"), ("dmm", "")))
        self.world = World(None, Wiring((), (), cables), VirtualClock(), noise=0)
        self.markers = []
        plug = self.world.plug("dmm")
        plug.listen("in", lambda: self.markers.append((plug.now(), self.level)))
        self.core = INSTRUMENT.build("smu", self.settings, self.world.plug("smu"))
        self.smu = DRIVER.build("smu", self.settings, simulated_library({RESOURCE: self.core}))
        self.smu.connect()
        self.smu.configure()
        self.world.set_load("smu", "1", 1000.0)

    @property
    def level(self):
        return self.world.level("smu", "1")

    def play(self, count, dwell=0.01):
        """A conductor that gives markers."""
        for _ in range(count):
            self.world.pulse(("dac", "marker"))
            self.world.clock.spend(dwell)


def test_sourcing_and_measuring_in_simulation():
    bench = Bench()
    smu = bench.smu
    smu.set_levels({"1": 0.5})
    assert bench.level is None
    smu.switch_outputs(True)
    assert (bench.level, smu.outputs_are_on()) == (0.5, True)
    assert smu.measure(1)[0, 0] == pytest.approx(0.5e-3)
    assert smu.measure(3) == pytest.approx(np.full((3, 1), 0.5e-3))
    smu.set_levels({"1": -1.0})
    assert smu.read_levels() == {"1": -1.0}
    assert smu.measure(1)[0, 0] == pytest.approx(-1e-3)
    assert smu.look_for_trips() == []
    with pytest.raises(LimitError, match="-222"):
        smu.set_levels({"1": 2.2})
    smu.switch_outputs(False)
    assert bench.level is None
    assert smu.take_errors() == []
    smu.close()


def test_compliance_in_simulation():
    bench = Bench(source="current", source_range=1e-3, compliance=10.0, four_wire=False)
    bench.smu.set_levels({"1": 1e-3})
    bench.smu.switch_outputs(True)
    assert bench.smu.measure(1)[0, 0] == pytest.approx(1.0)
    assert bench.smu.look_for_trips() == []
    bench.world.set_load("smu", "1", 20_000.0)
    assert bench.smu.look_for_trips() == ["its output is in compliance at 10 V"]
    assert bench.level == pytest.approx(0.5e-3)
    assert bench.smu.measure(1)[0, 0] == pytest.approx(10.0)


def test_compliance_at_a_level_that_has_passed_in_simulation():
    bench = Bench(source_range=20.0)
    bench.world.set_load("smu", "1", 1000.0)
    smu = bench.smu
    smu.set_levels({"1": 4.0})
    smu.switch_outputs(True)
    assert smu.look_for_trips() == ["its output is in compliance at 0.0015 A"]
    smu.set_levels({"1": 1.0})
    smu.set_levels({"1": 0.5})
    assert smu.look_for_trips() == ["its output was in compliance at 0.0015 A since the last look"]
    for level in (4.0, 1.0):
        smu.set_levels({"1": level})
    smu.switch_outputs(False)
    for level in (4.0, 1.0):
        smu.set_levels({"1": level})
    smu.switch_outputs(True)
    assert smu.look_for_trips() == []


@pytest.mark.parametrize("count", [1, 7, 600])
def test_a_list_in_simulation(count):
    bench = Bench()
    smu, levels = bench.smu, np.linspace(-1, 1, count)
    smu.switch_outputs(True)
    for _ in range(2):
        bench.markers.clear()
        smu.load_list({"1": levels}, "own", 0.01)
        smu.arm_buffer(count, "trigger")
        smu.arm_list()
        smu.start_list()
        bench.world.clock.spend(0.01 * count)
        assert smu.fetch_buffer(count)[:, 0] == pytest.approx(levels / 1000, abs=1e-9)
        assert smu.steps_played() == count
        times, at = np.array(bench.markers).T
        assert at == pytest.approx(levels, abs=1e-9)
        assert np.diff(times) == pytest.approx(0.01, abs=1e-4)
    assert smu.look_for_trips() == []
    assert smu.read_levels()["1"] == pytest.approx(levels[-1], rel=1e-6)
    assert smu.measure(1)[0, 0] == pytest.approx(levels[-1] / 1000)
    smu.set_levels({"1": 0.25})
    assert bench.level == 0.25
    assert smu.take_errors() == []


def test_a_list_that_follows_in_simulation():
    bench = Bench()
    smu = bench.smu
    smu.switch_outputs(True)
    for lost in (0, 1):
        bench.play(1)  # a pulse from before is not kept
        smu.load_list({"1": np.array([0.1, 0.2, 1.9])}, "trigger", 0.01)
        smu.arm_list()
        bench.play(1)
        assert bench.level == 0.1, lost
        bench.play(2 - lost)
        assert smu.steps_played() == 3 - lost
    assert smu.look_for_trips() == ["1 steps of its list were in compliance at 0.0015 A"]
    smu.configure()
    assert smu.measure(1)[0, 0] == pytest.approx(0.2e-3)


def test_a_buffer_in_simulation():
    bench = Bench(source_delay_seconds=0.001)
    bench.smu.set_levels({"1": 1.0})
    bench.smu.switch_outputs(True)
    for count in (3, 5):
        bench.smu.arm_buffer(count, "trigger")
        bench.play(count)
        assert bench.smu.fetch_buffer(count)[:, 0] == pytest.approx([1e-3] * count)
    bench.smu.arm_buffer(4, "own")
    bench.world.clock.spend(0.1)
    assert bench.smu.fetch_buffer(4)[:, 0] == pytest.approx([1e-3] * 4)
    bench.smu.arm_buffer(4, "trigger")
    bench.play(3)
    with pytest.raises(LinkError, match="holds 3 readings of 4"):
        bench.smu.fetch_buffer(4)
    assert bench.markers == []


def test_an_overflow_in_simulation():
    bench = Bench()
    bench.smu.switch_outputs(True)
    bench.world.drive(("smu", "sense"), 0.02)
    with pytest.raises(MeasurementError, match="an overflow"):
        bench.smu.measure(1)
