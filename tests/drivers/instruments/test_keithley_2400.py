"""The 2400's driver, byte for byte, and against the simulation."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from drivers.instruments.keithley_2400 import DRIVER
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
from sim_instruments.bench.keithley_2400 import INSTRUMENT
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "GPIB0::24::INSTR"
IDENTITY = b"KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C30   Mar 17 2006 09:29:29/A02  /K/J\n"
OPENING = ((b"*IDN?\n", IDENTITY),)
NO_ERROR = (b"SYST:ERR?\n", b'0,"No error"\n')
THAT_SWITCH_OFF = (
    (b"SOUR:FUNC?\n", b"VOLT\n"),
    (b"ROUT:TERM?\n", b"FRON\n"),
    (b"SYST:RSEN?\n", b"0\n"),
    (b"SYST:RSEN 1\n", b""),
)
COMMANDS = (
    b"SENS:FUNC:CONC OFF\n",
    b'SENS:FUNC "CURR"\n',
    b"SENS:CURR:RANG:AUTO ON\n",
    b"SENS:CURR:PROT 0.0015\n",
    b"SENS:CURR:RANG 0.01\n",
    b"SOUR:VOLT:RANG 2\n",
    b"SENS:CURR:NPLC 0.1\n",
    b"SENS:AVER OFF\n",
    b"SYST:AZER OFF\n",
    b"SYST:AZER ONCE\n",
    b"OUTP:SMOD HIMP\n",
    b"SOUR:CLE:AUTO OFF\n",
    b"SOUR:VOLT:MODE FIX\n",
    b"FORM:DATA SRE\n",
    b"FORM:BORD SWAP\n",
    b"FORM:ELEM CURR,STAT\n",
    b"ARM:SOUR IMM\n",
    b"ARM:COUN 1\n",
    b"TRIG:DEL 0\n",
    b"TRIG:INP SOUR\n",
    b"TRIG:ILIN 1\n",
    b"TRIG:OLIN 2\n",
    b"TRAC:FEED:CONT NEV\n",
)
READ_BACK = (
    (b"SENS:CURR:PROT?\n", b"1.500000E-03\n"),
    (b"SOUR:VOLT:RANG?\n", b"2.100000E+00\n"),
    (b"SENS:CURR:NPLC?\n", b"0.10\n"),
    (b"SYST:RSEN?\n", b"1\n"),
    (b"SYST:LFR?\n", b"50\n"),
)
CONFIGURATION = (
    NO_ERROR,
    (b"ABOR\n", b""),
    (b"OUTP?\n", b"0\n"),
    *THAT_SWITCH_OFF,
    *((command, b"") for command in COMMANDS),
    *READ_BACK,
    NO_ERROR,
)
MODE = (b"SOUR:VOLT:MODE FIX\n", b"")
ON = (b"OUTP ON;:SYST:ERR?\n", b'0,"No error"\n')


def settings(**keys):
    given = {
        "resource": RESOURCE, "source_range": 2.0, "compliance": 1.5e-3, "nplc": 0.1,
        "four_wire": True, "output_off": "high_impedance",
    }  # fmt: skip
    return DRIVER.settings(driver="keithley_2400", **(given | keys))


def record(*numbers):
    return b"#0" + struct.pack(f"<{len(numbers)}f", *numbers) + b"\n"


@pytest.fixture
def scripted(lab):
    """A connected driver, and the exchanges that are still expected."""
    scripts = []

    def make(*exchanges, **keys):
        script = lab.Script(*OPENING, *exchanges)
        scripts.append(script)
        own = settings(**keys)
        smu = DRIVER.build("smu", own, simulated_library({own.resource: script}))
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
        "manufacturer": "KEITHLEY INSTRUMENTS INC.", "model": "MODEL 2400", "serial": "1234567",
        "firmware": "C30   Mar 17 2006 09:29:29/A02  /K/J", "resource": RESOURCE,
    }  # fmt: skip
    source, meter = smu.channels
    assert (source.name, source.direction, source.unit, source.high) == ("1", "source", "V", 2.1)
    assert (meter.name, meter.direction, meter.unit) == ("sense", "meter", "A")
    assert (meter.low, meter.high) == pytest.approx((-0.0105, 0.0105))
    # Appendix A: 0.1 PLC, conversion and overhead.
    assert smu.times.reading == pytest.approx(0.002 + 185e-6 + 640e-6)
    assert smu.largest_list == smu.largest_buffer == 2500


def test_autozero_takes_three_conversions():
    smu = DRIVER.build("smu", settings(autozero=True, source_delay_seconds=0.01), "@py")
    assert smu.times.reading == pytest.approx(0.01 + 3 * (0.002 + 185e-6) + 2.15e-3)


def test_configuration(scripted):
    scripted(*CONFIGURATION).configure()


def test_sourcing_current(scripted):
    commands = [
        command.replace(b"CURR", b"*").replace(b"SOUR:VOLT", b"SOUR:CURR").replace(b"*", b"VOLT")
        for command in COMMANDS
    ]
    commands[3:6] = [b"SENS:VOLT:PROT 1.5\n", b"SENS:VOLT:RANG 2\n", b"SOUR:CURR:RANG 0.001\n"]
    commands[8:11] = [b"SYST:AZER ON\n", b"OUTP:SMOD NORM\n"]
    scripted(
        NO_ERROR, (b"ABOR\n", b""), (b"OUTP?\n", b"0\n"),
        (b"SOUR:FUNC?\n", b"VOLT\n"), (b"SOUR:FUNC CURR\n", b""),
        (b"ROUT:TERM?\n", b"FRON\n"), (b"ROUT:TERM REAR\n", b""),
        (b"SYST:RSEN?\n", b"1\n"),
        *((command, b"") for command in commands),
        (b"SENS:VOLT:PROT?\n", b"1.500000E+00\n"),
        (b"SOUR:CURR:RANG?\n", b"1.050000E-03\n"),
        (b"SENS:VOLT:NPLC?\n", b"0.10\n"),
        (b"SYST:RSEN?\n", b"1\n"),
        (b"SYST:LFR?\n", b"50\n"),
        NO_ERROR,
        source="current", source_range=1e-3, compliance=1.5, terminals="rear",
        autozero=True, output_off="normal",
    ).configure()  # fmt: skip


@pytest.mark.parametrize(
    ("k", "answer", "told"),
    [
        (0, b"1.050000E-04\n", r"SENS:CURR:PROT\? is 0.000105 after it was set to 0.0015"),
        (1, b"2.100000E+01\n", r"SOUR:VOLT:RANG\? is 21 after it was set to 2"),
        (3, b"0\n", r"SYST:RSEN\? is 0 after"),
        (4, b"60\n", "give it as line_frequency_hertz"),
    ],
)
def test_what_is_not_as_it_was_set(scripted, k, answer, told):
    until = CONFIGURATION[: -len(READ_BACK) - 1] + READ_BACK[:k]
    with pytest.raises(InstrumentError, match=told):
        scripted(*until, (READ_BACK[k][0], answer)).configure()


def test_an_output_that_is_on_is_not_switched_off(scripted):
    exchanges = [*CONFIGURATION[:2], (b"OUTP?\n", b"1\n"), *THAT_SWITCH_OFF[:3]]
    with pytest.raises(InstrumentError, match=r"output is on, and SYST:RSEN\? is 0"):
        scripted(*exchanges).configure()


def test_an_error_of_its_configuration(scripted):
    error = (b"SYST:ERR?\n", b'+824,"Cannot exceed compliance range"\n')
    with pytest.raises(InstrumentError, match=r"its configuration: \+824"):
        scripted(*CONFIGURATION[:-1], error, NO_ERROR).configure()


@pytest.mark.parametrize(
    ("identity", "keys", "told"),
    [
        (b"KEITHLEY INSTRUMENTS INC.,MODEL 2410,1,1\n", {}, "model is 'MODEL 2410'"),
        (IDENTITY, {"identity": {"serial": "X"}}, "serial is '1234567', expected 'X'"),
        (b"nonsense\n", {}, "model is None"),
    ],
)
def test_another_instrument_is_told_nothing(lab, identity, keys, told):
    script = lab.Script((b"*IDN?\n", identity))
    smu = DRIVER.build("smu", settings(**keys), simulated_library({RESOURCE: script}))
    with pytest.raises(IdentityError, match=told):
        smu.connect()


def test_levels(scripted):
    smu = scripted(
        MODE,
        (b"SOUR:VOLT:LEV 1.25;:SYST:ERR?\n", b'0,"No error"\n'),
        (b"SOUR:VOLT:LEV -0.0001;:SYST:ERR?\n", b'0,"No error"\n'),
        (b"SOUR:VOLT:LEV?\n", b"-1.000000E-04\n"),
    )
    smu.set_levels({"1": 1.25})
    smu.set_levels({"1": -1e-4})
    assert smu.read_levels() == {"1": -1e-4}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (b'-222,"Parameter data out of range"\n', LimitError),
        (b'-113,"Undefined header"\n', InstrumentError),
    ],
)
def test_a_level_that_is_refused(scripted, error, kind):
    smu = scripted(MODE, (b"SOUR:VOLT:LEV 3;:SYST:ERR?\n", error), NO_ERROR)
    with pytest.raises(kind, match="errors after setting 3"):
        smu.set_levels({"1": 3.0})


def test_compliance_at_the_level_that_stood(on):
    look = b"SENS:CURR:PROT:TRIP?;:OUTP?\n"
    setting = b"SENS:CURR:PROT:TRIP?;:SOUR:VOLT:LEV %s;:SYST:ERR?\n"
    none = b';0,"No error"\n'
    smu = on(
        MODE,
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
    setting = b"SENS:CURR:PROT:TRIP?;:SOUR:VOLT:LEV %s;:SYST:ERR?\n"
    smu = on(
        MODE,
        (setting % b"3", b'0;-222,"Parameter data out of range"\n'),
        NO_ERROR,
        # A command error ends a message: its last query is not answered.
        (setting % b"1", b"0\n"),
        (b"SYST:ERR?\n", b'-113,"Undefined header"\n'),
        NO_ERROR,
    )
    with pytest.raises(LimitError, match="errors after setting 3: -222"):
        smu.set_levels({"1": 3.0})
    with pytest.raises(InstrumentError, match="errors after setting 1: -113"):
        smu.set_levels({"1": 1.0})


def test_outputs(scripted):
    smu = scripted(
        ON,
        (b"OUTP?\n", b"1\n"),
        (b"SENS:CURR:PROT:TRIP?;:OUTP?\n", b"0;1\n"),
        (b"SENS:CURR:PROT:TRIP?;:OUTP?\n", b"1;1\n"),
        (b"SENS:CURR:PROT:TRIP?;:OUTP?\n", b"0;0\n"),
        (b"OUTP OFF;:SYST:ERR?\n", b'0,"No error"\n'),
        (b"SENS:CURR:PROT:TRIP?;:OUTP?\n", b"0;0\n"),
        (b"OUTP?\n", b"0\n"),
        (b"SENS:CURR:PROT:TRIP?;:OUTP?\n", b"0\n"),
        (b"OUTP ON;:SYST:ERR?\n", b'+802,"OUTPUT blocked by output enable"\n'),
        NO_ERROR,
    )
    smu.switch_outputs(True)
    assert smu.outputs_are_on()
    assert smu.look_for_trips() == []
    assert smu.look_for_trips() == ["its output is in compliance at 0.0015 A"]
    assert smu.look_for_trips() == ["its output went off by itself"]
    smu.switch_outputs(False)
    assert smu.look_for_trips() == []
    assert not smu.outputs_are_on()
    with pytest.raises(InstrumentError, match="told \\['0'\\] of its compliance"):
        smu.look_for_trips()
    with pytest.raises(InstrumentError, match=r"switching on: \+802"):
        smu.switch_outputs(True)


RUN = (
    (b"SOUR:DEL 0\n", b""),
    (b"TRIG:SOUR IMM\n", b""),
    (b"TRIG:COUN 1\n", b""),
    (b"TRIG:OUTP NONE\n", b""),
)


def test_measuring(on):
    smu = on(
        *RUN,
        (b"READ?\n", record(1.25e-3, 0x5004)),
        (b"TRIG:COUN 2\n", b""),
        (b"READ?\n", record(1e-3, 0x5004, -2e-3, 0x5004)),
    )
    assert smu.measure(1).tolist() == [[pytest.approx(1.25e-3)]]
    assert smu.measure(2).tolist() == [[pytest.approx(1e-3)], [pytest.approx(-2e-3)]]


@pytest.mark.parametrize("number", [9.9e37, -9.9e37, 9.91e37, np.nan])
def test_overflow(on, number):
    smu = on(*RUN, (b"READ?\n", record(number, 1)))
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


def test_on_a_serial_line_all_is_text(on):
    smu = on(
        *RUN,
        (b"READ?\n", b"+1.250000E-03,+2.048400E+04\n"),
        resource="ASRL1::INSTR",
    )  # fmt: skip
    assert smu.measure(1).tolist() == [[1.25e-3]]
    assert smu.largest_list == 100


BUFFER = (
    (b"TRAC:FEED:CONT NEV\n", b""),
    (b"TRAC:CLE\n", b""),
    (b"TRAC:POIN 3\n", b""),
    (b"TRAC:FEED SENS\n", b""),
    (b"TRAC:FEED:CONT NEXT\n", b""),
)


def test_a_list_by_its_own_timer(on):
    smu = on(
        (b"ABOR\n", b""),
        (b"SOUR:LIST:VOLT 0.5,1,-0.25\n", b""),
        # 10 ms less the reading, rounded up to tenths of a millisecond.
        (b"SOUR:DEL 0.0072\n", b""),
        (b"TRIG:SOUR IMM\n", b""),
        (b"TRIG:COUN 3\n", b""),
        (b"TRIG:OUTP SOUR\n", b""),
        (b"SOUR:VOLT:MODE LIST\n", b""),
        *BUFFER,
        NO_ERROR,
        (b"TRIG:CLE;:INIT\n", b""),
        (b"TRAC:POIN:ACT?\n", b"3\n"),
        (b"TRAC:DATA?\n", record(1e-3, 0x5004, 2e-3, 0x500C, 3e-3, 0x15004)),
        (b"TRAC:POIN:ACT?\n", b"3\n"),
        (b"SOUR:VOLT:LEV -0.25\n", b""),
        (b"SOUR:VOLT:MODE FIX\n", b""),
        (b"SENS:CURR:PROT:TRIP?;:OUTP?\n", b"0;1\n"),
        (b"SENS:CURR:PROT:TRIP?;:OUTP?\n", b"0;1\n"),
    )
    smu.load_list({"1": np.array([0.5, 1, -0.25])}, "own", 0.01)
    smu.arm_buffer(3, "trigger")
    smu.arm_list()
    smu.start_list()
    assert smu.fetch_buffer(3)[:, 0] == pytest.approx([1e-3, 2e-3, 3e-3])
    assert smu.steps_played() == 3
    assert smu.look_for_trips() == ["2 steps of its list were in compliance at 0.0015 A"]
    assert smu.look_for_trips() == []


def test_a_list_by_triggers(on):
    levels = np.linspace(-1, 1, 150)
    first = ",".join(f"{level:.9g}" for level in levels[:100]).encode()
    rest = ",".join(f"{level:.9g}" for level in levels[100:]).encode()
    smu = on(
        (b"ABOR\n", b""),
        (b"SOUR:LIST:VOLT " + first + b"\n", b""),
        (b"SOUR:LIST:VOLT:APP " + rest + b"\n", b""),
        (b"SOUR:DEL 0\n", b""),
        (b"TRIG:SOUR TLIN\n", b""),
        (b"TRIG:COUN 150\n", b""),
        (b"TRIG:OUTP SOUR\n", b""),
        (b"SOUR:VOLT:MODE LIST\n", b""),
        *BUFFER[:2],
        (b"TRAC:POIN 150\n", b""),
        *BUFFER[3:],
        NO_ERROR,
        (b"TRIG:CLE;:INIT\n", b""),
        (b"TRAC:POIN:ACT?\n", b"149\n"),
        (b"SOUR:VOLT:LEV 1\n", b""),
        (b"SOUR:VOLT:MODE FIX\n", b""),
    )
    smu.load_list({"1": levels}, "trigger", 0.01)
    smu.arm_list()
    assert smu.steps_played() == 149


def test_a_list_beyond_its_limits(on):
    smu = on(
        (b"ABOR\n", b""),
        (b"SOUR:LIST:VOLT 500\n", b""),
        (b"SOUR:DEL 0.0072\n", b""),
        (b"TRIG:SOUR IMM\n", b""),
        (b"TRIG:COUN 1\n", b""),
        (b"TRIG:OUTP SOUR\n", b""),
        (b"SOUR:VOLT:MODE LIST\n", b""),
        *BUFFER[:2],
        (b"TRAC:POIN 1\n", b""),
        *BUFFER[3:],
        (b"SYST:ERR?\n", b'-222,"Parameter data out of range"\n'),
        NO_ERROR,
    )
    with pytest.raises(LimitError, match="loading its list: -222"):
        smu.load_list({"1": np.array([500.0])}, "own", 0.01)


def test_a_buffer_by_triggers(on):
    smu = on(
        (b"SOUR:DEL 0\n", b""),
        (b"TRIG:SOUR TLIN\n", b""),
        (b"TRIG:COUN 3\n", b""),
        (b"TRIG:OUTP NONE\n", b""),
        *BUFFER,
        NO_ERROR,
        (b"TRIG:CLE;:INIT\n", b""),
        (b"TRAC:POIN:ACT?\n", b"2\n"),
    )
    smu.arm_buffer(3, "trigger")
    with pytest.raises(LinkError, match="holds 2 readings of 3"):
        smu.fetch_buffer(3)


@pytest.mark.parametrize("count", [0, 2501])
def test_what_does_not_fit(on, count):
    smu = on((b"ABOR\n", b""))
    with pytest.raises(ConfigurationError, match=r"it takes 1 to 2500\."):
        smu.load_list({"1": np.zeros(count)}, "own", 0.01)
    with pytest.raises(ConfigurationError, match="it takes 1 to 2500"):
        smu.arm_buffer(count, "own")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"source_range": 5}, "no voltage range of 5 V"),
        ({"compliance": 2}, "limits up to 1.05 A"),
        ({"nplc": 20}, "0.01 to 10 PLC"),
        ({"model": "2401", "source_range": 200}, "the 2401 has no voltage range of 200 V"),
        ({"trigger_output_line": 1}, "is the trigger input already"),
        ({"model": "2410"}, "2401"),
        ({"source": "power"}, "voltage"),
    ],
)
def test_settings_that_it_does_not_have(keys, told):
    with pytest.raises(ValueError, match=told):
        settings(**keys)


def test_compliance_has_no_default():
    with pytest.raises(ValueError, match="compliance"):
        DRIVER.settings(driver="keithley_2400", source_range=2)


class Bench:
    """The driver and the simulation of one unit, with cables to and from its trigger link."""

    def __init__(self, time_constant=0.0, **keys):
        self.settings = settings(timeout_seconds=0.5, **keys)
        cables = (
            Cable(("dac", ""), ("smu", "trigger_link_1")),
            Cable(("smu", "trigger_link_2"), ("dmm", "")),
        )
        self.world = World(
            None, Wiring((), (), cables), VirtualClock(), noise=0,
            time_constant_seconds=time_constant,
        )  # fmt: skip
        self.markers = []
        plug = self.world.plug("dmm")
        plug.listen("in", lambda: self.markers.append((plug.now(), self.level)))
        self.core = INSTRUMENT.build("smu", self.settings, self.world.plug("smu"))
        self.smu = DRIVER.build("smu", self.settings, simulated_library({RESOURCE: self.core}))
        self.smu.connect()
        self.smu.configure()

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
    bench.world.set_load("smu", "1", 1000.0)
    smu = bench.smu
    smu.set_levels({"1": 0.5})
    assert bench.level is None
    assert not smu.outputs_are_on()
    smu.switch_outputs(True)
    assert (bench.level, smu.outputs_are_on()) == (0.5, True)
    assert smu.measure(2) == pytest.approx(np.full((2, 1), 0.5e-3))
    smu.set_levels({"1": -1.0})
    assert smu.read_levels() == {"1": -1.0}
    assert smu.measure(1)[0, 0] == pytest.approx(-1e-3)
    assert smu.look_for_trips() == []
    smu.switch_outputs(False)
    assert bench.level is None
    assert smu.take_errors() == []
    smu.close()


def test_sourcing_current_in_simulation():
    bench = Bench(source="current", source_range=1e-3, compliance=10.0, four_wire=False)
    bench.world.set_load("smu", "1", 5000.0)
    bench.smu.set_levels({"1": 1e-3})
    bench.smu.switch_outputs(True)
    assert bench.smu.measure(1)[0, 0] == pytest.approx(5.0)
    bench.world.set_load("smu", "1", 20_000.0)
    assert bench.smu.look_for_trips() == ["its output is in compliance at 10 V"]
    assert bench.level == pytest.approx(0.5e-3)
    assert bench.smu.measure(1)[0, 0] == pytest.approx(10.0)


def test_a_short_trips_compliance_in_simulation():
    bench = Bench()
    bench.smu.set_levels({"1": 1.0})
    bench.smu.switch_outputs(True)
    assert bench.smu.look_for_trips() == []
    bench.world.set_load("smu", "1", 10.0)
    assert bench.smu.look_for_trips() == ["its output is in compliance at 0.0015 A"]
    assert bench.level == pytest.approx(0.015)
    with pytest.raises(LimitError, match="-222"):
        bench.smu.set_levels({"1": 2.2})


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


@pytest.mark.parametrize("count", [1, 7, 250])
def test_a_list_in_simulation(count):
    bench = Bench()
    bench.world.set_load("smu", "1", 1000.0)
    levels = np.linspace(-1, 1, count)
    bench.smu.set_levels({"1": 0.3})
    bench.smu.switch_outputs(True)
    for _ in range(2):
        bench.markers.clear()
        bench.smu.load_list({"1": levels}, "own", 0.01)
        bench.smu.arm_buffer(count, "trigger")
        bench.smu.arm_list()
        bench.smu.start_list()
        bench.world.clock.spend(0.02 * count)
        assert bench.smu.fetch_buffer(count)[:, 0] == pytest.approx(levels / 1000, abs=1e-9)
        assert bench.smu.steps_played() == count
        times, at = np.array(bench.markers).T
        assert at == pytest.approx(levels, abs=1e-9)
        assert (np.diff(times) >= 0.01).all()
        assert bench.level == pytest.approx(levels[-1])
    assert bench.smu.look_for_trips() == []
    assert bench.smu.measure(1)[0, 0] == pytest.approx(levels[-1] / 1000)
    bench.smu.set_levels({"1": 0.25})
    assert (bench.level, bench.smu.read_levels()) == (0.25, {"1": 0.25})


def test_a_list_that_follows_in_simulation():
    bench = Bench()
    bench.smu.switch_outputs(True)
    bench.play(1)  # a pulse from before is not kept
    bench.smu.load_list({"1": np.array([0.1, 0.2, 0.3])}, "trigger", 0.01)
    bench.smu.arm_list()
    assert bench.level == 0
    bench.play(1)
    assert bench.level == 0.1
    bench.play(2)
    assert bench.smu.steps_played() == 3
    assert bench.level == 0.3


def test_a_step_of_a_list_in_compliance_in_simulation():
    bench = Bench()
    bench.world.set_load("smu", "1", 100.0)
    bench.smu.switch_outputs(True)
    bench.smu.load_list({"1": np.array([0.1, 1.0, 0.1])}, "own", 0.01)
    bench.smu.start_list()
    assert bench.smu.steps_played() == 3
    assert bench.smu.look_for_trips() == ["1 steps of its list were in compliance at 0.0015 A"]


def test_lost_triggers_in_simulation():
    bench = Bench()
    smu = bench.smu
    smu.set_levels({"1": 0.7})
    smu.switch_outputs(True)
    smu.load_list({"1": np.array([0.1, 0.2, 0.3])}, "trigger", 0.01)
    smu.arm_list()
    bench.play(2)
    with pytest.raises(LinkError):
        smu.steps_played()
    # It waits for the third, and answers nothing until it is told to stop.
    smu.close()
    smu.connect()
    assert (smu.outputs_are_on(), smu.read_levels()) == (True, {"1": 0.7})
    smu.configure()
    assert (bench.level, smu.take_errors()) == (0.7, [])


def test_a_buffer_in_simulation():
    bench = Bench()
    bench.world.set_load("smu", "1", 1000.0)
    bench.smu.set_levels({"1": 1.0})
    bench.smu.switch_outputs(True)
    for count in (3, 5):
        bench.smu.arm_buffer(count, "trigger")
        bench.play(count)
        assert bench.smu.fetch_buffer(count)[:, 0] == pytest.approx([1e-3] * count)
    bench.smu.arm_buffer(4, "own")
    assert bench.smu.fetch_buffer(4)[:, 0] == pytest.approx([1e-3] * 4)
    assert bench.markers == []


def test_an_overflow_in_simulation():
    bench = Bench()
    bench.smu.switch_outputs(True)
    bench.world.drive(("smu", "sense"), 0.02)
    with pytest.raises(MeasurementError, match="an overflow"):
        bench.smu.measure(1)
