"""The simulated 2400 in its own dialect."""

from __future__ import annotations

import struct

import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keithley_2400 import Keithley2400
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World

NO_ERROR = '0,"No error"'
NAN = "+9.910000E+37"


class Setup:
    """The unit with a load of 1 kΩ, a conductor's cable to line 1 and one from line 2."""

    def __init__(self, model="2400", **keys):
        cables = (
            Cable(("dac", ""), ("smu", "trigger_link_1")),
            Cable(("smu", "trigger_link_2"), ("dmm", "")),
        )
        self.world = World(None, Wiring((), (), cables), VirtualClock(), **keys)
        self.smu = Keithley2400(self.world.plug("smu"), model)
        self.world.set_load("smu", "1", 1000.0)
        self.pulses = []
        self.world.plug("dmm").listen("in", lambda: self.pulses.append(self.level))

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


@pytest.fixture
def smu():
    setup = Setup(noise=0)
    setup.tell("SYST:AZER OFF;:SOUR:DEL 0;:FORM:ELEM VOLT,CURR")
    return setup


def test_identity():
    assert Setup().tell("*IDN?").startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,")
    assert Setup("2401").tell("*IDN?").startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2401,")
    assert Setup().tell("SYST:VERS?") == "1996.0"


def test_after_a_reset(smu):
    smu.tell(":SOUR:FUNC CURR;:SOUR:CURR 1e-3;:OUTP ON;:SENS:VOLT:PROT 5;:SYST:RSEN ON")
    smu.tell("*RST")
    answers = {
        "OUTP?": "0", "SOUR:FUNC?": "VOLT", "SOUR:VOLT?": "0.000000E+00", "SYST:RSEN?": "0",
        "SENS:CURR:PROT?": "1.050000E-04", "SENS:VOLT:PROT?": "2.100000E+01",
        "SENS:FUNC?": '"CURR:DC"', "SYST:AZER?": "1", "OUTP:SMOD?": "NORM", "ROUT:TERM?": "FRON",
        "FORM:ELEM?": "VOLT,CURR,RES,TIME,STAT", "SENS:CURR:NPLC?": "1.000000E+00",
        "SOUR:DEL:AUTO?": "1", "SYST:LFR?": "50", "TRAC:POIN?": "100",
    }  # fmt: skip
    for query, answer in answers.items():
        assert smu.tell(query) == answer, query
    assert smu.error == NO_ERROR


def test_a_reading_takes_its_time(smu):
    smu.tell("SENS:CURR:PROT 0.01;:SOUR:VOLT 2;:OUTP ON;:SENS:CURR:NPLC 0.5")
    started = smu.now
    assert smu.tell("READ?") == "+2.000000E+00,+2.000000E-03"
    assert smu.now - started == pytest.approx(0.01 + 185e-6 + 640e-6)
    smu.tell("SYST:AZER ON;:SOUR:DEL 0.1;:TRIG:COUN 2;DEL 0.05")
    started = smu.now
    assert smu.tell("READ?").count(",") == 3
    assert smu.now - started == pytest.approx(2 * (0.15 + 3 * (0.01 + 185e-6) + 2.15e-3))
    assert smu.error == NO_ERROR


def test_it_integrates_what_changes_meanwhile(smu):
    smu.tell("SENS:CURR:PROT 0.1;:OUTP ON;:FORM:ELEM CURR")
    plug = smu.world.plug("chip")
    plug.later(0.019, lambda: smu.world.drive(("smu", "sense"), 6e-3))
    assert smu.tell("READ?") == "+1.000000E-03"  # Simpson: a sixth has the last value
    assert smu.tell("READ?") == "+6.000000E-03"


def test_the_status_of_a_reading(smu):
    smu.tell("FORM:ELEM STAT;:SENS:CURR:PROT 1e-3;:SOUR:VOLT 0.5;:OUTP ON")
    assert int(float(smu.tell("READ?"))) == 1 << 2 | 1 << 12 | 1 << 14
    smu.tell("SYST:RSEN ON;:ROUT:TERM REAR;:SENS:FUNC 'VOLT';:OUTP ON")
    assert int(float(smu.tell("READ?"))) == 1 << 11 | 1 << 14 | 1 << 22
    smu.tell("SENS:FUNC 'CURR';:SOUR:VOLT 2")
    assert int(float(smu.tell("READ?"))) & 1 << 3
    smu.world.drive(("smu", "sense"), 2.0)
    assert int(float(smu.tell("READ?"))) & 1 << 0


def test_compliance(smu):
    smu.tell("SENS:CURR:PROT 1e-3;:SOUR:VOLT 0.9;:OUTP ON")
    assert (smu.tell("SENS:CURR:PROT:TRIP?"), smu.level) == ("0", 0.9)
    smu.tell("SOUR:VOLT -1.5")
    assert (smu.tell("SENS:CURR:PROT:TRIP?"), smu.level) == ("1", -1.0)
    assert smu.tell("READ?") == "-1.500000E+00,-1.000000E-03"
    assert int(smu.tell("STAT:MEAS?")) & 1 << 14
    smu.world.set_load("smu", "1", 1e4)
    assert (smu.tell("SENS:CURR:PROT:TRIP?"), smu.level) == ("0", -1.5)
    assert smu.tell("SENS:VOLT:PROT:TRIP?") == "0"
    smu.tell("OUTP OFF;:SOUR:FUNC CURR;:SENS:VOLT:PROT 2;:SENS:FUNC 'VOLT'")
    smu.tell("SOUR:CURR 1e-3;:OUTP ON")
    assert (smu.tell("SENS:VOLT:PROT:TRIP?"), smu.level) == ("1", 2e-4)
    assert smu.tell("READ?") == "+2.000000E+00,+1.000000E-03"


def test_overflow_of_a_fixed_range(smu):
    smu.tell("SENS:CURR:PROT 1e-3;RANG 1e-3;:OUTP ON")
    smu.world.drive(("smu", "sense"), -1.1e-3)
    assert smu.tell("READ?") == "+0.000000E+00,-9.900000E+37"
    smu.tell("FORM:ELEM RES,TIME")
    assert smu.tell("READ?").startswith(f"{NAN},+")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("SOUR:VOLT 211", '-222,"Parameter data out of range"'),
        ("SOUR:VOLT:RANG 2;:SOUR:VOLT 2.2", '-222,"Parameter data out of range"'),
        ("SENS:CURR:PROT 2", '-222,"Parameter data out of range"'),
        ("SENS:CURR:NPLC 11", '-222,"Parameter data out of range"'),
        ("TRIG:COUN 2501", '-222,"Parameter data out of range"'),
        ("SENS:CURR:PROT 1e-3;RANG 1", '+824,"Cannot exceed compliance range"'),
        (
            "SENS:CURR:PROT 1;RANG 1;PROT 1e-4",
            '+822,"Too small for sense range"',
        ),
        ("READ?", '+803,"Not permitted with OUTPUT off"'),
        ("INIT", '+803,"Not permitted with OUTPUT off"'),
        ("FETC?", '-230,"Data corrupt or stale"'),
        ("TRAC:DATA?", '-230,"Data corrupt or stale"'),
        ("TRAC:FEED:CONT NEXT;:TRAC:POIN 3", '+800,"Illegal with storage active"'),
        ("SOUR:LIST:VOLT " + ",".join(["1"] * 101), '-223,"Too much data"'),
        ("SOUR:LIST:CURR 2", '-222,"Parameter data out of range"'),
        ("SENS:FUNC 'RES'", '-224,"Illegal parameter value"'),
        ("TRIG:SOUR TIM", '-224,"Illegal parameter value"'),
        ("CALC2:LIM:FAIL?", '-113,"Undefined header"'),
        ("SOUR:VOLT:ILIM 1", '-113,"Undefined header"'),
    ],
)
def test_errors(smu, command, error):
    assert smu.tell(command) == ""
    assert smu.error == error
    assert smu.error == NO_ERROR


def test_the_error_queue_holds_ten(smu):
    for _ in range(12):
        smu.tell("NONSENSE")
    errors = [smu.error for _ in range(11)]
    assert errors[9:] == ['-350,"Queue overflow"', NO_ERROR]


def test_an_output_that_is_blocked(smu):
    smu.smu.is_enabled = False
    smu.tell("OUTP ON")
    assert smu.error == '+802,"OUTPUT blocked by output enable"'
    assert smu.tell("OUTP?") == "0"


@pytest.mark.parametrize("command", ["SYST:RSEN ON", "ROUT:TERM REAR", "SOUR:FUNC CURR"])
def test_what_switches_the_output_off(smu, command):
    smu.tell("OUTP ON;:SYST:RSEN OFF;:ROUT:TERM FRON;:SOUR:FUNC VOLT")
    assert smu.tell("OUTP?") == "1"
    smu.tell(command)
    assert (smu.tell("OUTP?"), smu.level) == ("0", None)


@pytest.mark.parametrize(("order", "sign"), [("SWAP", "<"), ("NORM", ">")])
def test_binary_readings(smu, order, sign):
    smu.tell(f"SENS:CURR:PROT 0.01;:SOUR:VOLT 1.5;:OUTP ON;:FORM SRE;:FORM:BORD {order}")
    reply = smu.smu.respond(b"READ?\n")
    assert (reply[:2], reply[-1:], len(reply)) == (b"#0", b"\n", 11)
    assert struct.unpack(f"{sign}2f", reply[2:-1]) == pytest.approx((1.5, 1.5e-3))


LIST = "SENS:CURR:PROT 0.01;:SOUR:LIST:VOLT 1,2;:SOUR:LIST:VOLT:APP 3;:SOUR:VOLT:MODE LIST"


def test_a_list(smu):
    smu.tell(f"{LIST};:TRIG:COUN 3;OUTP SOUR;:TRAC:POIN 3;FEED SENS;FEED:CONT NEXT;:OUTP ON")
    assert smu.tell("SOUR:LIST:VOLT:POIN?") == "3"
    smu.tell("INIT")
    assert smu.pulses == []
    assert smu.tell("TRAC:POIN:ACT?") == "3"  # answered when it is idle again
    assert smu.pulses == [1.0, 2.0, 3.0]
    assert smu.tell("FORM:ELEM CURR;:TRAC:DATA?") == "+1.000000E-03,+2.000000E-03,+3.000000E-03"
    assert (smu.level, smu.tell("SOUR:VOLT?")) == (3.0, "0.000000E+00")
    smu.tell("SOUR:VOLT:MODE FIX")
    assert smu.level == 0.0
    assert smu.error == NO_ERROR


def test_a_pulse_a_step(smu):
    smu.tell(f"{LIST};:TRIG:COUN 3;SOUR TLIN;:TRAC:POIN 3;FEED:CONT NEXT;:OUTP ON;:INIT")
    for level in (1.0, 2.0, 3.0):
        smu.world.pulse(("dac", "marker"))
        smu.world.clock.spend(0.05)
        assert smu.level == level
    assert smu.tell("TRAC:POIN:ACT?") == "3"


def test_a_pulse_that_comes_too_early_is_kept_once(smu):
    smu.tell(f"{LIST};:TRIG:COUN 3;SOUR TLIN;:TRAC:POIN 3;FEED:CONT NEXT;:OUTP ON")
    smu.world.pulse(("dac", "marker"))
    smu.tell("TRIG:CLE;:INIT")
    for _ in range(5):
        smu.world.pulse(("dac", "marker"))
        smu.world.clock.spend(0.001)
    smu.world.clock.spend(1)
    assert smu.level == 2.0
    # It waits for the third, and nothing but an abort reaches it.
    assert smu.tell("*IDN?") == ""
    smu.tell("ABOR")
    assert smu.tell("TRAC:POIN:ACT?") == "2"


def test_service_requests(smu):
    smu.tell("STAT:PRES;*CLS;*SRE 1;:STAT:MEAS:ENAB 512;:TRAC:POIN 2;FEED:CONT NEXT;:TRIG:COUN 2")
    assert smu.tell("*STB?") == "0"
    smu.tell("OUTP ON;:INIT")
    assert int(smu.tell("*STB?")) & 65 == 65
    smu.tell("STAT:PRES")
    assert int(smu.tell("*STB?")) & 1 == 0


def test_noise_falls_with_integration():
    setup = Setup(seed=1)
    setup.tell("SENS:CURR:PROT 1e-3;RANG 1e-3;:OUTP ON;:FORM:ELEM CURR;:TRIG:COUN 1000")
    rms = {}
    for nplc in (0.01, 1):
        setup.tell(f"SENS:CURR:NPLC {nplc}")
        readings = [float(text) for text in setup.tell("READ?").split(",")]
        rms[nplc] = (sum(reading**2 for reading in readings) / 1000) ** 0.5
    assert rms[1] == pytest.approx(1e-9, rel=0.1)
    assert rms[0.01] == pytest.approx(1e-8, rel=0.1)
