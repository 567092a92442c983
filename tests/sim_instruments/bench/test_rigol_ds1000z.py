"""The simulated oscilloscope in its own dialect."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.rigol_ds1000z import RigolDS1000Z
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::scope.lab::5555::SOCKET"
NO_ERROR = '0,"No error"'


class Setup:
    """The oscilloscope, with a source at each input."""

    def __init__(self, **keys):
        self.world = World(None, Wiring((), ()), VirtualClock(), **keys)
        self.plug = self.world.plug("scope")
        self.scope = RigolDS1000Z(self.plug)

    def tell(self, text):
        return self.scope.respond(text.encode() + b"\n").removesuffix(b"\n").decode("latin-1")

    def codes(self):
        reply = self.scope.respond(b":WAV:DATA?\n")
        assert reply[:2] == b"#9"
        assert int(reply[2:11]) == len(reply) - 12
        return np.frombuffer(reply[11:-1], np.uint8)

    def spend(self, seconds):
        self.world.clock.spend(seconds)

    @property
    def status(self):
        return self.tell(":TRIG:STAT?")


@pytest.fixture
def scope():
    setup = Setup(noise=0)
    setup.tell(":CHAN1:SCAL 0.5;:TIM:SCAL 1e-3;:WAV:FORM BYTE")
    return setup


def test_identity(scope):
    assert scope.tell("*IDN?") == "RIGOL TECHNOLOGIES,DS1054Z,DS1ZA170000001,00.04.04.SP4"


def test_a_single_acquisition(scope):
    assert scope.status == "AUTO"
    scope.tell(":SING")
    assert scope.status == "RUN"
    scope.tell(":TFOR")  # too early
    scope.spend(0.0061)
    assert scope.status == "WAIT"
    scope.spend(0.1)
    scope.tell(":TFOR")
    assert scope.status == "TD"
    scope.spend(0.0061)
    assert scope.status == "STOP"
    assert scope.tell("SYST:ERR?") == NO_ERROR


def single(scope):
    scope.tell(":SING")
    scope.spend(0.0061)
    scope.tell(":TFOR")
    scope.spend(0.0061)
    assert scope.status == "STOP"


def test_codes_and_preamble(scope):
    scope.plug.drive("1", 1.0)
    scope.tell(":CHAN1:OFFS -0.5")
    single(scope)
    preamble = [float(text) for text in scope.tell(":WAV:PRE?").split(",")]
    assert preamble == [0, 0, 1200, 1, 1e-5, -6e-3, 0, 0.02, -25, 127]
    codes = scope.codes()
    assert set(codes.tolist()) == {127 + 25}
    assert (codes[0] - preamble[8] - preamble[9]) * preamble[7] == pytest.approx(1.0)


def test_the_trigger_is_in_the_middle(scope):
    scope.tell(":SING")
    scope.spend(0.0061)
    scope.tell(":TFOR")
    scope.plug.later(0.003, lambda: scope.plug.drive("1", 2.0))
    scope.spend(0.0061)
    codes = scope.codes().astype(float)
    assert codes[:880].max() == 127
    assert codes[960:].min() == 227  # three divisions right of the middle, a look later


@pytest.mark.parametrize(("slope", "levels"), [("POS", (0.0, 1.0)), ("NEG", (1.0, 0.0))])
def test_edges(scope, slope, levels):
    scope.plug.drive("2", levels[0])
    scope.tell(f":TRIG:EDG:SOUR CHAN2;SLOP {slope};LEV 0.5;:SING")
    scope.spend(0.05)
    assert scope.status == "WAIT"
    scope.plug.drive("2", levels[1])
    scope.spend(0.0012)
    assert scope.status == "TD"
    scope.tell(":STOP")
    scope.plug.drive("2", levels[0])
    scope.tell(":SING")
    scope.spend(0.05)
    assert scope.status == "WAIT"  # an edge the other way before it waited


def test_a_mark_at_the_trigger(scope):
    pulses = []
    scope.world.pulse = pulses.append
    single(scope)
    assert pulses == [("scope", "trig_out")]


def test_clipping(scope):
    scope.plug.drive("1", 5.0)
    single(scope)
    assert set(scope.codes().tolist()) == {255}
    scope.plug.drive("1", -5.0)
    single(scope)
    assert set(scope.codes().tolist()) == {0}


def test_inverted_and_grounded(scope):
    scope.plug.drive("1", 1.0)
    single(scope)
    scope.tell(":CHAN1:INV ON")
    assert set(scope.codes().tolist()) == {77}
    scope.tell(":CHAN1:COUP GND")
    assert set(scope.codes().tolist()) == {127}


def test_memory(scope):
    scope.tell(":CHAN2:DISP ON;:ACQ:MDEP 6000")
    assert scope.tell(":ACQ:MDEP?") == "6000"
    single(scope)
    scope.tell(":WAV:MODE RAW;STAR 1;STOP 6000")
    assert len(scope.codes()) == 6000
    assert scope.tell(":WAV:PRE?").split(",")[:5] == ["0", "2", "6000", "1", "2.000000e-06"]
    scope.tell(":WAV:STAR 5901")
    assert len(scope.codes()) == 100
    scope.tell(":RUN;:WAV:DATA?")
    assert scope.tell("SYST:ERR?") == '-221,"Settings conflict"'


def test_formats(scope):
    scope.plug.drive("1", 0.1)
    single(scope)
    scope.tell(":WAV:FORM WORD")
    reply = scope.scope.respond(b":WAV:DATA?\n")
    assert reply[:13] == b"#9000002400\x84\x00"
    scope.tell(":WAV:FORM ASC")
    assert scope.tell(":WAV:DATA?").split(",") == ["1.000000e-01"] * 1200


@pytest.mark.parametrize(
    ("command", "query", "answer"),
    [
        (":CHAN1:SCAL 0.3", ":CHAN1:SCAL?", "5.000000e-01"),
        (":CHANnel3:PROB 10;SCAL 50", ":CHAN3:SCAL?", "5.000000e+01"),
        (":CHAN3:OFFS 1.5", ":CHANNEL3:OFFSET?", "1.500000e+00"),
        (":TIM:MAIN:SCAL 0.0003", ":TIM:SCAL?", "5.000000e-04"),
        (":ACQ:MDEP 12000", ":ACQ:MDEP?", "12000"),
        (":WAV:SOUR CHANnel4", ":WAV:SOUR?", "CHAN4"),
        (":TRIG:EDG:SOUR CHAN3", ":TRIG:EDG:SOUR?", "CHAN3"),
    ],
)
def test_settings_read_back(scope, command, query, answer):
    scope.tell(command)
    assert scope.tell(query) == answer
    assert scope.tell("SYST:ERR?") == NO_ERROR
    scope.tell("*RST")
    assert scope.tell(query) != answer


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (":CHAN1:SCAL 20", '-222,"Data out of range"'),
        (":CHAN1:SCAL 0.1;OFFS 3", '-222,"Data out of range"'),
        (":CHAN5:SCAL 1", '-113,"Undefined header"'),
        (":ACQ:MDEP 5000", '-222,"Data out of range"'),
        (":WAV:SOUR MATH", '-224,"Illegal parameter value"'),
        (":TRIG:EDG:SOUR AC", '-224,"Illegal parameter value"'),
        (":CHAN1:COUP AC", '-224,"Illegal parameter value"'),
        (":ACQ:TYPE AVER", '-224,"Illegal parameter value"'),
        (":TRIG:EDG:SOUR EXT", '-224,"Illegal parameter value"'),
        (":FUNC:WREC:ENAB ON", '-113,"Undefined header"'),
        (":TIM:SCAL 100", '-222,"Data out of range"'),
    ],
)
def test_errors(scope, command, error):
    scope.tell(command)
    assert scope.tell("SYST:ERR?") == error
    assert scope.tell("SYST:ERR?") == NO_ERROR


def test_noise():
    setup = Setup(seed=1)
    setup.tell(":CHAN1:SCAL 0.5;:TIM:SCAL 1e-3;:WAV:FORM BYTE")
    single(setup)
    assert setup.codes().std() == pytest.approx(np.sqrt(0.5**2 + 1 / 12), rel=0.1)


def test_qcodes_ds1074z(scope):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drivers = pytest.importorskip("qcodes.instrument_drivers.rigol")
    scope.plug.drive("3", -1.5)
    library = simulated_library({RESOURCE: scope.scope})
    theirs = drivers.RigolDS1074Z("scope", RESOURCE, visalib=library)
    try:
        assert theirs.IDN()["model"] == "DS1054Z"
        theirs.channels[2].vertical_scale(0.5)
        theirs.trigger_mode("edge")
        theirs.trigger_edge_source("ch3")
        theirs.trigger_edge_slope("negative")
        theirs.trigger_level(0.25)
        assert theirs.trigger_edge_source() == "ch3"
        assert float(theirs.trigger_level()) == 0.25
        theirs.data_source("ch3")
        assert theirs.waveform_npoints() == 1200
        trace = theirs.channels[2].trace()
        assert np.allclose(trace, -1.5)
        assert theirs.time_axis()[0] == -6e-3
    finally:
        theirs.close()
    assert scope.tell("SYST:ERR?") == NO_ERROR
