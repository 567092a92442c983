"""The simulated 2450 in its own dialect."""

from __future__ import annotations

import struct

import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keithley_2450 import Keithley2450
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World

NO_ERROR = '0,"No error;0;0 0"'


class Setup:
    """The unit with a load of 1 kΩ, a conductor's cable to line 1 and one from line 2."""

    def __init__(self, **keys):
        cables = (Cable(("dac", ""), ("smu", "digio_1")), Cable(("smu", "digio_2"), ("dmm", "")))
        self.world = World(None, Wiring((), (), cables), VirtualClock(), **keys)
        self.smu = Keithley2450(self.world.plug("smu"))
        self.world.set_load("smu", "1", 1000.0)
        self.pulses = []
        self.world.plug("dmm").listen("in", lambda: self.pulses.append((self.now, self.level)))

    def tell(self, text):
        reply = self.smu.respond(text.encode() + b"\n")
        return reply.decode("latin-1").removesuffix("\n")

    @property
    def level(self):
        return self.world.level("smu", "1")

    @property
    def now(self):
        return self.world.clock.now()

    @property
    def error(self):
        return self.tell("SYST:ERR?")

    def pulse(self, seconds=0.01):
        self.world.pulse(("dac", "marker"))
        self.world.clock.spend(seconds)


@pytest.fixture
def smu():
    setup = Setup(noise=0)
    setup.tell("SENS:CURR:AZER OFF;NPLC 0.1;:SOUR:VOLT:ILIM 0.01")
    setup.tell("DIG:LINE1:MODE TRIG,IN;:DIG:LINE2:MODE TRIG,OUT;:TRIG:DIG2:OUT:STIM NOT1")
    return setup


def test_identity():
    assert Setup().tell("*IDN?") == "KEITHLEY INSTRUMENTS,MODEL 2450,04096331,1.7.12b"
    assert Setup().tell("*LANG?") == "SCPI"


def test_after_a_reset(smu):
    smu.tell(":SOUR:FUNC CURR;:SOUR:CURR 1e-3;:OUTP ON;:SOUR:CURR:VLIM 5;:SENS:CURR:RSEN ON")
    smu.tell("*RST")
    answers = {
        "OUTP?": "0", "SOUR:FUNC?": "VOLT", "SOUR:VOLT?": "0.000000E+00", "SENS:CURR:RSEN?": "0",
        "SOUR:VOLT:ILIM?": "1.050000E-04", "SOUR:CURR:VLIM?": "2.100000E+01",
        "SENS:FUNC?": '"CURR:DC"', "OUTP:VOLT:SMOD?": "NORM", "ROUT:TERM?": "FRON",
        "SENS:CURR:NPLC?": "1.000000E+00", "SOUR:VOLT:DEL:AUTO?": "1", "SYST:LFR?": "50",
        'TRAC:POIN? "defbuffer1"': "100000", "SOUR:VOLT:READ:BACK?": "1", "SENS:COUN?": "1",
        "TRIG:STAT?": "EMPTY;EMPTY;0", "FORM?": "ASC",
    }  # fmt: skip
    for query, answer in answers.items():
        assert smu.tell(query) == answer, query
    assert smu.error == NO_ERROR


def test_readings(smu):
    smu.tell("SOUR:VOLT 2;:OUTP ON")
    started = smu.now
    assert smu.tell("READ?") == "2.000000E-03"
    assert smu.now - started == pytest.approx(0.002 + 1 / 3130 - 0.01 / 60)
    assert smu.tell('MEAS? "defbuffer2",READ,SOUR,SOURSTAT') == "2.000000E-03,2.000000E+00,128"
    smu.tell('SENS:COUN 3;:TRAC:CLE "defbuffer1";TRIG "defbuffer1"')
    assert smu.tell('TRAC:ACT? "defbuffer1";:TRAC:ACT? "defbuffer2"') == "3;1"
    assert smu.tell('TRAC:DATA? 2,3,"defbuffer1",SOUR') == "2.000000E+00,2.000000E+00"
    smu.tell("TRAC:POIN 10")
    assert smu.tell("TRAC:POIN?;:TRAC:ACT?") == "10;0"
    assert smu.error == NO_ERROR


@pytest.mark.parametrize(
    ("form", "letter", "size"), [("REAL", "d", 8), ("SRE", "f", 4)],
)  # fmt: skip
def test_binary_readings(smu, form, letter, size):
    smu.tell(f"SOUR:VOLT 1.5;:OUTP ON;:FORM {form};:FORM:BORD NORM")
    reply = smu.smu.respond(b'READ? "defbuffer1",SOUR,READ\n')
    assert (reply[:2], reply[-1:], len(reply)) == (b"#0", b"\n", 3 + 2 * size)
    assert struct.unpack(f">2{letter}", reply[2:-1]) == pytest.approx((1.5, 1.5e-3))


def test_limits(smu):
    smu.tell("SOUR:VOLT:ILIM 1e-3;:SOUR:VOLT 0.9;:OUTP ON")
    assert (smu.tell("SOUR:VOLT:ILIM:TRIP?"), smu.level) == ("0", 0.9)
    smu.tell("SOUR:VOLT -1.5;:SENS:CURR:RSEN OFF")
    assert (smu.tell("SOUR:VOLT:ILIM:TRIP?"), smu.level) == ("1", -1.0)
    assert smu.tell('READ? "defbuffer1",READ,SOURSTAT') == "-1.000000E-03,160"
    assert smu.tell("SOUR:CURR:VLIM:TRIP?") == "0"
    smu.tell("OUTP OFF;:SOUR:FUNC CURR;:SOUR:CURR:VLIM 2;:SENS:FUNC 'VOLT';:SOUR:CURR 1e-2")
    smu.tell("OUTP ON")
    assert (smu.tell("SOUR:CURR:VLIM:TRIP?"), smu.level) == ("1", pytest.approx(2e-3))
    assert smu.tell("READ?") == "2.000000E+00"


def test_overflow_of_a_fixed_range(smu):
    smu.tell("SOUR:VOLT:ILIM 1e-3;:SENS:CURR:RANG 1e-3;:OUTP ON")
    smu.world.drive(("smu", "sense"), -1.1e-3)
    assert smu.tell("READ?") == "-9.900000E+37"


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("SOUR:VOLT 211", '-222,"Parameter data out of range;1;'),
        ("SOUR:VOLT:RANG 2;:SOUR:VOLT 2.2", '-222,"Parameter data out of range;1;'),
        ("SOUR:VOLT:ILIM 2", '-222,"Parameter data out of range;1;'),
        ("SENS:CURR:RANG 0.1;:SOUR:VOLT:ILIM 1e-5", '-222,"Parameter data out of range;1;'),
        ("READ?", '802,"Not permitted with OUTPUT off;1;'),
        ("INIT", '-221,"Settings conflict;1;'),
        ("FETC?", '-230,"Data corrupt or stale;1;'),
        ('TRAC:DATA? 1,2,"defbuffer1"', '-222,"Parameter data out of range;1;'),
        ('TRAC:ACT? "mine"', '-224,"Illegal parameter value;1;'),
        ('TRIG:LOAD "SimpleLoop"', '-224,"Illegal parameter value;1;'),
        ("TRIG:BLOC:WAIT 1,KEY", '-224,"Illegal parameter value;1;'),
        ('TRIG:BLOC:CONF:NEXT 1,"mine"', '-224,"Illegal parameter value;1;'),
        ("TRIG:TIM9:DEL 1", '-114,"Header suffix out of range;1;'),
        ("DIG:LINE7:MODE TRIG,IN", '-114,"Header suffix out of range;1;'),
        ("SOUR:LIST:VOLT " + ",".join(["1"] * 101), '-223,"Too much data;1;'),
        ("SOUR:SWE:VOLT:LIN 0,1,3", '-113,"Undefined header;1;'),
        ("SENS:CURR:PROT 1", '-113,"Undefined header;1;'),
    ],
)
def test_errors(smu, command, error):
    assert smu.tell(command) == ""
    assert smu.error.startswith(error)
    assert smu.error == NO_ERROR


@pytest.mark.parametrize("command", ["SENS:CURR:RSEN ON", "ROUT:TERM REAR", "SOUR:FUNC CURR"])
def test_what_switches_the_output_off(smu, command):
    smu.tell("OUTP ON")
    assert smu.level == 0.0
    smu.tell(command)
    assert (smu.tell("OUTP?"), smu.level) == ("0", None)


def test_a_list_with_a_timer(smu):
    smu.tell("SOUR:LIST:VOLT 1,2;:SOUR:LIST:VOLT:APP 3;:OUTP ON")
    assert smu.tell("SOUR:LIST:VOLT:POIN?") == "3"
    smu.tell("TRIG:TIM1:STAR:STIM NOT2;:TRIG:TIM1:DEL 0.1;COUN 3;CLE;STAT ON")
    for command in (
        "NOT 1,2", 'CONF:REC 2,"VoltCustomSweepList",1', "BRAN:ALW 3,6", "WAIT 4,TIM1",
        'CONF:NEXT 5,"VoltCustomSweepList"', "NOT 6,1", "DEL:CONS 7,0.01", "MEAS 8",
        "BRAN:COUN 9,3,4",
    ):  # fmt: skip
        smu.tell(f"TRIG:BLOC:{command}")
    smu.tell("INIT")
    smu.world.clock.spend(0.05)
    assert smu.tell("TRIG:STAT?").startswith("WAITING;WAITING;4")
    assert smu.tell("*OPC?;:TRAC:ACT?") == "1;3"
    assert smu.tell("TRIG:STAT?") == "IDLE;IDLE;10"
    assert [level for _, level in smu.pulses] == [1.0, 2.0, 3.0]
    first, second, third = (when for when, _ in smu.pulses)
    assert (second - first, third - second) == pytest.approx((0.1, 0.1), abs=1e-4)
    assert smu.tell('TRAC:DATA? 1,3,"defbuffer1"') == "1.000000E-03,2.000000E-03,3.000000E-03"
    assert (smu.level, smu.tell("SOUR:VOLT?")) == (3.0, "3.000000E+00")
    assert smu.error == NO_ERROR


def test_waiting_for_pulses(smu):
    smu.tell("OUTP ON;:TRIG:BLOC:WAIT 1,DIG1;:TRIG:BLOC:MEAS 2;:TRIG:BLOC:BRAN:COUN 3,3,1")
    smu.pulse()  # detected before
    smu.tell("INIT")
    smu.world.clock.spend(0.1)
    assert smu.tell("TRAC:ACT?") == "1"
    smu.pulse(0.0005)
    smu.pulse(0.0005)  # while it measures, detected
    smu.pulse()  # likewise, and not counted twice
    assert smu.tell("TRAC:ACT?;:TRIG:STAT?") == "3;IDLE;IDLE;4"
    smu.tell("TRIG:DIG1:IN:CLE;:TRIG:BLOC:WAIT 1,DIG1,ENT;:INIT")
    smu.pulse()
    assert smu.tell("*OPC?") == ""
    smu.tell("ABOR")
    assert smu.tell("TRIG:STAT?").startswith("IDLE")
    smu.tell('TRIG:LOAD "Empty"')
    assert smu.tell("TRIG:STAT?").startswith("EMPTY")


def test_other_blocks(smu):
    smu.tell("OUTP OFF;:TRIG:BLOC:SOUR:STAT 1,ON;:TRIG:BLOC:NOP 2;:TRIG:BLOC:MEAS 3,'defbuffer2',4")
    smu.tell("TRIG:BLOC:SOUR:STAT 4,OFF;:TRIG:BLOC:BUFF:CLE 5,'defbuffer1';:INIT;*WAI")
    assert smu.tell("TRAC:ACT? 'defbuffer2';:OUTP?") == "4;0"
    smu.tell('TRIG:BLOC:CONF:REC 1,"CurrCustomSweepList";:INIT;*WAI')
    assert smu.error.startswith('-221,"Settings conflict')
    assert smu.error == NO_ERROR


def test_noise_falls_with_integration():
    setup = Setup(seed=1)
    setup.tell("SENS:CURR:RANG 1e-4;:OUTP ON;:SENS:COUN 1000")
    setup.tell("SENS:CURR:NPLC 0.01;:TRAC:TRIG")
    readings = [float(text) for text in setup.tell('TRAC:DATA? 1,1000,"defbuffer1"').split(",")]
    rms = (sum(reading**2 for reading in readings) / 1000) ** 0.5
    assert rms == pytest.approx(1e-9, rel=0.1)
