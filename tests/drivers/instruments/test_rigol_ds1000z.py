"""The oscilloscope's driver, byte for byte, and against the simulation."""

from __future__ import annotations

import pytest

from drivers.instruments.rigol_ds1000z import DRIVER
from mgd_lab.chip.instruments import FillsBuffers, Measures, SetsLevels
from mgd_lab.errors import IdentityError, InstrumentError, LinkError, MeasurementError
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.rigol_ds1000z import INSTRUMENT
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::scope.lab::5555::SOCKET"
IDENTITY = b"RIGOL TECHNOLOGIES,DS1054Z,DS1ZA170000001,00.04.04.SP4\n"
OPENING = ((b"*IDN?\n", IDENTITY),)
NO_ERROR = (b"SYST:ERR?\n", b'0,"No error"\n')
INPUT_2 = {"channel": "2", "volts_per_division": 0.5, "offset_volts": -1.0, "probe": 10.0}
CONFIGURATION = (
    NO_ERROR,
    (b":STOP\n", b""),
    (b":CHAN1:DISP OFF\n", b""),
    (b":CHAN2:DISP ON\n", b""),
    (b":CHAN3:DISP OFF\n", b""),
    (b":CHAN4:DISP OFF\n", b""),
    (b":CHAN2:COUP DC\n", b""),
    (b":CHAN2:INV OFF\n", b""),
    (b":CHAN2:BWL OFF\n", b""),
    (b":CHAN2:PROB 10\n", b""),
    (b":CHAN2:SCAL 0.5\n", b""),
    (b":CHAN2:OFFS -1\n", b""),
    (b":TIM:MODE MAIN\n", b""),
    (b":TIM:SCAL 0.0001\n", b""),
    (b":TIM:OFFS 0\n", b""),
    (b":ACQ:TYPE NORM\n", b""),
    (b":TRIG:MODE EDGE\n", b""),
    (b":TRIG:EDG:SOUR CHAN2\n", b""),
    (b":TRIG:EDG:SLOP POS\n", b""),
    (b":TRIG:EDG:LEV 3\n", b""),  # the upper edge of the screen: 4 · 0.5 V + 1 V
    (b":WAV:MODE NORM\n", b""),
    (b":WAV:FORM BYTE\n", b""),
    (b":TIM:SCAL?\n", b"1.000000e-04\n"),
    (b":TIM:OFFS?\n", b"0.000000e+00\n"),
    (b":CHAN2:PROB?\n", b"1.000000e+01\n"),
    (b":CHAN2:SCAL?\n", b"5.000000e-01\n"),
    (b":CHAN2:OFFS?\n", b"-1.000000e+00\n"),
    NO_ERROR,
)
MEMORY = (
    (b":RUN\n", b""),
    (b":ACQ:MDEP 12000\n", b""),
    (b":STOP\n", b""),
    (b":WAV:MODE RAW\n", b""),
    (b":WAV:FORM BYTE\n", b""),
    (b":WAV:STAR 1\n", b""),
    (b":WAV:STOP 12000\n", b""),
)
PREAMBLE = b"0,0,1200,1,1.000000e-06,-6.000000e-04,0,2.000000e-02,-50,127\n"
ACQUISITION = (
    (b":SING\n", b""),
    (b":TRIG:STAT?\n", b"STOP\n"),  # still that of the one before
    (b":TRIG:STAT?\n", b"RUN\n"),
    (b":TRIG:STAT?\n", b"WAIT\n"),
    (b":TFOR\n", b""),
    (b":TRIG:STAT?\n", b"TD\n"),
    (b":TRIG:STAT?\n", b"STOP\n"),
)


def waveform(codes, preamble=PREAMBLE):
    return (
        (b":WAV:SOUR CHAN2\n", b""),
        (b":WAV:PRE?\n", preamble),
        (b":WAV:DATA?\n", b"#9%09d" % len(codes) + codes + b"\n"),
    )


def settings(**keys):
    given = {"resource": RESOURCE, "inputs": [INPUT_2], "seconds_per_division": 1e-4} | keys
    return DRIVER.settings(driver="rigol_ds1000z", **given)


@pytest.fixture
def scripted(lab):
    """A connected driver, and the exchanges that are still expected."""
    scripts = []

    def make(*exchanges, identity=IDENTITY, **keys):
        script = lab.Script((b"*IDN?\n", identity), *exchanges)
        scripts.append(script)
        scope = DRIVER.build("scope", settings(**keys), simulated_library({RESOURCE: script}))
        scope.connect()
        return scope

    yield make
    assert [script.exchanges for script in scripts] == [[] for _ in scripts]


def test_what_it_is(scripted):
    scope = scripted()
    assert isinstance(scope, Measures)
    assert not isinstance(scope, FillsBuffers | SetsLevels)
    assert scope.identity["model"] == "DS1054Z"
    (channel,) = scope.channels
    assert (channel.name, channel.direction, channel.unit) == ("2", "meter", "V")
    assert channel.low == pytest.approx(1.0 - 126 / 50)
    assert channel.high == pytest.approx(1.0 + 127 / 50)
    # A screen of 12 divisions, and seven exchanges.
    assert scope.times.reading == pytest.approx(1.2e-3 + 7 * 0.5e-3)


def test_an_integral_is_in_volt_seconds():
    scope = DRIVER.build("s", settings(take="integral", window_seconds=(0, 5e-4)), None)
    (channel,) = scope.channels
    assert (channel.unit, channel.high) == ("V s", pytest.approx((1.0 + 127 / 50) * 5e-4))


def test_another_model(scripted):
    with pytest.raises(IdentityError, match="model is 'DS1054Z'; this driver is for DS1104Z"):
        scripted(model="DS1104Z")


def test_configuration(scripted):
    scripted(*CONFIGURATION).configure()


def test_configuration_of_memory_and_edge(scripted):
    at = CONFIGURATION.index((b":WAV:MODE NORM\n", b""))
    edge = (
        (b":TRIG:EDG:SOUR CHAN2\n", b""),
        (b":TRIG:EDG:SLOP NEG\n", b""),
        (b":TRIG:EDG:LEV 0.25\n", b""),
    )
    depth = ((b":ACQ:MDEP?\n", b"12000\n"),)
    exchanges = (*CONFIGURATION[: at - 3], *edge, *MEMORY, *CONFIGURATION[at + 2 : -1], *depth)
    scripted(
        *exchanges, NO_ERROR,
        points="memory", trigger="2", trigger_slope="negative", trigger_level_volts=0.25,
    ).configure()  # fmt: skip


def test_a_scale_that_it_does_not_have(scripted):
    exchanges = list(CONFIGURATION[:-2])
    exchanges[-1] = (b":CHAN2:SCAL?\n", b"1.000000e+00\n")
    with pytest.raises(InstrumentError, match=r":CHAN2:SCAL\? is 1 after it was set to 0\.5"):
        scripted(*exchanges).configure()


def test_errors_of_its_configuration(scripted):
    error = (b"SYST:ERR?\n", b'-113,"Undefined header"\n')
    with pytest.raises(InstrumentError, match="errors after its configuration: -113"):
        scripted(*CONFIGURATION[:-1], error, NO_ERROR).configure()


def test_a_mean(scripted):
    # Codes 77 and 127 in equal parts: (102 + 50 − 127) · 20 mV.
    codes = bytes([77, 127]) * 600
    scope = scripted(*ACQUISITION, *waveform(codes), *ACQUISITION, *waveform(bytes([87]) * 1200))
    assert scope.measure(2).tolist() == [[0.5], [pytest.approx(0.2)]]


def test_a_window_and_an_integral(scripted):
    # 1 µs a point, the trigger at point 600: from 0 to 100 µs are points 600 to 700.
    codes = bytes([77]) * 600 + bytes([127]) * 101 + bytes([255]) * 499
    keys = {"window_seconds": (0.0, 1e-4), "take": "integral"}
    scope = scripted(*ACQUISITION, *waveform(codes), **keys)
    assert scope.measure(1)[0, 0] == pytest.approx(1.0 * 1e-4)


@pytest.mark.parametrize("edge", [0, 255])
def test_clipping(scripted, edge):
    codes = bytes([127]) * 1199 + bytes([edge])
    with pytest.raises(MeasurementError, match="input 2 is clipped"):
        scripted(*ACQUISITION, *waveform(codes)).measure(1)


@pytest.mark.parametrize(
    ("codes", "preamble", "kind", "told"),
    [
        (1199, PREAMBLE, LinkError, "the preamble says 1200 and 1199 came"),
        (600, PREAMBLE.replace(b"1200", b"600"), LinkError, "1200 points were expected"),
        (1200, PREAMBLE.replace(b"0,0,", b"1,0,", 1), InstrumentError, "format 1 and type 0"),
        (1200, PREAMBLE.replace(b"0,0,", b"0,2,", 1), InstrumentError, "format 0 and type 2"),
        (1200, PREAMBLE.replace(b"2.0", b"4.0"), InstrumentError, "its scale was changed by hand"),
        (1200, PREAMBLE.replace(b"-6.0", b"+6.0"), InstrumentError, "none of the points"),
    ],
)
def test_a_waveform_that_is_another(scripted, codes, preamble, kind, told):
    exchanges = waveform(bytes([100]) * codes, preamble)
    scope = scripted(*ACQUISITION, *exchanges, window_seconds=(-5e-4, 5e-4))
    with pytest.raises(kind, match=told):
        scope.measure(1)


def test_a_preamble_that_is_cut(scripted):
    exchanges = ((b":WAV:SOUR CHAN2\n", b""), (b":WAV:PRE?\n", b"0,0,1200\n"))
    with pytest.raises(LinkError, match="3 numbers; 10 were expected"):
        scripted(*ACQUISITION, *exchanges).measure(1)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"inputs": [INPUT_2, INPUT_2]}, "named twice"),
        ({"inputs": []}, "at least 1"),
        ({"trigger": "1"}, "input 1 is not among inputs"),
        ({"window_seconds": (0, 7e-4)}, "no part of the screen"),
        ({"window_seconds": (1e-4, 1e-4)}, "no part of the screen"),
        ({"model": "DS2072"}, "match pattern"),
        ({"seconds_per_division": 100}, "less than or equal to 50"),
    ],
)
def test_settings_that_it_does_not_have(keys, told):
    with pytest.raises(ValueError, match=told):
        settings(**keys)


class Bench:
    """The driver and the simulation of one oscilloscope."""

    def __init__(self, **keys):
        self.settings = settings(**({"timeout_seconds": 0.05} | keys))
        self.world = World(None, Wiring((), ()), VirtualClock(), noise=0)
        self.core = INSTRUMENT.build("scope", self.settings, self.world.plug("scope"))
        clocked = ClockedCore(self.core, self.world.clock)
        self.scope = DRIVER.build("scope", self.settings, simulated_library({RESOURCE: clocked}))
        self.scope.connect()
        self.scope.configure()

    def apply(self, volts, channel="2"):
        self.world.drive(("scope", channel), volts)


class ClockedCore:
    """An exchange takes its time, as on the bench."""

    def __init__(self, core, clock):
        self._core, self._clock = core, clock

    def respond(self, message):
        self._clock.spend(0.0005)
        return self._core.respond(message)

    def overrun(self, reason):
        self._core.overrun(reason)


@pytest.mark.parametrize("points", ["screen", "memory"])
def test_measuring_in_simulation(points):
    bench = Bench(points=points)
    for volts in (0.5, -0.9, 2.46):
        bench.apply(volts)
        assert bench.scope.measure(2).tolist() == [[pytest.approx(volts, abs=0.011)]] * 2
    assert bench.scope.take_errors() == []
    bench.scope.close()


def test_two_inputs_in_simulation():
    first = {"channel": "1", "volts_per_division": 2.0}
    bench = Bench(inputs=[INPUT_2, first], points="memory")
    bench.apply(0.5)
    bench.apply(-6.0, "1")
    assert bench.scope.measure(1).tolist() == [[0.5, -6.0]]


def test_all_of_a_reading_is_taken_after_it_was_asked_for():
    bench = Bench()
    bench.apply(0.0)
    bench.scope.measure(1)
    bench.apply(1.5)
    assert bench.scope.measure(1)[0, 0] == 1.5


def test_an_edge_in_simulation():
    bench = Bench(trigger="2", trigger_level_volts=0.8, window_seconds=(1e-4, 5e-4))
    bench.apply(0.0)
    bench.world.clock.later(0.004, lambda: bench.apply(2.0))
    assert bench.scope.measure(1)[0, 0] == 2.0


def test_an_edge_that_never_comes():
    bench = Bench(trigger="2", trigger_level_volts=0.8)
    with pytest.raises(LinkError, match="trigger status is WAIT"):
        bench.scope.measure(1)
    assert bench.core.respond(b":TRIG:STAT?\n") == b"STOP\n"


def test_clipping_in_simulation():
    bench = Bench()
    bench.apply(3.6)
    with pytest.raises(MeasurementError, match="clipped"):
        bench.scope.measure(1)


def test_a_time_base_that_it_does_not_have():
    with pytest.raises(InstrumentError, match=r":TIM:SCAL\? is 0\.0005 after it was set to 0\.000"):
        Bench(seconds_per_division=3e-4)


def test_a_knob_that_is_turned():
    bench = Bench()
    bench.core.respond(b":CHAN2:SCAL 1\n")
    with pytest.raises(InstrumentError, match="changed by hand"):
        bench.scope.measure(1)
