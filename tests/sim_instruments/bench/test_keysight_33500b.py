"""The simulated waveform generator in its own dialect, and as PyMeasure's driver speaks it."""

from __future__ import annotations

import numpy as np
import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keysight_33500b import Keysight33500B
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::awg.lab::5025::SOCKET"
NO_ERROR = '+0,"No error"'
RAMP = np.array([-32767, -16384, 0, 8192, 16384, 24576, 30000, 32767])


class Setup:
    """A generator at high impedance, a hand at Ext Trig, a note of Sync."""

    def __init__(self, model="33512B"):
        self.world = World(None, Wiring((), ()), VirtualClock(), noise=0)
        self.awg = Keysight33500B(self.world.plug("awg"), model)
        self.pulses = []
        self.world.pulse = self.pulses.append

    def tell(self, text, block=None):
        message = text.encode()
        if block is not None:
            message += b"#%d%d" % (len(str(len(block))), len(block)) + block
        return self.awg.respond(message + b"\n").decode().removesuffix("\n")

    def number(self, query):
        return float(self.tell(query))

    def trigger(self):
        for act in self.world._listeners["awg", "ext_trig"]:
            act()

    @property
    def level(self):
        return self.world.level("awg", "1")

    @property
    def error(self):
        return self.tell("SYST:ERR?")


@pytest.fixture
def awg():
    setup = Setup()
    setup.tell("OUTP1:LOAD INF;:OUTP2:LOAD INF;:SOUR1:FUNC DC;:SOUR2:FUNC DC")
    return setup


def test_identity_and_rest():
    setup = Setup("33521B")
    assert setup.tell("*IDN?").startswith("Agilent Technologies,33521B,MY00000002,")
    assert setup.tell("FUNC?;:OUTP?;:TRIG:SOUR?;:FORM:BORD?") == "SIN;0;IMM;NORM"
    assert setup.number("VOLT?") == pytest.approx(0.1)
    assert setup.level is None
    setup.tell("OUTP2 ON")
    assert setup.error == '-114,"Header suffix out of range"'


def test_dc(awg):
    awg.tell("SOUR1:VOLT:OFFS 1.5")
    assert awg.level is None
    awg.tell("OUTP1 ON")
    assert awg.level == 1.5
    awg.tell("VOLT:OFFS -10")
    assert (awg.level, awg.number("VOLT:OFFS?")) == (-10, -10)
    awg.tell("OUTP OFF")
    assert awg.level is None
    assert awg.error == NO_ERROR


def test_the_load_changes_what_voltages_are_called(awg):
    awg.tell("VOLT:OFFS 4;:OUTP ON;:OUTP:LOAD 50")
    assert (awg.level, awg.number("VOLT:OFFS?")) == (4, 2)
    awg.tell("VOLT:OFFS 3;LIM:HIGH 4;HIGH?")
    assert awg.level == 6
    assert awg.number("OUTP:LOAD?") == 50
    awg.tell("OUTP:LOAD INF")
    assert awg.number("VOLT:LIM:HIGH?") == 8
    assert awg.number("OUTP:LOAD?") == 9.9e37


def test_limits_cut(awg):
    awg.tell("OUTP ON;:VOLT:LIM:HIGH 2;LOW -1;STAT ON")
    assert awg.tell("VOLT:LIM:STAT?") == "1"
    awg.tell("VOLT:OFFS 3")
    assert (awg.level, awg.error) == (2, '-221,"Settings conflict"')
    awg.tell("VOLT:LIM:STAT OFF;HIGH 1;STAT ON")
    assert awg.error == '-221,"Settings conflict"'
    assert awg.tell("VOLT:LIM:STAT?") == "0"


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("VOLT:OFFS 10.1", '-222,"Data out of range"'),
        ("OUTP:LOAD 50;:VOLT:OFFS 5.1", '-222,"Data out of range"'),
        ("FUNC:ARB:SRAT 1e9", '-222,"Data out of range"'),
        ("DATA:ARB:DAC A,1,2,3", '-222,"Data out of range"'),
        ("DATA:ARB:DAC A,1,2,3,4,5,6,7,40000", '-222,"Data out of range"'),
        ("FUNC:ARB NONE", '+785,"Specified arb waveform does not exist"'),
        ("FUNC SQU", '-224,"Illegal parameter value"'),
        ("*TRG", '-211,"Trigger ignored"'),
        ("AM:STAT ON", '-113,"Undefined header"'),
        ("SOUR3:VOLT:OFFS 1", '-114,"Header suffix out of range"'),
    ],
)
def test_errors(awg, command, error):
    assert awg.tell(command) == ""
    assert awg.error == error
    assert awg.error == NO_ERROR


def test_amplitudes_beyond_what_is_possible(awg):
    awg.tell("FUNC SIN;:VOLT 10;:VOLT:OFFS 8")
    assert awg.error == '-222,"Data out of range"'
    assert (awg.number("VOLT:HIGH?"), awg.number("VOLT:LOW?")) == (10, 3)


def loaded(awg, more):
    awg.tell("SOUR1:DATA:ARB:DAC RAMP,", RAMP.astype(">i2").tobytes())
    awg.tell("OUTP1 ON;:SOUR1:FUNC:ARB RAMP;:FUNC:ARB:PTP 2;:VOLT:OFFS 0.5")
    awg.tell(more)
    assert awg.error == NO_ERROR


def test_a_point_a_trigger(awg):
    loaded(awg, "TRIG1:SOUR EXT;:FUNC:ARB:ADV TRIG;:FUNC ARB")
    assert awg.level == 0.5
    for code in [*RAMP, RAMP[0]]:
        awg.trigger()
        assert awg.level == pytest.approx(0.5 + code / 32767)
    assert awg.tell("FUNC?;:FUNC:ARB:ADV?;:FUNC:ARB?") == 'ARB;TRIG;"RAMP"'
    awg.tell("FUNC DC")
    awg.trigger()
    assert awg.level == 0.5


def test_a_burst_by_its_own_rate(awg):
    loaded(awg, "TRIG:SOUR BUS;:FUNC:ARB:SRAT 100;:BURS:MODE TRIG;NCYC 1;STAT ON;:FUNC ARB")
    awg.trigger()
    assert awg.level == 0.5
    awg.tell("*TRG")
    awg.world.clock.spend(0.015)
    awg.tell("*TRG")
    assert awg.level == pytest.approx(0.0, abs=1e-4)
    assert awg.tell("*OPC?") == "1"
    assert awg.world.clock.now() == pytest.approx(0.08)
    assert awg.level == -0.5
    assert awg.pulses == [("awg", "sync")]
    awg.tell("*TRG;:SOUR1:VOLT:OFFS 0")
    assert awg.tell("*OPC?") == "1"
    assert awg.world.clock.now() == pytest.approx(0.08)


def test_volatile_memory(awg):
    loaded(awg, "FUNC:ARB:FILT STEP")
    awg.tell("SOUR1:DATA:ARB:DAC RAMP,", RAMP.astype(">i2").tobytes())
    assert awg.error == '+786,"Specified arb waveform already exists"'
    awg.tell("DATA:VOL:CLE;:FORM:BORD SWAP")
    awg.tell("DATA:ARB:DAC RAMP,", RAMP.astype("<i2").tobytes())
    awg.tell("DATA:ARB:DAC ODD,", b"123")
    assert awg.error == '-161,"Invalid block data"'
    awg.tell("FUNC:ARB RAMP;:FUNC:ARB:PTP 2;ADV TRIG;:TRIG:SOUR EXT;:OUTP ON;:FUNC ARB")
    awg.trigger()
    assert awg.level == -0.5
    awg.tell("*RST")
    assert awg.tell("FUNC:ARB?;:FORM:BORD?") == '"EXP_RISE";NORM'


def test_pymeasure_33500():
    agilent = pytest.importorskip("pymeasure.instruments.agilent")
    setup = Setup()
    driver = agilent.Agilent33500(
        RESOURCE,
        visa_library=simulated_library({RESOURCE: setup.awg}),
        read_termination="\n",
        write_termination="\n",
    )
    channel = driver.ch_1
    assert driver.id.startswith("Agilent Technologies,33512B")
    channel.output_load = "INF"
    channel.shape = "DC"
    channel.offset = 1.5
    channel.output = True
    assert (channel.shape, channel.offset, channel.output) == ("DC", 1.5, True)
    assert setup.level == 1.5
    channel.data_volatile_clear()
    channel.data_arb("test", RAMP.tolist(), data_format="DAC")
    channel.arb_file = "test"
    assert channel.arb_file == '"TEST"'
    channel.arb_advance = "TRIG"
    channel.arb_filter = "OFF"
    channel.arb_srate = 1000
    channel.burst_state = False
    channel.burst_mode = "TRIG"
    channel.burst_ncycles = 1
    channel.shape = "ARB"
    channel.voltage_high = 3
    channel.voltage_low = 1
    driver.write("TRIG1:SOUR EXT")
    setup.trigger()
    assert setup.level == 1
    assert (channel.arb_advance, channel.arb_filter, channel.arb_srate) == ("TRIG", "OFF", 1000)
    assert (channel.voltage_high, channel.voltage_low, channel.amplitude) == (3, 1, 2)
    assert driver.check_errors() == []
    driver.beep()
    assert driver.check_errors() == [[-113, '"Undefined header"']]
    driver.adapter.close()
