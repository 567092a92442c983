"""The simulated SIM900 mainframe and its modules in their own dialect."""

from __future__ import annotations

import importlib
import warnings

import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.sim900 import Sim900
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

RESOURCE = "GPIB0::2::INSTR"


class Setup:
    """A mainframe with modules in slots 1 and 4."""

    def __init__(self):
        self.world = World(None, Wiring((), ()), VirtualClock(), noise=0)
        self.box = Sim900(self.world.plug("vs"), ("1", "4"))
        self.tell("*CLS")

    def tell(self, text):
        return self.box.respond(text.encode() + b"\n").decode()

    def say(self, slot, *texts):
        """To a module, by a connection."""
        self.tell(f'CONN {slot},"esc"')
        answers = [self.tell(text) for text in texts]
        self.tell("esc")
        return answers


@pytest.fixture
def vs():
    return Setup()


def test_identity(vs):
    assert vs.tell("*IDN?") == "Stanford_Research_Systems,SIM900,s/n152741,ver3.6\r\n"
    assert vs.say(1, "*IDN?") == ["Stanford_Research_Systems,SIM928,s/n003101,ver2.2\r\n"]
    assert vs.tell("CTCR?") == "18\r\n"


def test_levels_and_switches(vs):
    assert vs.say(1, "VOLT -1.5", "VOLT?", "EXON?") == ["", "-1.500\r\n", "0\r\n"]
    assert vs.world.level("vs", "1") is None
    assert vs.say(1, "OPON;EXON?;VOLT 2.0004;VOLT?") == ["1\r\n+2.000\r\n"]
    assert vs.world.level("vs", "1") == 2.0
    assert vs.say(4, "VOLT?") == ["+0.000\r\n"]
    assert vs.say(1, "EXON OFF", "EXON?", "EXON 1", "EXON?") == ["", "0\r\n", "", "1\r\n"]
    vs.say(1, "*RST")
    assert vs.say(1, "VOLT?;EXON?") == ["+0.000\r\n0\r\n"]


@pytest.mark.parametrize(
    ("command", "execution", "command_error"),
    [
        ("VOLT 20.1", 1, 0),
        ("VOLT -21", 1, 0),
        ("EXON 2", 1, 0),
        ("VOLT", 0, 5),
        ("VOLT 1,2", 0, 6),
        ("VOLT one", 0, 9),
        ("EXON MAYBE", 0, 14),
        ("VOLTS 1", 0, 2),
        ("VOLTS?", 0, 2),
        ("OPON?", 0, 3),
        ("BATS", 0, 4),
        ("SOUR:VOLT 1", 0, 2),
        ('VOLT "1', 0, 1),
    ],
)
def test_errors(vs, command, execution, command_error):
    vs.say(1, "*CLS")
    assert vs.say(1, command) == [""]
    assert vs.say(1, "*ESR?") == [f"{16 if execution else 32}\r\n"]
    assert vs.say(1, "LEXE?;LCME?") == [f"{execution}\r\n{command_error}\r\n"]
    assert vs.say(1, "LEXE?;LCME?;*ESR?") == ["0\r\n0\r\n0\r\n"]
    assert vs.world.level("vs", "1") is None
    assert vs.tell("LEXE?;LCME?") == "0\r\n0\r\n"


def test_errors_of_the_mainframe(vs):
    assert vs.tell("CONN 9,'xyz'") == ""
    assert vs.tell("CONN 1,xyz") == ""
    assert vs.tell("VOLT 1") == ""
    assert vs.tell("*ESR?;LEXE?;LCME?") == "48\r\n1\r\n2\r\n"


def test_tokens_and_terminations(vs):
    assert vs.say(1, "TOKN ON;TOKN?;EXON?", "TERM LF;VOLT?", "TOKN 0;EXON?") == [
        "ON\r\nOFF\r\n", "+0.000\n", "0\n",
    ]  # fmt: skip


def test_overload(vs):
    vs.world.set_load("vs", "4", 50.0)
    assert vs.say(4, "VOLT -3", "OVCR?", "OPON", "OVCR?", "OVSR?", "OVSR?") == [
        "", "0\r\n", "", "1\r\n", "1\r\n", "0\r\n",
    ]  # fmt: skip
    assert vs.world.level("vs", "4") == pytest.approx(-0.5)
    assert vs.say(4, "VOLT 0.4", "OVCR?") == ["", "0\r\n"]
    assert vs.world.level("vs", "4") == 0.4


def test_batteries(vs):
    assert vs.say(1, "BATS?", "BCOR", "BATS?", "OVSR?") == ["1,2,0\r\n", "", "2,1,0\r\n", "4\r\n"]
    vs.box.modules["1"].asks_for_batteries = True
    assert vs.say(1, "BATS?") == ["2,1,1\r\n"]


def test_a_module_is_spoken_to_at_9600_baud(vs):
    started = vs.world.clock.now()
    vs.say(1, "VOLT?")
    assert vs.world.clock.now() - started == pytest.approx((6 + 8) / 960)


def test_sending_and_fetching_by_port(vs):
    assert vs.tell('SNDT 1,"VOLT 3;VOLT?"') == ""
    assert vs.tell("GETN? 1,80;NOUT? 1") == "#3000\r\n13\r\n"
    vs.world.clock.spend(0.1)
    assert vs.tell("NINP? 1;NOUT? 1") == "8\r\n0\r\n"
    assert vs.tell("GETN? 1,6") == "#3006+3.000\r\n"
    assert vs.tell("GETN? 1,80") == "#3002\r\n\r\n"
    vs.tell('SNDT 1,"VOLT?"')
    vs.tell('SNDT 2,"VOLT?"')  # an empty slot
    vs.world.clock.spend(0.1)
    vs.tell("FLSH")
    assert vs.tell("GETN? 1,80;GETN? 2,80") == "#3000\r\n#3000\r\n"


def test_nothing_answers_in_an_empty_slot(vs):
    assert vs.say(2, "*IDN?") == [""]
    assert vs.tell("*IDN?") != ""


def test_qcodes_sim928(vs, monkeypatch):
    """The driver that QCoDeS' users have contributed drives it, by SNDT and GETN?."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = "qcodes_contrib_drivers.drivers.StanfordResearchSystems.SIM928"
        pytest.importorskip("qcodes_contrib_drivers")
        module = importlib.import_module(place)
    monkeypatch.setattr(module.time, "sleep", vs.world.clock.spend)
    library = simulated_library({RESOURCE: vs.box})
    source = module.SIM928("vs", RESOURCE, slot_names={4: "gate"}, visalib=library)
    try:
        assert source.modules == [1, 4]
        assert source.IDN_gate()["model"] == "SIM928"
        source.volt_gate(-1.25)
        assert source.volt_gate() == -1.25
        source.write_module("gate", "OPON")
        vs.world.clock.spend(0.1)
        assert vs.world.level("vs", "4") == -1.25
        source.check_module_errors("gate")
        source.set_smooth({"gate": -1.24})
        assert source.volt_gate() == -1.24
        source.write_module("gate", "VOLT 30")
        with pytest.raises(Exception, match="Illegal value"):
            source.check_module_errors("gate")
    finally:
        source.close()
