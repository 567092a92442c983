"""Opening: identities, resources, errors that waited, garbage."""

from __future__ import annotations

import pytest

from drivers.scpi import scpi_chip
from mgd_lab.errors import (
    ChipBusyError,
    ConfigurationError,
    IdentityError,
    InstrumentError,
    LinkError,
)
from sim_instruments.visa_library import simulated_library

ONCE = {"per_block": 0}


def test_constructor_does_no_input_or_output(lab):
    scpi_chip(lab.settings(resource="TCPIP::nowhere.invalid::1::SOCKET"), "@py")


def test_unknown_resource_is_named_with_those_there_are(lab):
    library = simulated_library({lab.RESOURCE: lab.Script()})
    chip = scpi_chip(lab.settings(resource="TCPIP::other::5025::SOCKET"), library)
    with pytest.raises(LinkError, match="TCPIP::other.*no answer.*" + lab.RESOURCE), chip:
        pass


def test_unknown_resource_of_plain_pyvisa_sim(lab):
    chip = scpi_chip(lab.settings(resource="TCPIP::other::5025::SOCKET"), "@sim")
    with pytest.raises(LinkError, match=r"no answer.*ASRL1::INSTR"), chip:
        pass


@pytest.mark.parametrize("library", ["@nonsense", "/no/such/library.so"])
def test_missing_visa_library(lab, library):
    with (
        pytest.raises(ConfigurationError, match="VISA library"),
        scpi_chip(lab.settings(), library),
    ):
        pass


def test_refused_connection_is_a_link_error(lab):
    chip = scpi_chip(
        lab.settings(resource="TCPIP::127.0.0.1::1::SOCKET", timeout_seconds=0.5), "@py"
    )
    with pytest.raises(LinkError, match=r"127.0.0.1.* s"), chip:
        pass


@pytest.mark.parametrize(
    "answer",
    [b"hello\n", b"a,b,c\n", b"a,b,c,d,e\n", b"\xff\xfe,,,\n", b",b,c,d\n", b"a,b,\x00,d\n"],
)
def test_garbage_instead_of_an_identity(lab, answer):
    script, chip = lab.scripted((b"*IDN?\n", answer), retries=ONCE)
    with pytest.raises(LinkError, match="garbage"), chip:
        pass
    assert script.exchanges == []


def test_device_in_use_by_another_says_so(lab):
    answer = b'-200,"Execution error;the device is in use by 127.0.0.1:4711"\n'
    script, chip = lab.scripted((b"*IDN?\n", answer))
    with pytest.raises(ChipBusyError, match=r"cannot be used.*in use by 127\.0\.0\.1:4711"), chip:
        pass
    assert script.exchanges == []


def test_another_error_instead_of_an_identity(lab):
    _, chip = lab.scripted((b"*IDN?\n", b'-240,"Hardware error"\n'), retries=ONCE)
    with pytest.raises(LinkError, match=r"cannot be used: -240"), chip:
        pass


@pytest.mark.parametrize("answer", [b"\n", b""])
def test_no_answer(lab, answer):
    _, chip = lab.scripted((b"*IDN?\n", answer), retries=ONCE)
    with pytest.raises(LinkError, match=r"no answer|timed out"), chip:
        pass


@pytest.mark.parametrize("identity", [{"manufacturer": "Acme"}, {"model": "x"}, {"serial": "8"}])
def test_wrong_identity_is_refused_before_anything_else_is_sent(lab, identity):
    script, chip = lab.scripted(*lab.OPENING[:2], identity=identity)
    with pytest.raises(IdentityError, match=next(iter(identity.values()))), chip:
        pass
    assert script.exchanges == []


def test_right_identity_is_taken(lab):
    identity = {"manufacturer": "MGD Lab", "model": "emulated chip", "serial": "7"}
    _, chip = lab.scripted(*lab.OPENING, *lab.closing(0), identity=identity)
    with chip:
        pass


def test_errors_that_waited_are_drained_and_told(lab):
    old = (b"SYST:ERR?\n", b'-113,"Undefined header"\n')
    _, chip = lab.scripted(*lab.OPENING[:2], old, old, *lab.OPENING[2:], *lab.closing(0))
    with chip:
        assert chip.identity["errors_found_when_opened"].count("-113") == 2


def test_two_descriptions_that_differ(lab):
    """It has no checksum: a limit with a digit changed would look like a limit."""
    header, described = lab.DESCRIBED
    damaged = (header, described.replace(b'"count": 2', b'"count": 3'))
    _, chip = lab.scripted(*lab.OPENING[:4], damaged, retries=ONCE)
    with pytest.raises(LinkError, match="two answers to CHIP:DESCription\\? differ"), chip:
        pass


@pytest.mark.parametrize(
    ("place", "answer", "says"),
    [
        (1, b"MGD Lab,emulated chip,8,1.0\n", "two answers to \\*IDN\\? differ"),
        (6, b"16909061\n", "two answers to CHIP:EPOCh\\? differ"),
    ],
)
def test_texts_without_a_checksum_count_when_they_come_twice(lab, place, answer, says):
    wrong = (lab.OPENING[place][0], answer)
    script, chip = lab.scripted(*lab.OPENING[:place], wrong, *lab.OPENING, *lab.closing(0))
    with chip:
        (recovery,) = chip.take_recoveries()
    assert pytest.raises(LinkError, match=says).matches(LinkError(recovery.message))
    assert script.exchanges == []


@pytest.mark.parametrize("place", [2, 3, 5])
@pytest.mark.parametrize(
    "answer", [b"garbage\n", b"#14abcd\n", b"\xff\n", b"#x\n", b"#0\n", b"-1\n"]
)
def test_garbage_while_opening(lab, place, answer):
    wrong = (lab.OPENING[place][0], answer)
    # What is whole is asked for once more, before its content is looked at.
    exchanges = [*lab.OPENING[:place], *[wrong] * (1 if place == 2 else 2)]
    _, chip = lab.scripted(*exchanges, retries=ONCE)
    with pytest.raises(LinkError), chip:
        pass


def test_endless_error_queue(lab):
    endless = [(b"SYST:ERR?\n", b'-200,"Execution error"\n')] * 100
    _, chip = lab.scripted(*lab.OPENING[:2], *endless)
    with pytest.raises(InstrumentError, match="does not end"), chip:
        pass


def test_opening_is_tried_again_and_told(lab):
    lost = (b"*IDN?\n", b"")
    cut = (b"CHIP:DESC?\n", b"#3")
    script, chip = lab.scripted(
        lost, *lab.OPENING[:3], cut, *lab.OPENING, *lab.closing(0),
        retries={"per_block": 2, "backoff_seconds": 0},
    )  # fmt: skip
    with chip:
        first, second = chip.take_recoveries()
    assert "opening: " in first.message
    assert first.remeasured_probes == second.remeasured_probes == 0
    assert script.exchanges == []


def test_opening_is_tried_as_often_as_retries_say(lab):
    waits = []
    script, chip = lab.scripted(
        *[(b"*IDN?\n", b"hello\n")] * 3, retries={"per_block": 2, "backoff_seconds": 0.5}
    )
    chip._recoverer._sleep = waits.append
    with pytest.raises(LinkError, match="garbage") as caught, chip:
        pass
    assert waits == [0.5, 1.0]
    assert "tried 3 times" in caught.value.__notes__[0]
    assert script.exchanges == []


def test_busy_while_an_attempt_before_may_still_be_open(lab):
    busy = (b"*IDN?\n", b'-200,"Execution error;the device is in use by 127.0.0.1:4711"\n')
    script, chip = lab.scripted(
        (b"*IDN?\n", b""), busy, *lab.OPENING, *lab.closing(0),
        retries={"per_block": 2, "backoff_seconds": 0},
    )  # fmt: skip
    with chip:
        assert len(chip.take_recoveries()) == 2
    assert script.exchanges == []


def test_a_name_that_is_the_resource_is_said_once(lab):
    _, chip = lab.scripted((b"*IDN?\n", b"hello\n"), retries=ONCE)
    with pytest.raises(LinkError) as caught, chip:
        pass
    assert str(caught.value).count(lab.RESOURCE) == 1
