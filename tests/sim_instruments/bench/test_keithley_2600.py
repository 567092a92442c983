"""The simulated 2600 in its own language."""

from __future__ import annotations

import pytest

from mgd_lab.wire import Status
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keithley_2600 import Keithley2600
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World
from sim_instruments.message_exchange import PolledCore

EMPTY = "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00"


class Setup:
    """The unit with loads of 1 kΩ, a conductor's cable to line 1 and one from line 2."""

    def __init__(self, model="2602B", **keys):
        cables = (Cable(("dac", ""), ("smu", "digio_1")), Cable(("smu", "digio_2"), ("dmm", "")))
        self.world = World(None, Wiring((), (), cables), VirtualClock(), **keys)
        self.smu = Keithley2600(self.world.plug("smu"), model)
        for channel in ("smua", "smub"):
            self.world.set_load("smu", channel, 1000.0)
        self.pulses = []
        self.world.plug("dmm").listen("in", lambda: self.pulses.append((self.now, self.level())))

    def tell(self, text):
        return self.smu.respond(text.encode() + b"\n").decode("latin-1").removesuffix("\n")

    def level(self, channel="smua"):
        return self.world.level("smu", channel)

    @property
    def now(self):
        return self.world.clock.now()

    @property
    def error(self):
        return self.tell("print(errorqueue.next())")


@pytest.fixture
def smu():
    setup = Setup(noise=0)
    setup.tell("smua.measure.nplc = 0.1 smua.measure.autozero = smua.AUTOZERO_OFF")
    return setup


def test_identity():
    assert Setup().tell("*IDN?") == "Keithley Instruments Inc., Model 2602B, 4401234, 3.3.5"
    assert Setup("2636B").tell("print(localnode.model, localnode.linefreq)") == "2636B\t5.00000e+01"


def test_after_a_reset(smu):
    smu.tell("smua.source.levelv = 1 smua.source.output = 1 smua.sense = 1 smub.source.func = 0")
    smu.tell("*RST")
    assert smu.tell(
        "print(smua.source.levelv, smua.source.output, smua.sense, smub.source.func)"
    ) == "\t".join(["0.00000e+00"] * 3 + ["1.00000e+00"])  # fmt: skip
    assert smu.tell("print(smua.source.limiti, smua.source.limitv)") == "1.00000e-01\t6.00000e+00"
    assert smu.level() is None
    assert smu.error == EMPTY


def test_one_channel(smu):
    one = Setup("2601B")
    assert one.tell("print(smub.source.levelv)") == ""
    assert "attempt to index global `smub' (a nil value)" in one.error


def test_readings(smu):
    smu.tell("smua.source.levelv = 2 smua.source.output = smua.OUTPUT_ON")
    started = smu.now
    assert smu.tell("print(smua.measure.i(), smua.source.compliance)") == "2.00000e-03\tfalse"
    assert smu.now - started == pytest.approx(0.002 + 50e-6)
    assert smu.tell("print(smua.measure.v(), smua.measure.r())") == "2.00000e+00\t1.00000e+03"
    smu.tell("smua.measure.count = 3 smua.measure.interval = 0.1 smua.measure.delay = 0.01")
    started = smu.now
    smu.tell("smua.measure.i(smua.nvbuffer1)")
    assert smu.now - started == pytest.approx(0.3)
    assert smu.tell("print(smua.nvbuffer1.n)") == "3.00000e+00"
    assert smu.tell("printbuffer(2, 3, smua.nvbuffer1)") == "2.00000e-03, 2.00000e-03"
    smu.tell("smua.measure.count = 1 smua.measure.i(smua.nvbuffer1)")
    assert smu.tell("print(smua.nvbuffer1.n)") == "1.00000e+00"
    smu.tell("smua.nvbuffer1.appendmode = 1 smua.measure.i(smua.nvbuffer1)")
    assert smu.tell("printbuffer(1, 2, smua.nvbuffer1.sourcevalues)") == "2.00000e+00, 2.00000e+00"
    smu.tell("smua.nvbuffer1.clear()")
    assert smu.tell("print(smua.nvbuffer1.n)") == "0.00000e+00"
    assert smu.error == EMPTY


def test_compliance(smu):
    smu.tell("smua.source.limiti = 1e-3 smua.source.levelv = 0.9 smua.source.output = 1")
    assert (smu.tell("print(smua.source.compliance)"), smu.level()) == ("false", 0.9)
    smu.tell("smua.source.levelv = -1.5")
    assert (smu.tell("print(smua.source.compliance)"), smu.level()) == ("true", -1.0)
    condition = "status.measurement.instrument.smua.condition"
    answer = smu.tell(f"print(smua.measure.i(smua.nvbuffer1), {condition})")
    assert answer == "-1.00000e-03\t2.00000e+00"
    assert smu.tell("printbuffer(1, 1, smua.nvbuffer1.statuses)") == "6.40000e+01"
    smu.tell("smub.source.func = smub.OUTPUT_DCAMPS smub.source.leveli = 0.01 smub.sense = 1")
    smu.tell("smub.source.output = 1 smub.measure.v(smub.nvbuffer1)")
    assert smu.level("smub") == pytest.approx(6e-3)
    assert smu.tell("printbuffer(1, 1, smub.nvbuffer1.readings, smub.nvbuffer1.statuses)") == (
        "6.00000e+00, 8.00000e+01"
    )


def test_overflow_of_a_fixed_range(smu):
    smu.tell("smua.measure.rangei = 1e-3 smua.source.output = 1")
    smu.world.drive(("smu", "smua.measure"), -1.1e-3)
    assert smu.tell("print(smua.measure.i())") == "-9.91000e+37"


def test_ranges(smu):
    smu.tell("smua.source.rangev = 0.5 smua.measure.rangei = 2e-3")
    ranges = smu.tell("print(smua.source.rangev, smua.measure.rangei, smua.source.autorangev)")
    assert ranges == "1.00000e+00\t1.00000e-02\t0.00000e+00"
    smu.tell("smua.source.levelv = 1.02")
    assert smu.error.startswith("1.10100e+03\tParameter too big")
    smu.tell("smua.source.autorangev = 1 smua.source.levelv = 40 smua.source.levelv = -41")
    assert smu.error.startswith("1.10200e+03\tParameter too small")
    assert smu.tell("print(smua.source.levelv)") == "4.00000e+01"


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("SOUR:VOLT 1", "-2.85000e+02\tTSP Syntax error at line 1: unexpected symbol near `:'"),
        ("*TST?", "-2.85000e+02\tTSP Syntax error at line 1: unexpected symbol near `*'"),
        (
            "smua.pulse()",
            "-2.86000e+02\tTSP Runtime error at line 1: attempt to call field `pulse'",
        ),
        ("smua.measure.nplc = 26", "1.10100e+03\tParameter too big"),
        ("smua.source.limiti = 0", "1.10200e+03\tParameter too small"),
        ("smua.source.func = 2", "1.10100e+03\tParameter too big"),
        ("smua.trigger.source.listv({0, 50})", "1.10100e+03\tParameter too big"),
        ("smua.trigger.source.listv({})", "1.10800e+03\tParameter wrong type"),
        ("smua.trigger.source.listv(1)", "-2.86000e+02\tTSP Runtime error"),
        ("smua.trigger.measure.i(smub.nvbuffer1)", "-2.86000e+02\tTSP Runtime error"),
        ("smua.measure.i(1)", "-2.86000e+02\tTSP Runtime error"),
        ("trigger.timer[1].passthrough = 1", "-2.86000e+02\tTSP Runtime error"),
        ("printbuffer(1, 1, smua.nvbuffer1)", "1.10600e+03\tIndex out of range"),
    ],
)
def test_errors(smu, program, error):
    assert smu.tell(program) == ""
    assert smu.tell("print(errorqueue.count)") == "1.00000e+00"
    assert smu.error.startswith(error)
    assert smu.error == EMPTY


def test_the_error_queue(smu):
    for _ in range(102):
        smu.tell("?")
    assert smu.tell("print(errorqueue.count)") == "1.00000e+02"
    smu.tell("errorqueue.clear()")
    assert smu.error == EMPTY
    smu.tell("?")
    smu.tell("*CLS")
    assert smu.error == EMPTY


def test_what_the_way_to_it_finds(smu):
    def status():
        return [smu.smu.status_byte(message_available=each) for each in (False, True)]

    assert isinstance(smu.smu, PolledCore)
    assert status() == [0, 16]
    smu.smu.report(Status.QUERY_INTERRUPTED, "by the next one")
    assert status() == [4, 20]
    assert smu.error.startswith("-4.10000e+02\tQuery INTERRUPTED")
    smu.smu.overrun("a line without end")
    assert smu.error.startswith("-3.63000e+02\tInput buffer over-run")
    assert status() == [0, 16]
    assert smu.error == EMPTY


LIST = (
    "smua.trigger.source.listv({1, 2, 3}) smua.trigger.source.action = smua.ENABLE "
    "smua.trigger.measure.i(smua.nvbuffer1) smua.trigger.measure.action = smua.ENABLE "
    "smua.trigger.count = 3 smua.source.output = 1 "
    "digio.trigger[2].stimulus = smua.trigger.SOURCE_COMPLETE_EVENT_ID "
)


def test_a_list(smu):
    smu.tell(LIST + "smua.trigger.endsweep.action = smua.SOURCE_HOLD smua.trigger.initiate()")
    assert smu.tell("waitcomplete() print(smua.nvbuffer1.n)") == "3.00000e+00"
    assert [level for _, level in smu.pulses] == [1.0, 2.0, 3.0]
    assert smu.tell("printbuffer(1, 3, smua.nvbuffer1)") == "1.00000e-03, 2.00000e-03, 3.00000e-03"
    assert (smu.level(), smu.tell("print(smua.source.levelv)")) == (3.0, "0.00000e+00")
    smu.tell("smua.trigger.endsweep.action = smua.SOURCE_IDLE smua.trigger.initiate()")
    assert smu.tell("*OPC?") == "1"
    assert smu.level() == 0.0
    assert smu.error == EMPTY


def test_a_list_with_a_timer_for_both_channels(smu):
    smu.tell(LIST + "smua.trigger.source.stimulus = trigger.timer[1].EVENT_ID")
    smu.tell("trigger.timer[1].delay = 0.1 trigger.timer[1].count = 2")
    smu.tell("trigger.timer[1].passthrough = true")
    smu.tell("trigger.timer[1].stimulus = smua.trigger.ARMED_EVENT_ID")
    smu.tell("smub.trigger.measure.i(smub.nvbuffer1) smub.trigger.measure.action = smub.ENABLE")
    smu.tell("smub.trigger.measure.stimulus = trigger.timer[1].EVENT_ID smub.trigger.count = 3")
    smu.tell("smub.measure.nplc = 0.1")
    smu.tell("smub.trigger.initiate() smua.trigger.initiate()")
    smu.world.clock.spend(0.15)
    assert smu.tell("print(smua.nvbuffer1.n, smub.nvbuffer1.n)") == "2.00000e+00\t2.00000e+00"
    smu.world.clock.spend(0.2)
    assert smu.tell("print(smua.nvbuffer1.n, smub.nvbuffer1.n)") == "3.00000e+00\t3.00000e+00"
    (first, _), (second, _), (third, _) = smu.pulses
    assert (second - first, third - second) == pytest.approx((0.1, 0.1))


def test_a_pulse_a_step(smu):
    smu.tell(LIST + "smua.trigger.source.stimulus = digio.trigger[1].EVENT_ID")
    smu.tell("smua.trigger.endsweep.action = smua.SOURCE_HOLD smua.trigger.initiate()")
    smu.world.pulse(("dac", "marker"))
    smu.world.clock.spend(0.1)
    assert smu.level() == 0.0  # the line is bypassed
    smu.tell("digio.trigger[1].mode = digio.TRIG_FALLING")
    for level in (1.0, 2.0):
        smu.world.pulse(("dac", "marker"))
        smu.world.clock.spend(0.1)
        assert smu.level() == level
    smu.tell("smua.abort()")
    smu.world.pulse(("dac", "marker"))
    smu.world.clock.spend(0.1)
    assert (smu.level(), smu.tell("print(smua.nvbuffer1.n)")) == (2.0, "2.00000e+00")


def test_scripts(smu):
    for line in (
        "loadandrunscript", "smua.source.output = 1", "for k = 1, 3 do",
        "  smua.source.levelv = k / 10", "  delay(0.01)", "end", "print(smua.measure.v())",
    ):  # fmt: skip
        assert smu.tell(line) == ""
    assert smu.tell("endscript") == "3.00000e-01"
    assert smu.now == pytest.approx(0.03 + 0.002 + 50e-6)


def test_noise_falls_with_integration():
    setup = Setup(seed=1)
    setup.tell("smua.measure.rangei = 1e-3 smua.source.output = 1 smua.measure.nplc = 0.01")
    setup.tell("smua.measure.count = 1000 smua.measure.i(smua.nvbuffer1)")
    text = setup.tell("printbuffer(1, 1000, smua.nvbuffer1)")
    readings = [float(number) for number in text.split(",")]
    rms = (sum(reading**2 for reading in readings) / 1000) ** 0.5
    assert rms == pytest.approx(1e-8, rel=0.1)
