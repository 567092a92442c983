"""The 2600's driver, byte for byte, and against the simulation."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from drivers.instruments.keithley_2600 import DRIVER
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
from sim_instruments.bench.keithley_2600 import INSTRUMENT
from sim_instruments.bench.wiring import Cable, Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::smu.lab::5025::SOCKET"
IDENTITY = b"Keithley Instruments Inc., Model 2602B, 4401234, 3.3.5\n"
OPENING = ((b"*IDN?\n", IDENTITY),)
COUNT = b"print(errorqueue.count)\n"
NEXT = b"print(errorqueue.next())\n"
NO_ERROR = (COUNT, b"0.000000000e+00\n")
ONE_ERROR = (COUNT, b"1.000000000e+00\n")
FIRST = (
    b"smua.abort() format.data = format.ASCII format.asciiprecision = 10 "
    b"format.byteorder = format.LITTLEENDIAN digio.trigger[1].mode = digio.TRIG_FALLING "
    b"digio.trigger[2].mode = digio.TRIG_FALLING digio.trigger[2].pulsewidth = 1e-5 "
    b"digio.trigger[2].stimulus = 0\n"
)
STATEMENTS = (
    b"smua.source.limiti = 0.0015 smua.source.rangev = 1 smua.measure.rangei = 0.01 "
    b"smua.measure.nplc = 0.1 smua.measure.autozero = smua.AUTOZERO_ONCE smua.measure.delay = 0 "
    b"smua.measure.count = 1 smua.measure.filter.enable = smua.FILTER_OFF smua.source.delay = 0 "
    b"smua.source.offmode = smua.OUTPUT_HIGH_Z smua.nvbuffer1.clear() "
    b"smua.nvbuffer1.appendmode = 1 smua.nvbuffer1.collecttimestamps = 0 "
    b"smua.nvbuffer1.collectsourcevalues = 0\n"
)
READ_BACK = (
    b"print(smua.source.limiti, smua.source.rangev, smua.measure.rangei, smua.measure.nplc, "
    b"smua.sense)\n"
)
ANSWERS = b"1.500000000e-03\t1.000000000e+00\t1.000000000e-02\t1.000000000e-01\t1.000000000e+00\n"
CONFIGURATION = (
    NO_ERROR,
    (FIRST, b""),
    (b"print(smua.source.output)\n", b"0.000000000e+00\n"),
    (b"print(smua.source.func, smua.sense)\n", b"1.000000000e+00\t0.000000000e+00\n"),
    (b"smua.source.func = smua.OUTPUT_DCVOLTS smua.sense = smua.SENSE_REMOTE\n", b""),
    (STATEMENTS, b""),
    (READ_BACK, ANSWERS),
    (b"print(localnode.linefreq)\n", b"5.000000000e+01\n"),
    NO_ERROR,
)
ON = ((b"smua.source.output = smua.OUTPUT_ON\n", b""), NO_ERROR)
FUNCTION = {
    "source_range": 1.0, "compliance": 1.5e-3, "nplc": 0.1, "four_wire": True,
    "output_off": "high_impedance",
}  # fmt: skip
CURRENT = {"source": "current", "source_range": 1e-3, "compliance": 2.0}


def settings(smub=None, a=None, **keys):
    given = {"resource": RESOURCE, "smua": FUNCTION | (a or {}), "smub": smub} | keys
    return DRIVER.settings(driver="keithley_2600", **given)


def block(*numbers):
    return b"#0" + struct.pack(f"<{len(numbers)}d", *numbers) + b"\n"


def told(*lines):
    return tuple((line.encode() + b"\n", b"") for line in lines)


@pytest.fixture
def scripted(lab):
    """A connected driver, and the exchanges that are still expected."""
    scripts = []

    def make(*exchanges, **keys):
        script = lab.Script(*OPENING, *exchanges)
        scripts.append(script)
        smu = DRIVER.build("smu", settings(**keys), simulated_library({RESOURCE: script}))
        smu.connect()
        return smu

    yield make
    assert [script.exchanges for script in scripts] == [[] for _ in scripts]


@pytest.fixture
def on(scripted):
    """The same with its output on."""

    def make(*exchanges, **keys):
        smu = scripted(*ON, *exchanges, **keys)
        smu.switch_outputs(True)
        return smu

    return make


def test_what_it_is(scripted):
    smu = scripted(smub=CURRENT)
    for protocol in (SetsLevels, Measures, PlaysLists, FillsBuffers):
        assert isinstance(smu, protocol)
    assert smu.name == "smu"
    assert smu.identity == {
        "manufacturer": "Keithley Instruments Inc.", "model": "Model 2602B", "serial": "4401234",
        "firmware": "3.3.5", "resource": RESOURCE,
    }  # fmt: skip
    assert [(c.name, c.direction, c.unit, c.high) for c in smu.channels] == [
        ("smua", "source", "V", 1.01),
        ("smub", "source", "A", 1.01e-3),
        ("smua.measure", "meter", "A", pytest.approx(0.0101)),
        ("smub.measure", "meter", "V", pytest.approx(6.06)),
    ]
    assert smu.times.reading == pytest.approx(0.002 + 0.02 + 2 * 50e-6)
    assert smu.times.list_step == pytest.approx(0.02 + 50e-6 + 1e-4)
    assert (smu.largest_list, smu.largest_buffer) == (5_000, 60_000)


def test_configuration(scripted):
    scripted(*CONFIGURATION).configure()


def test_both_channels(scripted):
    scripted(
        NO_ERROR,
        (FIRST.replace(b"smua.abort()", b"smua.abort() smub.abort()"), b""),
        (b"print(smua.source.output, smub.source.output)\n", b"0.0e+00\t0.0e+00\n"),
        (b"print(smua.source.func, smua.sense)\n", b"1.0e+00\t1.0e+00\n"),
        (STATEMENTS.replace(b"AUTOZERO_ONCE", b"AUTOZERO_AUTO"), b""),
        (READ_BACK, ANSWERS),
        (b"print(smub.source.func, smub.sense)\n", b"1.0e+00\t0.0e+00\n"),
        (b"smub.source.func = smub.OUTPUT_DCAMPS smub.sense = smub.SENSE_LOCAL\n", b""),
        (
            b"smub.source.limitv = 2 smub.source.rangei = 0.001 smub.measure.rangev = 6 "
            b"smub.measure.nplc = 1 smub.measure.autozero = smub.AUTOZERO_AUTO "
            b"smub.measure.delay = 0 smub.measure.count = 1 "
            b"smub.measure.filter.enable = smub.FILTER_OFF smub.source.delay = 0 "
            b"smub.source.offmode = smub.OUTPUT_NORMAL smub.nvbuffer1.clear() "
            b"smub.nvbuffer1.appendmode = 1 smub.nvbuffer1.collecttimestamps = 0 "
            b"smub.nvbuffer1.collectsourcevalues = 0\n",
            b"",
        ),
        (
            READ_BACK.replace(b"smua", b"smub").replace(b"rangev", b"range?")
            .replace(b"i,", b"v,").replace(b"range?", b"rangei"),
            b"2.0e+00\t1.0e-03\t6.0e+00\t1.0e+00\t0.0e+00\n",
        ),
        (b"print(localnode.linefreq)\n", b"5.0e+01\n"),
        NO_ERROR,
        smub=CURRENT, autozero=True,
    ).configure()  # fmt: skip


@pytest.mark.parametrize(
    ("k", "answer", "words"),
    [
        (6, ANSWERS.replace(b"1.5000", b"1.0500"), r"smua.source.limiti is 0.00105 after it was"),
        (6, ANSWERS.replace(b"\t1.000000000e+00\n", b"\t0.0\n"), "smua.sense is 0 after"),
        (7, b"6.0e+01\n", "give it as line_frequency_hertz"),
    ],
)
def test_what_is_not_as_it_was_set(scripted, k, answer, words):
    with pytest.raises(InstrumentError, match=words):
        scripted(*CONFIGURATION[:k], (CONFIGURATION[k][0], answer)).configure()


def test_an_output_that_is_on_is_not_changed(scripted):
    exchanges = [
        *CONFIGURATION[:2], (b"print(smua.source.output)\n", b"1.0e+00\n"), CONFIGURATION[3],
    ]  # fmt: skip
    with pytest.raises(InstrumentError, match=r"smua has another function \(1\) or sense mode"):
        scripted(*exchanges).configure()


@pytest.mark.parametrize(
    ("identity", "keys", "words"),
    [
        (b"Keithley Instruments Inc., Model 2612B, 1, 1\n", {}, "model is 'Model 2612B'"),
        (IDENTITY, {"identity": {"serial": "X"}}, "serial is '4401234', expected 'X'"),
    ],
)
def test_another_instrument_is_told_nothing(lab, identity, keys, words):
    script = lab.Script((b"*IDN?\n", identity))
    smu = DRIVER.build("smu", settings(**keys), simulated_library({RESOURCE: script}))
    with pytest.raises(IdentityError, match=words):
        smu.connect()


def test_levels(scripted):
    smu = scripted(
        *told("smua.source.levelv = 0.5 smub.source.leveli = -0.0001"),
        NO_ERROR,
        (b"print(smua.source.levelv, smub.source.leveli)\n", b"5.0e-01\t-1.0e-04\n"),
        smub=CURRENT,
    )
    smu.set_levels({"smua": 0.5, "smub": -1e-4})
    assert smu.read_levels() == {"smua": 0.5, "smub": -1e-4}


SETTING = (
    b"before_1 = smua.source.compliance before_2 = smub.source.compliance %s\n"
    b"print(before_1, before_2, errorqueue.count)\n"
)
LOOK = (
    b"print(smua.source.compliance, smub.source.compliance, smua.source.output, "
    b"smub.source.output)\n"
)
BOTH_ON = told("smua.source.output = smua.OUTPUT_ON smub.source.output = smub.OUTPUT_ON")


def lines(message, answer):
    """A message of two lines, which the instrument takes one after the other."""
    first, second = message.splitlines(keepends=True)
    return (first, b""), (second, answer)


def test_compliance_at_the_level_that_stood(scripted):
    smu = scripted(
        *BOTH_ON,
        NO_ERROR,
        *lines(SETTING % b"smub.source.leveli = 0.0002", b"false\tfalse\t0.0e+00\n"),
        (LOOK, b"false\tfalse\t1.0e+00\t1.0e+00\n"),
        *lines(SETTING % b"smua.source.levelv = 0.5", b"false\ttrue\t0.0e+00\n"),
        *lines(SETTING % b"smua.source.levelv = 1", b"false\tfalse\t0.0e+00\n"),
        (LOOK, b"false\tfalse\t1.0e+00\t1.0e+00\n"),
        (LOOK, b"false\tfalse\t1.0e+00\t1.0e+00\n"),
        *lines(SETTING % b"smua.source.levelv = 0", b"true\tfalse\t0.0e+00\n"),
        *BOTH_ON,
        NO_ERROR,
        (LOOK, b"false\tfalse\t1.0e+00\t1.0e+00\n"),
        smub=CURRENT,
    )
    smu.switch_outputs(True)
    smu.set_levels({"smub": 2e-4})
    assert smu.look_for_trips() == []
    smu.set_levels({"smua": 0.5})
    smu.set_levels({"smua": 1.0})
    assert smu.look_for_trips() == ["smub was in compliance at 2 V since the last look"]
    assert smu.look_for_trips() == []
    smu.set_levels({"smua": 0.0})
    smu.switch_outputs(True)
    assert smu.look_for_trips() == []


def test_a_level_that_is_refused_while_on(on):
    error = b"1.101000000e+03\tParameter too big\t2.0e+01\t1.0e+00\n"
    setting = SETTING.replace(b" before_2 = smub.source.compliance", b"").replace(
        b" before_2,", b""
    )
    smu = on(
        *lines(setting % b"smua.source.levelv = 3", b"false\t1.0e+00\n"),
        (NEXT, error),
        *lines(setting % b"smua.source.levelv = 1", b"0.0e+00\n"),
    )
    with pytest.raises(LimitError, match="errors after setting 3: 1101"):
        smu.set_levels({"smua": 3.0})
    with pytest.raises(LinkError, match="of 2 values gave 1"):
        smu.set_levels({"smua": 1.0})


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (b"1.101000000e+03\tParameter too big\t2.0e+01\t1.0e+00\n", LimitError, "1101, Parameter"),
        (b"-2.220000000e+02\tParameter data out of range\t2.0e+01\n", LimitError, "-222, Param"),
        (b"-2.860000000e+02\tTSP Runtime error\t2.0e+01\n", InstrumentError, "-286, TSP Runtime"),
    ],
)
def test_a_level_that_is_refused(scripted, error, kind, words):
    smu = scripted(*told("smua.source.levelv = 3"), ONE_ERROR, (NEXT, error))
    with pytest.raises(kind, match=f"errors after setting 3: {words}"):
        smu.set_levels({"smua": 3.0})


def test_the_error_queue(scripted):
    smu = scripted(
        (COUNT, b"2.0e+00\n"),
        (NEXT, b"-2.85e+02\tTSP Syntax error at line 1\t2.0e+01\n"),
        (NEXT, b"8.02e+02\tOUTPUT blocked by interlock\t2.0e+01\n"),
        (COUNT, b"1.0e+03\n"),
        (COUNT, b"nil\n"),
    )
    assert smu.take_errors() == [
        "-285, TSP Syntax error at line 1",
        "802, OUTPUT blocked by interlock",
    ]
    with pytest.raises(InstrumentError, match="its error queue has 1000 entries"):
        smu.take_errors()
    with pytest.raises(InstrumentError, match="printed 'nil', where a number was expected"):
        smu.take_errors()


def test_outputs(scripted):
    look = (
        b"print(smua.source.compliance, smub.source.compliance, smua.source.output, "
        b"smub.source.output)\n"
    )
    smu = scripted(
        *told("smua.source.output = smua.OUTPUT_ON smub.source.output = smub.OUTPUT_ON"),
        NO_ERROR,
        (b"print(smua.source.output, smub.source.output)\n", b"0.0e+00\t1.0e+00\n"),
        (look, b"false\tfalse\t1.0e+00\t1.0e+00\n"),
        (look, b"true\tfalse\t1.0e+00\t1.0e+00\n"),
        (look, b"false\tfalse\t1.0e+00\t0.0e+00\n"),
        *told("smua.source.output = smua.OUTPUT_OFF smub.source.output = smub.OUTPUT_OFF"),
        NO_ERROR,
        (look, b"false\tfalse\t0.0e+00\t0.0e+00\n"),
        smub=CURRENT,
    )
    smu.switch_outputs(True)
    assert smu.outputs_are_on()
    assert smu.look_for_trips() == []
    assert smu.look_for_trips() == ["smua is in compliance at 0.0015 A"]
    assert smu.look_for_trips() == ["the output of smub went off by itself"]
    smu.switch_outputs(False)
    assert smu.look_for_trips() == []


def test_value_and_compliance_in_one_query(on):
    smu = on(
        (b"print(smua.measure.i(), smua.source.compliance)\n", b"1.25e-03\tfalse\n"),
        (b"print(smua.measure.i(), smua.source.compliance)\n", b"1.5e-03\ttrue\n"),
        (b"print(smua.source.compliance, smua.source.output)\n", b"false\t1.0e+00\n"),
        (b"print(smua.source.compliance, smua.source.output)\n", b"false\t1.0e+00\n"),
    )
    assert smu.measure(1).tolist() == [[1.25e-3]]
    assert smu.measure(1).tolist() == [[1.5e-3]]
    assert smu.look_for_trips() == ["smua was in compliance at 0.0015 A since the last look"]
    assert smu.look_for_trips() == []


TABLE = (
    b"format.data = format.REAL64 printbuffer(1, %d, %s.nvbuffer1.readings%s) "
    b"format.data = format.ASCII\n"
)
STATUSES = b", smua.nvbuffer1.statuses"


def test_measuring_often(scripted):
    smu = scripted(
        *told("smua.source.output = smua.OUTPUT_ON smub.source.output = smub.OUTPUT_ON"),
        NO_ERROR,
        *told(
            "smua.nvbuffer1.clear() smua.measure.count = 2 smua.measure.i(smua.nvbuffer1) "
            "smua.measure.count = 1"
        ),
        (TABLE % (2, b"smua", b""), block(1e-3, -2e-3)),
        *told(
            "smub.nvbuffer1.clear() smub.measure.count = 2 smub.measure.v(smub.nvbuffer1) "
            "smub.measure.count = 1"
        ),
        (TABLE % (2, b"smub", b""), block(0.5, 0.25)),
        smub=CURRENT,
    )
    smu.switch_outputs(True)
    assert smu.measure(2).tolist() == [[1e-3, 0.5], [-2e-3, 0.25]]


@pytest.mark.parametrize("text", [b"9.91e+37", b"-9.91e+37", b"nan"])
def test_overflow(on, text):
    query = b"print(smua.measure.i(), smua.source.compliance)\n"
    smu = on((query, text + b"\tfalse\n"))
    with pytest.raises(MeasurementError, match="reading 0 of its meters"):
        smu.measure(1)


@pytest.mark.parametrize(
    ("answer", "kind"), [(b"nil\tfalse\n", InstrumentError), (b"1.0e-03\n", LinkError)]
)
def test_answers_that_are_no_readings(on, answer, kind):
    smu = on((b"print(smua.measure.i(), smua.source.compliance)\n", answer))
    with pytest.raises(kind):
        smu.measure(1)


def test_measuring_needs_the_outputs(scripted):
    smu = scripted()
    for act in (
        lambda: smu.measure(1),
        lambda: smu.arm_buffer(1, "own"),
        lambda: smu.load_list({"smua": np.zeros(1)}, "own", 0.1),
    ):
        with pytest.raises(InstrumentError, match="its outputs are off"):
            act()


COUNTS = b"print(smua.nvbuffer1.n)\n"
START = told("digio.trigger[1].clear() smua.trigger.initiate()")


def test_a_list_by_its_own_timer(on):
    smu = on(
        *told(
            "smua.abort() list_smua = {} list_smua[1] = 0.5 list_smua[2] = 1 list_smua[3] = -0.25 "
            "smua.trigger.source.listv(list_smua) smua.nvbuffer1.clear() "
            "smua.trigger.source.action = smua.ENABLE "
            "smua.trigger.source.stimulus = trigger.timer[1].EVENT_ID "
            "smua.trigger.measure.i(smua.nvbuffer1) smua.trigger.measure.action = smua.ENABLE "
            "smua.trigger.measure.stimulus = 0 smua.trigger.endpulse.action = smua.SOURCE_HOLD "
            "smua.trigger.endpulse.stimulus = 0 smua.trigger.endsweep.action = smua.SOURCE_HOLD "
            "smua.trigger.arm.stimulus = 0 smua.trigger.arm.count = 1 smua.trigger.count = 3 "
            "trigger.timer[1].reset() trigger.timer[1].delay = 0.01 trigger.timer[1].count = 2 "
            "trigger.timer[1].passthrough = true "
            "trigger.timer[1].stimulus = smua.trigger.ARMED_EVENT_ID "
            "digio.trigger[2].stimulus = smua.trigger.SOURCE_COMPLETE_EVENT_ID"
        ),
        NO_ERROR,
        *START,
        (COUNTS, b"1.0e+00\n"),
        (COUNTS, b"3.0e+00\n"),
        (TABLE % (3, b"smua", STATUSES), block(1e-3, 16, 1.5e-3, 80, 1.5e-3, 64)),
        (COUNTS, b"3.0e+00\n"),
        *told("smua.abort() smua.source.levelv = -0.25"),
        (b"print(smua.source.compliance, smua.source.output)\n", b"false\t1.0e+00\n"),
        (b"print(smua.source.compliance, smua.source.output)\n", b"false\t1.0e+00\n"),
    )
    smu.load_list({"smua": np.array([0.5, 1, -0.25])}, "own", 0.01)
    smu.arm_buffer(3, "trigger")
    smu.arm_list()
    smu.start_list()
    assert smu.fetch_buffer(3).tolist() == [[1e-3], [1.5e-3], [1.5e-3]]
    assert smu.steps_played() == 3
    assert smu.look_for_trips() == ["2 steps of the list of smua were in compliance at 0.0015 A"]
    assert smu.look_for_trips() == []


STEPPING = (
    "smua.nvbuffer1.clear() smua.trigger.source.action = smua.{} "
    "smua.trigger.source.stimulus = {} smua.trigger.measure.i(smua.nvbuffer1) "
    "smua.trigger.measure.action = smua.ENABLE smua.trigger.measure.stimulus = {} "
    "smua.trigger.endpulse.action = smua.SOURCE_HOLD smua.trigger.endpulse.stimulus = 0 "
    "smua.trigger.endsweep.action = smua.SOURCE_HOLD smua.trigger.arm.stimulus = 0 "
    "smua.trigger.arm.count = 1 smua.trigger.count = {}"
)


def test_a_list_by_triggers(on):
    smu = on(
        *told(
            "smua.abort() list_smua = {} list_smua[1] = 0.1 list_smua[2] = 0.2 "
            "smua.trigger.source.listv(list_smua) "
            + STEPPING.format("ENABLE", "digio.trigger[1].EVENT_ID", 0, 2)
            + " digio.trigger[2].stimulus = smua.trigger.SOURCE_COMPLETE_EVENT_ID"
        ),
        NO_ERROR,
        *START,
        (COUNTS, b"2.0e+00\n"),
        (TABLE % (2, b"smua", STATUSES), block(1e-3, 0, 1e-3, 0)),
        *told("smua.abort() smua.source.levelv = 0.2"),
    )
    smu.load_list({"smua": np.array([0.1, 0.2])}, "trigger", 0.01)
    smu.arm_list()
    assert smu.steps_played() == 2


def test_long_lists_come_in_lines(on, lab):
    smu = on()
    sent = []
    smu._tsp._talk.tell = sent.append
    smu._tsp.refuse = lambda what: None
    levels = np.linspace(-1, 1, 2000)
    smu.load_list({"smua": levels}, "own", 0.01)
    assert max(len(line) for line in sent) <= 1000
    assert " ".join(sent).count("list_smua[") == 2000


def test_a_list_beyond_its_limits(on):
    smu = on(
        *told(
            "smua.abort() list_smua = {} list_smua[1] = 500 smua.trigger.source.listv(list_smua) "
            + STEPPING.format("ENABLE", "digio.trigger[1].EVENT_ID", 0, 1)
            + " digio.trigger[2].stimulus = smua.trigger.SOURCE_COMPLETE_EVENT_ID"
        ),
        ONE_ERROR,
        (NEXT, b"1.101e+03\tParameter too big\t2.0e+01\n"),
    )
    with pytest.raises(LimitError, match="loading its list: 1101"):
        smu.load_list({"smua": np.array([500.0])}, "trigger", 0.01)


def test_a_buffer_by_triggers(on):
    smu = on(
        *told(
            "smua.abort() digio.trigger[2].stimulus = 0 "
            + STEPPING.format("DISABLE", 0, "digio.trigger[1].EVENT_ID", 3)
        ),
        NO_ERROR,
        *START,
        (COUNTS, b"4.0e+00\n"),
        *told("smua.abort()"),
    )
    smu.arm_buffer(3, "trigger")
    with pytest.raises(LinkError, match="holds 4 readings of 3"):
        smu.fetch_buffer(3)


def test_a_buffer_by_itself(on):
    smu = on(
        *told("smua.abort() digio.trigger[2].stimulus = 0 " + STEPPING.format("DISABLE", 0, 0, 2)),
        NO_ERROR,
        *START,
        (COUNTS, b"2.0e+00\n"),
        (TABLE % (2, b"smua", STATUSES), block(1e-3, 0, 9.91e37, 0)),
    )
    smu.arm_buffer(2, "own")
    with pytest.raises(MeasurementError, match="reading 1 of the buffers"):
        smu.fetch_buffer(2)


def test_what_does_not_fit(on):
    smu = on()
    with pytest.raises(ConfigurationError, match="5001 steps or readings; it takes 1 to 5000"):
        smu.load_list({"smua": np.zeros(5001)}, "own", 0.01)
    with pytest.raises(ConfigurationError, match="1 to 60000"):
        smu.arm_buffer(60_001, "own")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"a": {"source_range": 5}}, "the 2602B has no voltage range of 5 V"),
        ({"a": {"compliance": 4}}, "limits up to 3.03 A"),
        ({"a": {"nplc": 30}}, "0.001 to 25 PLC"),
        ({"model": "2601B", "smub": CURRENT}, "has one channel"),
        ({"smua": None}, "no channel is used"),
        ({"trigger_input_line": 2}, "is the trigger input already"),
        ({"model": "2450"}, "2601B"),
    ],
)
def test_settings_that_it_does_not_have(keys, words):
    with pytest.raises(ValueError, match=words):
        settings(**keys)


class Bench:
    """The driver and the simulation of one unit, with cables to and from its digital port."""

    def __init__(self, **keys):
        self.settings = settings(timeout_seconds=0.5, **({"smub": CURRENT} | keys))
        cables = (Cable(("dac", ""), ("smu", "digio_1")), Cable(("smu", "digio_2"), ("dmm", "")))
        self.world = World(None, Wiring((), (), cables), VirtualClock(), noise=0)
        self.markers = []
        plug = self.world.plug("dmm")
        plug.listen("in", lambda: self.markers.append((plug.now(), self.level("smua"))))
        self.core = INSTRUMENT.build("smu", self.settings, self.world.plug("smu"))
        self.smu = DRIVER.build("smu", self.settings, simulated_library({RESOURCE: self.core}))
        self.smu.connect()
        self.smu.configure()
        for channel in ("smua", "smub"):
            self.world.set_load("smu", channel, 1000.0)

    def level(self, channel):
        return self.world.level("smu", channel)

    def play(self, count, dwell=0.05):
        """A conductor that gives markers."""
        for _ in range(count):
            self.world.pulse(("dac", "marker"))
            self.world.clock.spend(dwell)


def test_sourcing_and_measuring_in_simulation():
    bench = Bench()
    smu = bench.smu
    smu.set_levels({"smua": 0.5, "smub": 2e-4})
    assert bench.level("smua") is None
    smu.switch_outputs(True)
    assert (bench.level("smua"), bench.level("smub"), smu.outputs_are_on()) == (0.5, 2e-4, True)
    for count in (1, 3):
        assert smu.measure(count) == pytest.approx(np.full((count, 2), [0.5e-3, 0.2]))
    smu.set_levels({"smua": -1.0})
    assert smu.read_levels() == {"smua": -1.0, "smub": 2e-4}
    assert smu.measure(1)[0] == pytest.approx([-1e-3, 0.2])
    assert smu.look_for_trips() == []
    with pytest.raises(LimitError, match="1101, Parameter too big"):
        smu.set_levels({"smua": 1.1})
    with pytest.raises(LimitError, match="1102, Parameter too small"):
        smu.set_levels({"smua": -1.1})
    smu.switch_outputs(False)
    assert (bench.level("smua"), bench.level("smub")) == (None, None)
    assert smu.take_errors() == []
    smu.close()


@pytest.mark.parametrize("model", ["2601B", "2612B", "2636B"])
def test_other_models_in_simulation(model):
    bench = Bench(model=model, smub=None, a={"source_range": 40.0 if model == "2601B" else 20.0})
    bench.smu.set_levels({"smua": 12.0})
    assert bench.smu.read_levels() == {"smua": 12.0}


def test_compliance_in_simulation():
    bench = Bench()
    bench.smu.set_levels({"smua": 1.0, "smub": 1e-3})
    bench.smu.switch_outputs(True)
    assert bench.smu.look_for_trips() == []
    bench.world.set_load("smu", "smua", 10.0)
    bench.smu.measure(1)
    bench.world.set_load("smu", "smua", 1000.0)
    bench.world.set_load("smu", "smub", 1e6)
    assert bench.smu.look_for_trips() == [
        "smua was in compliance at 0.0015 A since the last look", "smub is in compliance at 2 V",
    ]  # fmt: skip
    assert bench.smu.measure(1)[0] == pytest.approx([1e-3, 2.0])


def test_compliance_at_a_level_that_has_passed_in_simulation():
    bench = Bench(a={"source_range": 6.0})
    smu = bench.smu
    smu.set_levels({"smua": 4.0})
    smu.switch_outputs(True)
    assert smu.look_for_trips() == ["smua is in compliance at 0.0015 A"]
    smu.set_levels({"smua": 1.0})
    smu.set_levels({"smub": 1e-4})
    assert smu.look_for_trips() == ["smua was in compliance at 0.0015 A since the last look"]
    for level in (4.0, 1.0):
        smu.set_levels({"smua": level, "smub": 1e-4})
    smu.switch_outputs(False)
    for level in (4.0, 1.0):
        smu.set_levels({"smua": level})
    smu.switch_outputs(True)
    assert smu.look_for_trips() == []


@pytest.mark.parametrize("count", [1, 7, 300])
def test_lists_in_simulation(count):
    bench = Bench()
    smu, volts, amperes = bench.smu, np.linspace(-1, 1, count), np.linspace(1e-3, 0, count)
    smu.switch_outputs(True)
    for _ in range(2):
        bench.markers.clear()
        smu.load_list({"smua": volts, "smub": amperes}, "own", 0.05)
        smu.arm_buffer(count, "trigger")
        smu.arm_list()
        smu.start_list()
        bench.world.clock.spend(0.05 * count)
        expected = np.stack([volts / 1000, amperes * 1000], axis=1)
        assert smu.fetch_buffer(count) == pytest.approx(expected, abs=1e-9)
        assert smu.steps_played() == count
        times, at = np.array(bench.markers).T
        assert at == pytest.approx(volts, abs=1e-9)
        assert np.diff(times) == pytest.approx(0.05)
        assert smu.read_levels() == pytest.approx({"smua": volts[-1], "smub": amperes[-1]})
    assert smu.look_for_trips() == []
    smu.set_levels({"smua": 0.25})
    assert bench.level("smua") == 0.25
    assert smu.take_errors() == []


def test_a_list_that_follows_in_simulation():
    bench = Bench()
    smu = bench.smu
    smu.switch_outputs(True)
    for lost in (0, 1):
        bench.play(1)  # a pulse from before is not kept
        smu.load_list({"smua": np.array([0.1, 0.2, 0.9])}, "trigger", 0.05)
        smu.arm_list()
        bench.play(1)
        assert bench.level("smua") == 0.1
        bench.world.set_load("smu", "smua", 500.0)
        bench.play(2 - lost)
        assert smu.steps_played() == 3 - lost
    assert smu.look_for_trips() == [
        "smua is in compliance at 0.0015 A",
        "1 steps of the list of smua were in compliance at 0.0015 A",
    ]
    smu.configure()
    assert smu.measure(1)[0, 0] == pytest.approx(1.5e-3)


def test_an_aborted_list_does_not_step_the_next_in_simulation():
    bench = Bench()
    smu = bench.smu
    smu.switch_outputs(True)
    levels = np.linspace(0.1, 1, 10)
    smu.load_list({"smua": levels}, "own", 0.05)
    smu.start_list()
    bench.world.clock.spend(0.12)
    smu.configure()
    bench.markers.clear()
    smu.load_list({"smua": levels}, "own", 0.06)
    smu.start_list()
    bench.world.clock.spend(0.6)
    assert smu.steps_played() == 10
    assert np.diff([when for when, _ in bench.markers]) == pytest.approx(0.06)


def test_buffers_in_simulation():
    bench = Bench()
    bench.smu.set_levels({"smua": 1.0, "smub": 5e-4})
    bench.smu.switch_outputs(True)
    for count in (3, 5):
        bench.smu.arm_buffer(count, "trigger")
        bench.play(count)
        assert bench.smu.fetch_buffer(count) == pytest.approx(np.full((count, 2), [1e-3, 0.5]))
    bench.smu.arm_buffer(4, "own")
    bench.world.clock.spend(0.5)
    assert bench.smu.fetch_buffer(4) == pytest.approx(np.full((4, 2), [1e-3, 0.5]))
    bench.smu.arm_buffer(4, "trigger")
    bench.play(3)
    with pytest.raises(LinkError, match="holds 3 readings of 4"):
        bench.smu.fetch_buffer(4)
    assert bench.markers == []


def test_an_overflow_in_simulation():
    bench = Bench()
    bench.smu.switch_outputs(True)
    bench.world.drive(("smu", "smua.measure"), 0.02)
    with pytest.raises(MeasurementError, match="an overflow"):
        bench.smu.measure(1)
