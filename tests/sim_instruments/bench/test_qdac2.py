"""The simulated QDAC-II in its own dialect."""

from __future__ import annotations

import numpy as np
import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.qdac2 import Qdac2
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World

NO_ERROR = '0, "No error"'


class Setup:
    """A QDAC-II, a note of its trigger outputs, and a hand at its trigger inputs."""

    def __init__(self, **keys):
        self.world = World(None, Wiring((), ()), VirtualClock(), **keys)
        self.box = Qdac2(self.world.plug("dac"))
        self.pulses = []
        self.world.pulse = lambda place: self.pulses.append((place[1], self.now))

    def tell(self, text, block=None):
        message = text.encode()
        if block is not None:
            message += b"#%d%d" % (len(str(len(block))), len(block)) + block
        return self.box.respond(message + b"\n").decode().removesuffix("\n")

    def trigger(self, number=1):
        for act in self.world._listeners["dac", f"ext{number}"]:
            act()

    def level(self, channel):
        return self.world.level("dac", str(channel))

    def spend(self, seconds):
        self.world.clock.spend(seconds)

    @property
    def now(self):
        return round(self.world.clock.now(), 6)

    @property
    def error(self):
        return self.tell("SYST:ERR?")


@pytest.fixture
def dac():
    return Setup(noise=0)


def test_identity_and_rest(dac):
    assert dac.tell("*IDN?") == "QDevil, QDAC-II, A001234, 13-1.57"
    assert {dac.level(n) for n in range(1, 25)} == {0.0}
    assert dac.error == NO_ERROR


def test_levels(dac):
    dac.tell("SOUR3:VOLT 1.5;:SOUR4:VOLT:LEV:IMM:AMPL -2;:SOUR:VOLT 0.25,(@5,6)")
    assert [dac.level(n) for n in (3, 4, 5, 6, 7)] == [1.5, -2, 0.25, 0.25, 0]
    assert dac.tell("SOUR3:VOLT?;:SOUR:VOLT:LAST? (@4,5)") == "1.5;-2,0.25"
    dac.tell("SOUR3:VOLT 0.1")
    assert dac.level(3) == float(np.float32(0.1))
    assert dac.error == NO_ERROR


def test_settings_read_back(dac):
    dac.tell("SOUR:RANG LOW,(@1,2);FILT DC,(@2);:SOUR2:VOLT:SLEW 50;:SENS:RANG LOW,(@2)")
    dac.tell("SENS2:NPLC 10;:OUTP:TRIG5:SOUR INT3;WIDT 1E-3;:SOUR2:DC:DEL 2;MARK:SEND 4")
    dac.tell("SOUR2:DC:TRIG:SOUR EXT4;:SOUR2:DC:INIT:CONT OFF;:SOUR2:LIST:DIR DOWN;COUN 3")
    answers = {
        "SOUR:RANG? (@1,2,3)": "LOW,LOW,HIGH", "SOUR:FILT? (@1,2)": "HIGH,DC",
        "SOUR2:VOLT:SLEW?": "50", "SOUR1:VOLT:SLEW?": "INF", "SENS:RANG? (@2,3)": "LOW,HIGH",
        "SENS2:NPLC?": "10", "OUTP:TRIG5:SOUR?": "INT3", "OUTP:TRIG5:WIDT?": "0.001",
        "SOUR2:DC:DEL?": "2", "SOUR2:DC:MARK:SEND?": "4", "SOUR2:DC:MARK:SST?": "0",
        "SOUR2:DC:TRIG:SOUR?": "EXT4", "SOUR2:DC:INIT:CONT?": "0", "SOUR2:LIST:DIR?": "DOWN",
        "SOUR2:LIST:COUN?": "3", "SOUR2:LIST:TMOD?": "AUTO", "SOUR2:VOLT:MODE?": "FIX",
    }  # fmt: skip
    for query, answer in answers.items():
        assert dac.tell(query) == answer
    dac.tell("*RST")
    assert dac.tell("SOUR:RANG? (@1);:OUTP:TRIG5:SOUR?") == "HIGH;HOLD"
    assert dac.error == NO_ERROR


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("SOUR1:VOLT 10.5", '-222, "Data out of range"'),
        ("SOUR1:RANG LOW;VOLT 2.5", '-222, "Data out of range"'),
        ("SOUR1:VOLT 5;RANG LOW", '-221, "Settings conflict"'),
        ("SOUR25:VOLT 1", '-114, "Header suffix out of range"'),
        ("SOUR:VOLT 1,(@0,2)", '-114, "Header suffix out of range"'),
        ("SOUR:VOLT 1,(1:3)", '-102, "Syntax error"'),
        ("SOUR:VOLT (@1,2)", '-109, "Missing parameter"'),
        ("SOUR1:VOLT:MODE SWE", '-224, "Illegal parameter value"'),
        ("OUTP:TRIG6:SOUR BUS", '-114, "Header suffix out of range"'),
        ("SOUR1:LIST:DWEL 1e-7", '-222, "Data out of range"'),
        ("SOUR1:LIST:VOLT 1,11", '-222, "Data out of range"'),
        ("SOUR1:SINE:FREQ 1", '-113, "Undefined header"'),
        ("OUTP1 ON", '-113, "Undefined header"'),
    ],
)
def test_errors(dac, command, error):
    assert dac.tell(command) == ""
    assert dac.tell("SYST:ERR:COUN?") == "1"
    assert dac.error == error
    assert dac.error == NO_ERROR


@pytest.mark.parametrize(
    ("block", "error"),
    [
        (b"\x00\x00\x80", -161),
        (b"", -109),
        (b"\x00\x00\x30\x41", -222),
        (b"\x00\x00\xc0\x7f", -222),
    ],
)
def test_blocks_that_are_none(dac, block, error):
    dac.tell("SOUR1:LIST:VOLT ", block)
    assert dac.error.startswith(str(error))
    assert dac.tell("SOUR1:LIST:POIN?") == "1"


def test_a_ramp_takes_its_time(dac):
    dac.tell("SOUR1:VOLT:SLEW 10;:SOUR1:VOLT 1")
    assert dac.tell("SOUR1:VOLT:LAST?") == "1"
    dac.spend(0.051)
    assert dac.level(1) == pytest.approx(0.5, abs=0.05)
    dac.tell("SOUR1:VOLT 0.5")
    dac.spend(0.2)
    assert dac.level(1) == 0.5


def loaded(dac, more=""):
    dac.tell("SOUR1:VOLT 0.75;VOLT:MODE LIST")
    dac.tell("SOUR1:LIST:VOLT ", np.array([1, 2, 3], "<f4").tobytes())
    dac.tell(f"SOUR1:LIST:DWEL 0.01;:SOUR1:DC:MARK:SST 7;:OUTP:TRIG2:SOUR INT7{more}")
    assert dac.error == NO_ERROR


def test_a_list_with_markers(dac):
    loaded(dac, ";:SOUR1:DC:MARK:END 8;STAR 9;:OUTP:TRIG1:SOUR INT8;:OUTP:TRIG3:SOUR INT9")
    dac.tell("SOUR1:DC:TRIG:SOUR INT1;:SOUR1:DC:INIT")
    assert dac.tell("SOUR1:LIST:POIN?;NCL?") == "3;1"
    assert dac.level(1) == 0.75
    dac.tell("TINT 2")
    dac.tell("TINT 1")
    seen = []
    for _ in range(3):
        dac.spend(0.005)
        seen.append(dac.level(1))
        dac.spend(0.005)
    assert seen == [1, 2, 3]
    assert dac.tell("SOUR1:LIST:NCL?;:SOUR1:VOLT:LAST?") == "0;3"
    assert sorted(dac.pulses) == [
        ("trig1", 0.03), ("trig2", 0.0), ("trig2", 0.01), ("trig2", 0.02), ("trig3", 0.0)
    ]  # fmt: skip
    dac.tell("TINT 1")
    dac.spend(0.1)
    assert len(dac.pulses) == 5


def test_markers_come_when_all_channels_have_stepped(dac):
    seen = []
    dac.world.pulse = lambda place: seen.append((dac.level(1), dac.level(2)))
    loaded(dac)
    dac.tell("SOUR2:VOLT:MODE LIST;:SOUR2:LIST:VOLT 4,5,6;DWEL 0.01")
    dac.tell("SOUR:DC:TRIG:SOUR INT1,(@1,2);:SOUR:DC:INIT (@1,2);:TINT 1")
    dac.spend(0.1)
    assert seen == [(1, 4), (2, 5), (3, 6)]


def test_several_cycles_backwards(dac):
    loaded(dac, ";:SOUR1:LIST:COUN 2;DIR DOWN")
    dac.tell("SOUR1:DC:TRIG:SOUR IMM;:SOUR1:DC:INIT")
    assert dac.level(1) == 3
    dac.spend(0.045)
    assert (dac.level(1), dac.tell("SOUR1:LIST:NCL?")) == (2, "1")
    dac.spend(0.1)
    assert (dac.level(1), dac.tell("SOUR1:LIST:NCL?")) == (1, "0")


def test_stepped_by_triggers_that_must_not_come_within_the_dwell(dac):
    loaded(dac, ";:SOUR1:LIST:TMOD STEP;:SOUR1:DC:TRIG:SOUR EXT3;:SOUR1:DC:INIT")
    dac.trigger(1)
    assert dac.level(1) == 0.75
    dac.trigger(3)
    dac.trigger(3)
    assert dac.level(1) == 1
    for wanted in (2, 3, 3):
        dac.spend(0.02)
        dac.trigger(3)
        assert dac.level(1) == wanted
    assert dac.tell("SOUR1:LIST:NCL?") == "0"


def test_initiated_again_by_itself(dac):
    loaded(dac, ";:SOUR1:DC:TRIG:SOUR BUS;:SOUR1:DC:INIT:CONT ON")
    for _ in range(2):
        assert dac.tell("SOUR1:LIST:NCL?") == "1"
        dac.tell("*TRG")
        dac.spend(0.1)
    assert len(dac.pulses) == 6


@pytest.mark.parametrize("stop", ["SOUR1:DC:ABOR", "ABOR"])
def test_abort_and_the_fixed_level(dac, stop):
    loaded(dac, ";:SOUR1:DC:INIT")
    dac.spend(0.015)
    dac.tell(stop)
    dac.spend(0.1)
    assert dac.level(1) == 2
    dac.tell("SOUR1:VOLT 0.5")
    assert dac.level(1) == 2
    dac.tell("SOUR1:VOLT:MODE FIX")
    assert dac.level(1) == 0.5


def test_currents(dac):
    dac.world.set_load("dac", "2", 100.0)
    dac.tell("SOUR:VOLT 0.5,(@1,2);:SENS:NPLC 5,(@1,2)")
    started = dac.now
    assert dac.tell("READ? (@1,2)") == "5E-07,0.005"
    assert dac.now - started == pytest.approx(0.1)
    dac.tell("SENS:RANG LOW,(@1,2)")
    assert dac.tell("READ? (@1,2)") == "2E-07,2E-07"
    noisy = Setup(seed=2)
    noisy.tell("SENS1:RANG LOW")
    assert 0 < abs(float(noisy.tell("READ1?"))) < 2e-10
