"""The multimeter's driver, byte for byte, and against the simulation."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.instruments.keysight_34461a import DRIVER, Keysight34461A
from mgd_lab.chip.instruments import FillsBuffers, Measures, SetsLevels
from mgd_lab.errors import (
    ConfigurationError,
    IdentityError,
    InstrumentError,
    LinkError,
    MeasurementError,
)
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keysight_34461a import INSTRUMENT
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::dmm.lab::5025::SOCKET"
IDENTITY = b"Keysight Technologies,34461A,MY53200123,A.02.14-02.40-02.14-00.49-01-01\n"
OPENING = ((b"*IDN?\n", IDENTITY),)
NO_ERROR = (b"SYST:ERR?\n", b'+0,"No error"\n')
CONFIGURATION = (
    NO_ERROR,
    (b"ABOR\n", b""),
    (b"CONF:VOLT:DC 10\n", b""),
    (b"VOLT:DC:NPLC 0.02\n", b""),
    (b"VOLT:DC:ZERO:AUTO ONCE\n", b""),
    (b"VOLT:DC:IMP:AUTO OFF\n", b""),
    (b"TRIG:DEL 0.001\n", b""),
    (b"TRIG:SLOP NEG\n", b""),
    (b"VOLT:DC:RANG?\n", b"+1.00000000E+01\n"),
    (b"VOLT:DC:RANG:AUTO?\n", b"0\n"),
    (b"VOLT:DC:NPLC?\n", b"+2.00000000E-02\n"),
    (b"VOLT:DC:ZERO:AUTO?\n", b"0\n"),
    (b"VOLT:DC:IMP:AUTO?\n", b"0\n"),
    (b"TRIG:DEL?\n", b"+1.00000000E-03\n"),
    (b"SYST:LFR?\n", b"+50\n"),
    NO_ERROR,
)
ARMING = (
    (b"ABOR\n", b""),
    (b"TRIG:SOUR EXT\n", b""),
    (b"TRIG:COUN 3\n", b""),
    (b"INIT\n", b""),
    NO_ERROR,
)


def settings(**keys):
    given = {"resource": RESOURCE, "nplc": 0.02, "trigger_delay_seconds": 0.001} | keys
    return DRIVER.settings(driver="keysight_34461a", **given)


@pytest.fixture
def scripted(lab):
    """A connected driver, and the exchanges that are still expected."""
    scripts = []

    def make(*exchanges, **keys):
        script = lab.Script(*OPENING, *exchanges)
        scripts.append(script)
        meter = DRIVER.build("dmm", settings(**keys), simulated_library({RESOURCE: script}))
        meter.connect()
        return meter

    yield make
    assert [script.exchanges for script in scripts] == [[] for _ in scripts]


def test_what_it_is(scripted):
    meter = scripted()
    assert isinstance(meter, Measures)
    assert isinstance(meter, FillsBuffers)
    assert not isinstance(meter, SetsLevels)
    assert meter.name == "dmm"
    assert meter.identity == {
        "manufacturer": "Keysight Technologies", "model": "34461A", "serial": "MY53200123",
        "firmware": "A.02.14-02.40-02.14-00.49-01-01", "resource": RESOURCE,
    }  # fmt: skip
    (channel,) = meter.channels
    assert (channel.name, channel.unit, channel.low, channel.high) == ("1", "V", -12, 12)
    assert meter.times.reading == pytest.approx(0.001 + 0.001)
    assert meter.largest_buffer == 10_000


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [
        ({"nplc": 10.0}, 0.2),
        ({"nplc": 10.0, "autozero": True}, 0.4),
        ({"nplc": 10.0, "line_frequency_hertz": 60}, 1 / 6),
        ({"nplc": 0.06, "model": "34465A"}, 0.0012),
    ],
)
def test_how_long_a_reading_takes(keys, seconds):
    meter = Keysight34461A("dmm", settings(trigger_delay_seconds=0, **keys), "@py")
    assert meter.times.reading == pytest.approx(seconds)


def test_configuration(scripted):
    scripted(*CONFIGURATION).configure()


def test_what_it_complained_of_before_is_no_fault(scripted):
    scripted((b"SYST:ERR?\n", b'-113,"Undefined header"\n'), *CONFIGURATION).configure()


def test_a_setting_that_is_not_taken(scripted):
    exchanges = list(CONFIGURATION)
    exchanges[10] = (b"VOLT:DC:NPLC?\n", b"+2.00000000E-01\n")
    with pytest.raises(InstrumentError, match=r"VOLT:DC:NPLC\? is 0.2 after it was set to 0.02"):
        scripted(*exchanges[:11]).configure()


def test_another_line_frequency(scripted):
    exchanges = [*CONFIGURATION[:14], (b"SYST:LFR?\n", b"+60\n")]
    with pytest.raises(InstrumentError, match="give it as line_frequency_hertz"):
        scripted(*exchanges).configure()


def test_an_error_of_its_configuration(scripted):
    error = (b"SYST:ERR?\n", b'-222,"Data out of range"\n')
    with pytest.raises(InstrumentError, match=r"errors after its configuration: -222"):
        scripted(*CONFIGURATION[:-1], error, NO_ERROR).configure()


@pytest.mark.parametrize(
    ("identity", "keys", "told"),
    [
        (b"Keysight Technologies,34465A,1,1\n", {}, "model is '34465A', expected '34461A'"),
        (IDENTITY, {"identity": {"serial": "X"}}, "serial is 'MY53200123', expected 'X'"),
        (b"Maker,34461A,1,1\n", {}, "made by 'Maker'"),
        (b"nonsense\n", {}, "model is None"),
    ],
)
def test_another_instrument_is_told_nothing(lab, identity, keys, told):
    script = lab.Script((b"*IDN?\n", identity))
    meter = DRIVER.build("dmm", settings(**keys), simulated_library({RESOURCE: script}))
    with pytest.raises(IdentityError, match=told):
        meter.connect()


def test_measuring(scripted):
    meter = scripted(
        (b"READ?\n", b"+1.25000000E+00\n"),
        (b"SAMP:COUN 2\n", b""),
        (b"READ?\n", b"-1.00000000E-03,+2.00000000E+00\n"),
        (b"READ?\n", b"+1.00000000E+00,+1.00000000E+00\n"),
    )
    meter._trigger = {"TRIG:SOUR": "IMM", "TRIG:COUN": "1", "SAMP:COUN": "1"}
    assert meter.measure(1).tolist() == [[1.25]]
    assert meter.measure(2).tolist() == [[-0.001], [2.0]]
    assert meter.measure(2).shape == (2, 1)


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (b"+9.90000000E+37\n", MeasurementError, "an overflow"),
        (b"-9.90000000E+37\n", MeasurementError, "an overflow"),
        (b"nan\n", MeasurementError, "no number"),
        (b"volts\n", InstrumentError, "which is no number"),
        (b"+1.0E+00,+1.0E+00\n", LinkError, "answered by 2 numbers"),
    ],
)
def test_readings_that_are_none(scripted, answer, kind, told):
    meter = scripted(
        (b"TRIG:SOUR IMM\n", b""),
        (b"TRIG:COUN 1\n", b""),
        (b"SAMP:COUN 1\n", b""),
        (b"READ?\n", answer),
    )
    with pytest.raises(kind, match=told):
        meter.measure(1)


def test_a_buffer_by_triggers(scripted):
    meter = scripted(
        *CONFIGURATION,
        *ARMING,
        (b"DATA:POIN?\n", b"+2\n"),
        (b"DATA:POIN?\n", b"+3\n"),
        (b"R? 3\n", b"#247+1.00000000E+00,+2.00000000E+00,-3.00000000E+00\n"),
        # The next block is armed with what is not so already.
        (b"ABOR\n", b""),
        (b"INIT\n", b""),
        NO_ERROR,
    )
    meter.configure()
    meter.arm_buffer(3, "trigger")
    assert meter.fetch_buffer(3).tolist() == [[1.0], [2.0], [-3.0]]
    meter.arm_buffer(3, "trigger")


def test_a_buffer_by_itself(scripted):
    meter = scripted(
        *CONFIGURATION,
        (b"ABOR\n", b""),
        (b"SAMP:COUN 2\n", b""),
        (b"INIT\n", b""),
        NO_ERROR,
        (b"DATA:POIN?\n", b"+2\n"),
        (b"R? 2\n", b"#231+1.00000000E+00,+9.90000000E+37\n"),
    )
    meter.configure()
    meter.arm_buffer(2, "own")
    with pytest.raises(MeasurementError, match=r"reading 1 of the buffer is 9\.9e\+37"):
        meter.fetch_buffer(2)


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (b"#215+1.00000000E+00\n", "R\\? gave 1 readings, not 3"),
        (b"#10\n", "R\\? gave ''"),
        (b"+1.00000000E+00\n", "no block"),
    ],
)
def test_a_block_of_another_length(scripted, block, told):
    meter = scripted((b"DATA:POIN?\n", b"+3\n"), (b"R? 3\n", block))
    with pytest.raises(LinkError, match=told):
        meter.fetch_buffer(3)


def test_more_readings_than_triggers(scripted):
    meter = scripted((b"DATA:POIN?\n", b"+4\n"), (b"ABOR\n", b""))
    with pytest.raises(LinkError, match="holds 4 readings of 3"):
        meter.fetch_buffer(3)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"nplc": 0.06}, "the 34461A has no 0.06 PLC"),
        ({"range": 5}, "no range of 5 V"),
        ({"model": "34460A"}, "34461A"),
        ({"trigger_delay_seconds": -1}, "greater than or equal to 0"),
    ],
)
def test_settings_that_it_does_not_have(keys, told):
    with pytest.raises(ValueError, match=told):
        settings(**keys)


class Bench:
    """The driver and the simulation of one multimeter, and a cable to its trigger input."""

    def __init__(self, **keys):
        self.settings = settings(timeout_seconds=0.05, **keys)
        wiring = Wiring((), (), (Cable(("dac", ""), ("dmm", "")),))
        self.world = World(None, wiring, VirtualClock(), noise=0)
        self.core = INSTRUMENT.build("dmm", self.settings, self.world.plug("dmm"))
        self.meter = DRIVER.build("dmm", self.settings, simulated_library({RESOURCE: self.core}))
        self.meter.connect()
        self.meter.configure()

    def apply(self, volts):
        self.world.drive(("dmm", "1"), volts)

    def play(self, levels, dwell=0.01):
        """A source that steps and gives a marker."""
        for volts in levels:
            self.apply(volts)
            self.world.pulse(("dac", "marker"))
            self.world.clock.spend(dwell)


@pytest.mark.parametrize("model", ["34461A", "34465A"])
def test_measuring_in_simulation(model):
    bench = Bench(model=model)
    bench.apply(1.5)
    assert bench.meter.measure(3).tolist() == [[1.5]] * 3
    assert bench.meter.measure(450).shape == (450, 1)
    assert bench.meter.take_errors() == []
    bench.meter.close()


def test_a_buffer_in_simulation():
    bench = Bench()
    levels = np.linspace(-1, 1, 25)
    for _ in range(2):
        bench.meter.arm_buffer(25, "trigger")
        bench.play(levels)
        assert np.allclose(bench.meter.fetch_buffer(25)[:, 0], levels, atol=1e-9)
    bench.meter.arm_buffer(7, "own")
    bench.world.clock.spend(1)
    assert bench.meter.fetch_buffer(7).tolist() == [[1.0]] * 7
    assert bench.meter.measure(1).tolist() == [[1.0]]


def test_a_list_that_is_too_fast_is_noticed():
    bench = Bench(nplc=1.0)
    bench.meter.arm_buffer(25, "trigger")
    bench.play(np.zeros(25))
    bench.world.clock.spend(1)
    with pytest.raises(LinkError, match=r"holds \d+ readings of 25"):
        bench.meter.fetch_buffer(25)
    assert bench.meter.measure(1).tolist() == [[0.0]]


def test_faults_in_simulation():
    bench = Bench()
    bench.apply(13)
    with pytest.raises(MeasurementError, match="Choose a larger range"):
        bench.meter.measure(1)
    bench.meter.arm_buffer(2, "trigger")
    bench.play([1, 13])
    with pytest.raises(MeasurementError, match="reading 1 of the buffer"):
        bench.meter.fetch_buffer(2)
    bench.core.respond(b"VOLT:DC:NPLC 1000\n")
    bench.core.respond(b"VOLT:AC:BAND 3\n")
    assert bench.meter.take_errors() == ['-222,"Data out of range"', '-113,"Undefined header"']
    with pytest.raises(ConfigurationError, match="10001 readings; the 34461A keeps 10000"):
        bench.meter.arm_buffer(10_001, "trigger")


def test_a_meter_whose_queue_does_not_end(scripted):
    meter = scripted(*[(b"SYST:ERR?\n", b'-113,"Undefined header"\n')] * 21)
    with pytest.raises(InstrumentError, match="does not end"):
        meter.take_errors()
