"""The driver of the SIM900 mainframe, byte for byte, and against the simulation."""

from __future__ import annotations

import pytest

from drivers.instruments.sim900 import DRIVER
from mgd_lab.chip.instruments import Measures, PlaysLists, SetsLevels
from mgd_lab.errors import IdentityError, InstrumentError, LimitError, LinkError
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.sim900 import INSTRUMENT
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "ASRL1::INSTR"
MAINFRAME = b"Stanford_Research_Systems,SIM900,s/n152741,ver3.6\r\n"
MODULE = b"Stanford_Research_Systems,SIM928,s/n003173,ver2.2\r\n"


def module(slot, *exchanges):
    """What is said to one module."""
    return ((b'CONN %d,"xyz"\n' % slot, b""), *exchanges, (b"xyz\n", b""))


def errors(slot, execution=0, command=0):
    return module(slot, (b"LEXE?\n", b"%d\r\n" % execution), (b"LCME?\n", b"%d\r\n" % command))


OPENING = (
    (b"*IDN?\n", MAINFRAME),  # not a module's, so that the host is connected with none
    (b"*IDN?\n", MAINFRAME),
    (b"CTCR?\n", b"18\r\n"),  # ports 1 and 4
    *module(1, (b"*IDN?\n", MODULE)),
    *module(4, (b"*IDN?\n", MODULE)),
)
NO_ERRORS = ((b"*ESR?\n", b"0\r\n"), *errors(1), *errors(4))


def trips(one=(0, 0), four=(0, 0)):
    return tuple(
        exchange
        for slot, (latched, lasting) in ((1, one), (4, four))
        for exchange in module(
            slot, (b"OVSR?\n", b"%d\r\n" % latched), (b"OVCR?\n", b"%d\r\n" % lasting)
        )
    )


def setting_up(slot, batteries=b"1,2,0"):
    return module(
        slot,
        (b"TOKN OFF\n", b""),
        (b"BATS?\n", batteries + b"\r\n"),
        (b"VOLT?\n", b"+0.000\r\n"),
        (b"EXON?\n", b"0\r\n"),
    )


def settings(**keys):
    return DRIVER.settings(driver="sim900", **({"resource": RESOURCE, "slots": ["1", "4"]} | keys))


@pytest.fixture
def scripted(lab):
    """A connected driver, and the exchanges that are still expected."""
    scripts = []

    def make(*exchanges, opening=OPENING, **keys):
        script = lab.Script(*opening, *exchanges)
        scripts.append(script)
        source = DRIVER.build("vs", settings(**keys), simulated_library({RESOURCE: script}))
        source.connect()
        return source

    yield make
    assert [script.exchanges for script in scripts] == [[] for _ in scripts]


def test_what_it_is(scripted):
    source = scripted()
    assert isinstance(source, SetsLevels)
    assert not isinstance(source, Measures)
    assert not isinstance(source, PlaysLists)
    assert source.identity == {
        "manufacturer": "Stanford_Research_Systems", "model": "SIM900", "serial": "s/n152741",
        "firmware": "ver3.6", "resource": RESOURCE, "slot 1": "s/n003173,ver2.2",
        "slot 4": "s/n003173,ver2.2",
    }  # fmt: skip
    assert all(c.switched for c in source.channels)
    assert [(c.name, c.direction, c.unit, c.low, c.high) for c in source.channels] == [
        ("1", "source", "V", -20, 20), ("4", "source", "V", -20, 20),
    ]  # fmt: skip


def test_how_long_an_exchange_takes():
    def seconds(resource):
        return DRIVER.build("vs", settings(resource=resource), None).times.exchange

    # VOLT -12.345;LEXE? and its answer are 22 bytes at 9600 baud, CONN and the escape 17.
    assert seconds("GPIB0::2::INSTR") == pytest.approx(2 * 22 / 960)
    assert seconds(RESOURCE) == pytest.approx(2 * 39 / 960)


def test_a_session_that_broke_off_is_left_behind(scripted):
    scripted(opening=((b"*IDN?\n", MODULE), (b"xyz\n", b""), *OPENING[1:]))


@pytest.mark.parametrize(
    ("opening", "told"),
    [
        (((b"*IDN?\n", b"Maker,SIM901,1,1\r\n"),) * 2, "model is 'SIM901'"),
        ((*OPENING[:2], (b"CTCR?\n", b"34\r\n"), *OPENING[3:6]), "slot 4 is empty"),
        (
            (*OPENING[:3], *module(1, (b"*IDN?\n", b"Stanford_Research_Systems,SIM960,1,1\r\n"))),
            "slot 1 has 'SIM960', not a SIM928",
        ),
        ((*OPENING[:3], *module(1, (b"*IDN?\n", b"nonsense\r\n"))), "slot 1 has ''"),
    ],
)
def test_another_instrument(scripted, opening, told):
    with pytest.raises(IdentityError, match=told):
        scripted(opening=opening)


def test_configuration(scripted):
    scripted(*NO_ERRORS, *trips(), *setting_up(1), *setting_up(4), *NO_ERRORS).configure()


def test_what_it_complained_of_before_is_no_fault(scripted):
    before = ((b"*ESR?\n", b"160\r\n"), *errors(1, 1), *errors(4, 0, 2))
    source = scripted(*before, *trips((1, 0)), *setting_up(1), *setting_up(4), *NO_ERRORS)
    source.configure()


def test_worn_batteries(scripted):
    worn = setting_up(1, b"1,2,1")
    with pytest.raises(InstrumentError, match="slot 1 asks for new batteries"):
        scripted(*NO_ERRORS, *trips(), *worn).configure()
    scripted(
        *NO_ERRORS, *trips(), *worn, *setting_up(4), *NO_ERRORS, worn_batteries=True
    ).configure()


def test_errors_of_its_configuration(scripted):
    after = ((b"*ESR?\n", b"20\r\n"), *errors(1, 0, 14), *errors(4, 3))
    source = scripted(*NO_ERRORS, *trips(), *setting_up(1), *setting_up(4), *after)
    with pytest.raises(InstrumentError) as caught:
        source.configure()
    for told in (
        "mainframe: query error", "mainframe: execution error", "slot 1: command error 14",
        "slot 4: execution error 3 (invalid bit)",
    ):  # fmt: skip
        assert told in str(caught.value)


def test_levels(scripted):
    source = scripted(
        *module(1, (b"VOLT 1.235;LEXE?\n", b"0\r\n")),
        *module(4, (b"VOLT 0.000;LEXE?\n", b"0\r\n")),
        *module(1, (b"VOLT?\n", b"+1.235\r\n")),
        *module(4, (b"VOLT?\n", b"-0.500\r\n")),
    )
    source.set_levels({"1": 1.2346, "4": -0.0001})
    # What was rounded is as it was told; what somebody else has set is not.
    assert source.read_levels() == {"1": 1.2346, "4": -0.5}


def test_a_level_beyond_is_not_sent(scripted):
    source = scripted(low=-1.0, high=2.0)
    for level in (2.001, -1.5, float("nan")):
        with pytest.raises(LimitError, match=r"limits are -1 to 2 V\. Nothing was sent"):
            source.set_levels({"1": 0.0, "4": level})


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (1, LimitError, r"slot 4 does not take 3 V: execution error 1 \(illegal value\)"),
        (2, InstrumentError, "wrong token"),
        (9, InstrumentError, "unknown"),
    ],
)
def test_a_level_that_is_refused(scripted, code, kind, told):
    source = scripted(*module(4, (b"VOLT 3.000;LEXE?\n", b"%d\r\n" % code)))
    with pytest.raises(kind, match=told):
        source.set_levels({"4": 3.0})


def test_outputs(scripted):
    source = scripted(
        *module(1, (b"OPON;EXON?\n", b"1\r\n")),
        *module(4, (b"OPON;EXON?\n", b"1\r\n")),
        *module(1, (b"EXON?\n", b"0\r\n")),
        *module(4, (b"EXON?\n", b"1\r\n")),
        *module(1, (b"OPOF;EXON?\n", b"0\r\n")),
        *module(4, (b"OPOF;EXON?\n", b"1\r\n")),
    )
    source.switch_outputs(True)
    assert source.outputs_are_on()
    with pytest.raises(InstrumentError, match="output of slot 4 is still on after OPOF"):
        source.switch_outputs(False)


def test_trips(scripted):
    source = scripted(*trips((9, 0), (6, 1)))
    assert source.look_for_trips() == [
        "slot 1: current overload", "slot 1: battery fault", "slot 4: current overload",
        "slot 4: overvoltage",
    ]  # fmt: skip


def test_after_silence_nothing_is_said(scripted):
    source = scripted((b'CONN 1,"xyz"\n', b""), (b"VOLT 1.000;LEXE?\n", b""), timeout_seconds=0.01)
    with pytest.raises(LinkError, match="timed out"):
        source.set_levels({"1": 1.0})
    with pytest.raises(LinkError, match="out of step"):
        source.read_levels()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"slots": ["9"]}, "no slot '9'"),
        ({"slots": ["1", "1"]}, "named twice"),
        ({"slots": []}, "at least 1"),
        ({"low": 1.0, "high": 1.0}, "must be below high"),
        ({"high": 21.0}, "less than or equal to 20"),
    ],
)
def test_settings_that_it_does_not_have(keys, told):
    with pytest.raises(ValueError, match=told):
        settings(**keys)


class Bench:
    """The driver and the simulation of one mainframe."""

    def __init__(self, **keys):
        self.settings = settings(timeout_seconds=0.05, **keys)
        self.world = World(None, Wiring((), ()), VirtualClock(), noise=0)
        self.core = INSTRUMENT.build("vs", self.settings, self.world.plug("vs"))
        self.visa = simulated_library({RESOURCE: self.core})
        self.source = DRIVER.build("vs", self.settings, self.visa)
        self.source.connect()
        self.source.configure()


def test_in_simulation():
    bench = Bench()
    source = bench.source
    assert not source.outputs_are_on()
    source.set_levels({"1": 1.0004, "4": -19.999})
    assert set(bench.world.levels().values()) == {None}
    source.switch_outputs(True)
    assert bench.world.level("vs", "1") == 1.0
    assert bench.world.level("vs", "4") == -19.999
    assert source.read_levels() == {"1": 1.0004, "4": -19.999}
    assert source.outputs_are_on()
    assert source.look_for_trips() == []
    assert source.take_errors() == []
    source.switch_outputs(False)
    assert set(bench.world.levels().values()) == {None}
    source.close()


def test_what_is_found_on_stays_on():
    bench = Bench()
    bench.source.set_levels({"1": 2.5})
    bench.source.switch_outputs(True)
    bench.source.close()
    again = DRIVER.build("vs", bench.settings, bench.visa)
    again.connect()
    again.configure()
    assert bench.world.level("vs", "1") == 2.5
    assert again.read_levels() == {"1": 2.5, "4": 0.0}
    assert again.outputs_are_on()


def test_a_host_that_died_in_a_module():
    bench = Bench()
    bench.core.respond(b'CONN 4,"xyz"\n')
    again = DRIVER.build("vs", bench.settings, bench.visa)
    again.connect()
    again.configure()
    assert again.identity["model"] == "SIM900"


def test_faults_in_simulation():
    bench = Bench()
    bench.world.set_load("vs", "1", 100.0)
    bench.source.switch_outputs(True)
    bench.source.set_levels({"1": 0.9})
    assert bench.source.look_for_trips() == []
    bench.source.set_levels({"1": 1.5})
    assert bench.world.level("vs", "1") == pytest.approx(1.0)
    for _ in range(2):
        assert bench.source.look_for_trips() == ["slot 1: current overload"]
    bench.source.set_levels({"1": 0.0})
    bench.source.look_for_trips()
    bench.core.modules["4"].break_battery()
    assert bench.source.look_for_trips() == ["slot 4: battery fault"]
    assert bench.source.look_for_trips() == []
    bench.core.respond(b"NONSENSE\n")
    bench.core.modules["4"].respond(b"VOLT 21\n")
    assert bench.source.take_errors() == [
        "mainframe: command error", "slot 4: execution error 1 (illegal value)",
    ]  # fmt: skip
    assert bench.source.take_errors() == []


def test_the_simulation_takes_as_long_as_is_told():
    bench = Bench()
    started = bench.world.clock.now()
    bench.source.set_levels({"1": -12.345, "4": -12.345})
    # The GPIB figure: what the host's own link takes is not the instrument's.
    shortest = DRIVER.build("vs", settings(resource="GPIB0::2::INSTR"), None).times.exchange
    assert bench.world.clock.now() - started == pytest.approx(shortest)
