"""The simulated multimeter in its own dialect."""

from __future__ import annotations

import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keysight_34461a import Keysight34461A
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World

OVERLOAD = "+9.90000000E+37"
NO_ERROR = '+0,"No error"'


class Setup:
    """The meter, with a source at its terminals and at its trigger input."""

    def __init__(self, model="34461A", **keys):
        self.world = World(None, Wiring((), ()), VirtualClock(), **keys)
        self.plug = self.world.plug("dmm")
        self.dmm = Keysight34461A(self.plug, model)

    def tell(self, text):
        reply = self.dmm.respond(text.encode() + b"\n")
        assert reply in (b"", b"\n") or reply.endswith(b"\n")
        return reply.decode().removesuffix("\n")

    def apply(self, volts):
        self.plug.drive("1", volts)

    def trigger(self, count=1, every=0.0):
        for _ in range(count):
            for act in self.world._listeners["dmm", "ext_trig"]:
                act()
            self.world.clock.spend(every)

    @property
    def now(self):
        return self.world.clock.now()

    @property
    def error(self):
        return self.tell("SYST:ERR?")


@pytest.fixture
def meter():
    setup = Setup(noise=0)
    setup.tell("CONF:VOLT:DC 10;:VOLT:NPLC 1;ZERO:AUTO OFF;:TRIG:DEL 0")
    return setup


def test_identity():
    assert Setup().tell("*IDN?").startswith("Keysight Technologies,34461A,MY00000001,")
    assert Setup("34465A").tell("*IDN?").startswith("Keysight Technologies,34465A,")


def test_a_reading_takes_its_time(meter):
    meter.apply(1.25)
    started = meter.now
    assert meter.tell("READ?") == "+1.25000000E+00"
    assert meter.now - started == pytest.approx(0.02)
    meter.tell("VOLT:ZERO:AUTO ON;:SAMP:COUN 3")
    started = meter.now
    assert meter.tell("READ?") == ",".join(["+1.25000000E+00"] * 3)
    assert meter.now - started == pytest.approx(3 * 0.04)
    assert meter.error == NO_ERROR


def test_it_integrates_what_changes_meanwhile(meter):
    meter.plug.later(0.015, lambda: meter.apply(6.0))
    assert meter.tell("READ?") == "+1.00000000E+00"  # Simpson: a sixth has the last value
    assert meter.tell("READ?") == "+6.00000000E+00"


def test_settings_read_back(meter):
    meter.tell("VOLT:DC:RANG 0.5;NPLC 0.1;IMP:AUTO ON;:TRIG:COUN 7;SLOP POS;:SAMP:COUN 9")
    answers = {
        "VOLT:RANG?": "+1.00000000E+00", "VOLT:RANG:AUTO?": "0", "VOLT:NPLC?": "+2.00000000E-01",
        "VOLT:IMP:AUTO?": "1", "VOLT:ZERO:AUTO?": "0", "TRIG:COUN?": "+7.00000000E+00",
        "TRIG:SLOP?": "POS", "SAMP:COUN?": "+9", "TRIG:SOUR?": "IMM", "TRIG:DEL?":
        "+0.00000000E+00", "TRIG:DEL:AUTO?": "0", "SENS:FUNC?": '"VOLT"', "SYST:LFR?": "+50",
        "CONF?": '"VOLT +1.00000000E+00,+1.00000000E-05"',
    }  # fmt: skip
    for query, answer in answers.items():
        assert meter.tell(query) == answer
    meter.tell("TRIG:COUN INF;:TRIG:DEL:AUTO ON;:VOLT:RANG:AUTO ON;:VOLT:ZERO:AUTO ON")
    assert meter.tell("TRIG:COUN?") == OVERLOAD
    assert meter.tell("TRIG:DEL?") == "+1.00000000E-03"
    meter.tell("*RST")
    assert meter.tell("VOLT:NPLC?;:VOLT:ZERO:AUTO?") == "+1.00000000E+01;1"
    assert meter.error == NO_ERROR


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("VOLT:DC:RANG 2000", '-222,"Data out of range"'),
        ("VOLT:DC:NPLC 200", '-222,"Data out of range"'),
        ("TRIG:DEL 4000", '-222,"Data out of range"'),
        ("SAMP:COUN 2000000", '-222,"Data out of range"'),
        ("TRIG:SOUR INT", '-224,"Illegal parameter value"'),
        ("CURR:DC:NPLC 1", '-113,"Undefined header"'),
        ("FORM:DATA REAL", '-113,"Undefined header"'),
        ("FETC?", '-230,"Data corrupt or stale"'),
        ("*TRG", '-211,"Trigger ignored"'),
        ("TRIG:SOUR BUS;:READ?", '-214,"Trigger deadlock"'),
        ("TRIG:SOUR EXT;:INIT;INIT", '-213,"INIT ignored"'),
    ],
)
def test_errors(meter, command, error):
    assert meter.tell(command) == ""
    assert meter.error == error
    assert meter.error == NO_ERROR


@pytest.mark.parametrize(
    ("volts", "scale", "answer"),
    [
        (11.9, "10", "+1.19000000E+01"),
        (12.1, "10", OVERLOAD),
        (-12.1, "10", "-9.90000000E+37"),
        (1001, "1000", OVERLOAD),
        (0.5, "AUTO", "+5.00000000E-01"),
        (11.9, "DEF", "+1.19000000E+01"),
    ],
)
def test_overload(meter, volts, scale, answer):
    meter.apply(volts)
    assert meter.tell(f"MEAS:VOLT:DC? {scale}") == answer
    assert meter.error == NO_ERROR


def test_autorange_once_and_by_itself(meter):
    meter.apply(50)
    meter.tell("VOLT:RANG:AUTO ONCE")
    assert meter.tell("VOLT:RANG?;RANG:AUTO?") == "+1.00000000E+02;0"
    meter.tell("VOLT:RANG:AUTO ON")
    meter.apply(0.05)
    meter.tell("READ?")
    assert meter.tell("VOLT:RANG?") == "+1.00000000E-01"


def test_one_reading_a_trigger(meter):
    meter.tell("TRIG:SOUR EXT;COUN 3;:INIT")
    assert meter.tell("DATA:POIN?") == "+0"
    for volts in (1, 2, 3):
        meter.apply(volts)
        meter.trigger()
        meter.world.clock.spend(0.03)
    assert meter.tell("DATA:POIN?") == "+3"
    assert meter.tell("FETC?") == "+1.00000000E+00,+2.00000000E+00,+3.00000000E+00"
    assert meter.tell("R? 2") == "#231+1.00000000E+00,+2.00000000E+00"
    assert meter.tell("R?") == "#215+3.00000000E+00"
    assert meter.tell("R?") == "#10"
    meter.trigger()  # it is idle
    assert meter.tell("DATA:POIN?") == "+0"
    assert meter.error == NO_ERROR


def test_triggers_that_come_too_fast_are_missed(meter):
    meter.tell("TRIG:SOUR EXT;COUN 100;:INIT")
    meter.trigger(8, every=0.005)  # a reading takes 0.02 s
    meter.world.clock.spend(1.0)
    assert meter.tell("DATA:POIN?") == "+3"  # at 0 and 0.02 s, and one that was kept


def test_a_trigger_delay_comes_before_each_reading(meter):
    meter.tell("TRIG:SOUR EXT;DEL 0.1;:INIT")
    meter.trigger()
    meter.world.clock.spend(0.09)
    meter.apply(5)
    assert meter.tell("FETC?") == "+5.00000000E+00"
    assert meter.now == pytest.approx(0.12)


def test_bus_triggers(meter):
    meter.apply(2)
    meter.tell("TRIG:SOUR BUS;COUN 2;:INIT;*TRG")
    meter.world.clock.spend(0.1)
    assert meter.tell("*TRG;*OPC?;:DATA:POIN?") == "1;+2"
    assert meter.error == NO_ERROR


def test_abort_ends_a_measurement(meter):
    meter.tell("TRIG:SOUR EXT;COUN 2;:INIT")
    meter.trigger()
    meter.tell("ABOR")
    meter.world.clock.spend(1)
    assert meter.tell("DATA:POIN?") == "+0"
    meter.tell("INIT")
    assert meter.error == NO_ERROR


def test_nothing_answers_where_triggers_never_come(meter):
    meter.tell("TRIG:SOUR EXT;:INIT")
    assert meter.tell("FETC?") == ""
    assert meter.tell("*OPC?") == ""


def test_the_memory_keeps_the_latest(meter):
    meter.tell("VOLT:NPLC 0.02;:SAMP:COUN 10001")
    for k in range(4):
        meter.plug.later(0.0005 + 0.001 * k, lambda k=k: meter.apply(float(k)))
    meter.tell("INIT;*WAI")
    assert meter.tell("DATA:POIN?") == "+10000"
    assert meter.tell("R? 3") == "#247+0.00000000E+00,+1.00000000E+00,+2.00000000E+00"


def test_a_marker_after_each_reading(meter):
    pulses = []
    meter.world.pulse = lambda place: pulses.append((place, meter.now))
    meter.tell("SAMP:COUN 2;:READ?")
    assert pulses == [(("dmm", "vm_comp"), pytest.approx(t)) for t in (0.02, 0.04)]


def test_noise_is_the_data_sheets():
    setup = Setup(seed=1)
    setup.tell("CONF:VOLT 10;:VOLT:NPLC 0.02;ZERO:AUTO OFF;:TRIG:DEL 0;:SAMP:COUN 1000")
    readings = [float(text) for text in setup.tell("READ?").split(",")]
    rms = (sum(reading**2 for reading in readings) / 1000) ** 0.5
    assert rms == pytest.approx(1e-3, rel=0.1)
