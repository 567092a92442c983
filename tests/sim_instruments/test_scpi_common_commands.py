"""IEEE 488.2 and SCPI-1999 as literal transcripts: common commands, status, errors, blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.errors import ChipError
from mgd_lab.wire import Status, decode_block, decode_description, encode_description
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.scpi_numbers import register_value


def device(chip=None):
    """A device whose power-on event has been read."""
    core = ScpiChipDevice(
        chip or EmulatedChip(MultilayerPerceptron((1, 1))), serial="7", firmware="1.0", epoch=5
    )
    assert core.respond(b"*ESR?\n") == b"128\n"
    return core


def play(*lines):
    """Pairs of message and expected response."""
    core = device()
    for message, expected in zip(lines[::2], lines[1::2], strict=True):
        assert core.respond(message) == expected, message
    return core


def test_registers_are_set_and_read():
    play(
        b"*ESE?;*SRE?\n", b"0;0\n",
        b"*ESE 36;*SRE 255\n", b"",
        b"*ese?;*sre?\n", b"36;191\n",
        b"*ESE #H3C;*SRE #B101\n", b"",
        b"*ESE?;*SRE?\n", b"60;5\n",
        b"*ESE 1.25E1;*SRE #Q17\n", b"",
        b"*ESE?;*SRE?;SYST:ERR:COUN?\n", b"13;15;0\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b"*ESE\n", b"-109"),
        (b"*ESE #13abc\n", b"-104"),
        (b"*ESE ON\n", b"-104"),
        (b"*ESE 1,2\n", b"-108"),
        (b"*ESE 256\n", b"-222"),
        (b"*ESE -1\n", b"-222"),
        (b"*SRE 1E999\n", b"-222"),
        (b"*SRE #Hfff\n", b"-222"),
        (b"*ESE32\n", b"-113"),
        (b"*OPC 1\n", b"-108"),
        (b"*WAI 1\n", b"-108"),
        (b"*TRG\n", b"-113"),
        (b"*OPC?;*RST?\n", b"-113"),
        (b"CHIP:DESC? 3\n", b"-108"),
    ],
)
def test_wrong_command_is_an_error_and_changes_nothing(command, error):
    core = device()
    core.respond(command)
    assert core.respond(b"SYST:ERR?\n").startswith(error + b',"')
    assert core.respond(b"*ESE?;*SRE?;:SYST:ERR?\n") == b'0;0;0,"No error"\n'


def test_operation_complete_wait_and_self_test():
    play(
        b"*WAI;*OPC?;*TST?\n", b"1;0\n",
        b"*ESR?\n", b"0\n",
        b"*OPC\n", b"",
        b"*ESR?;*ESR?\n", b"1;0\n",
        b"SYST:VERS?\n", b"1999.0\n",
    )  # fmt: skip


def test_status_byte_says_event_error_and_message():
    play(
        b"*STB?\n", b"0\n",
        b"*OPC?;*STB?\n", b"1;16\n",
        b"*ESE 32;VOLT 3\n", b"",
        b"*STB?\n", b"36\n",
        b"*SRE 4;*STB?\n", b"100\n",
        b"*ESR?;*STB?\n", b"32;84\n",
        b"SYST:ERR?\n", b'-113,"Undefined header;VOLT"\n',
        b"*STB?\n", b"0\n",
    )  # fmt: skip


def test_clear_forgets_events_and_errors_and_keeps_the_enables():
    play(
        b"*ESE 32;*SRE 4;VOLT 3\n", b"",
        b"*CLS;*STB?;*ESR?;*ESE?;*SRE?;:SYST:ERR?\n", b'0;0;32;4;0,"No error"\n',
    )  # fmt: skip


def test_overflow_is_the_last_error_and_a_device_error():
    core = device()
    for _ in range(17):
        core.respond(b"VOLT 3\n")
    assert core.respond(b"SYST:ERR:COUN?;*ESR?\n") == b"16;40\n"
    replies = [core.respond(b"SYST:ERR?\n") for _ in range(17)]
    assert replies[14:] == [
        b'-113,"Undefined header;VOLT"\n',
        b'-350,"Queue overflow"\n',
        b'0,"No error"\n',
    ]


def test_paths_of_compound_headers():
    play(
        b"SYST:ERR:NEXT?;COUN?\n", b'0,"No error";0\n',
        b"SYST:ERR?;VERS?\n", b'0,"No error";1999.0\n',
        b"SYST:ERR?;*OPC?;VERS?\n", b'0,"No error";1;1999.0\n',
        b"SYST:VERS?;:CHIP:EPOC?\n", b"1999.0;5\n",
        b"SYST:VERS?;CHIP:EPOC?\n", b"1999.0\n",
        b"SYST:ERR?\n", b'-113,"Undefined header;CHIP:EPOC?"\n',
        b"\x00\t SYSTEM:VERSION? \r\n", b"1999.0\n",
    )  # fmt: skip


DATA = encode_description(EmulatedChip(MultilayerPerceptron((1, 1))).description)
BLOCKS = b"5;#3%d%b;0;#0%b\n" % (len(DATA), DATA, DATA)


def test_nothing_is_asked_after_the_identity():
    play(
        b"*OPC?;*IDN?;*CLS\n", b"1;MGD Lab,emulated chip,7,1.0\n",
        b"*IDN?;*OPC?\n", b"MGD Lab,emulated chip,7,1.0\n",
        b"SYST:ERR?;*ESR?\n", b'-440,"Query UNTERMINATED after indefinite response;*OPC? after '
        b'*IDN?";4\n',
        b"CHIP:EPOC?;DESC? DEF;:SYST:ERR:COUN?;:CHIP:DESC? IND;*CLS;*RST\n", BLOCKS,
    )  # fmt: skip


def test_query_errors_set_their_event():
    core = device()
    core.report(Status.QUERY_INTERRUPTED)
    assert core.respond(b"*ESR?;:SYST:ERR?\n") == b'4;-410,"Query INTERRUPTED"\n'


def test_description_in_definite_and_indefinite_blocks():
    chip = EmulatedChip(MultilayerPerceptron((1, 1)))
    data = encode_description(chip.description)
    core = device(chip)
    for message in (b"CHIP:DESC?\n", b"CHIP:DESC? DEF\n", b"chip:desc? definite\n"):
        assert decode_block(core.respond(message)[:-1]) == data
    response = core.respond(b"CHIP:DESC? IND\n")
    assert response == b"#0" + data + b"\n"
    assert decode_description(response[2:-1]) == chip.description


def test_requests_in_indefinite_blocks_and_with_any_bytes():
    core = device()
    # Too short for a request, and answered so: what counts is that all of it came.
    definite = core.respond(b"EXCH? #15a;\n;b\n")
    assert definite.startswith(b"#220a;\n;")
    assert core.respond(b"EXCH? #0a;\n;b\n") == definite
    assert core.respond(b"EXCH? #0a;\n;b") == definite


class StuckChip(EmulatedChip):
    def write_parameters(self, values):
        raise ChipError("the DAC does not answer")


def test_reset_of_a_chip_that_fails_is_an_error():
    core = device(StuckChip(MultilayerPerceptron((1, 1))))
    assert core.respond(b"*RST;*OPC?\n") == b"1\n"
    assert core.respond(b"SYST:ERR?\n") == b'-240,"Hardware error;the DAC does not answer"\n'


def test_responses_that_are_too_long_together_are_dropped(monkeypatch):
    monkeypatch.setattr("sim_instruments.scpi_chip.LARGEST_BLOCK_BYTES", 9)
    play(
        b"*OPC?;:SYST:VERS?\n", b"1;1999.0\n",
        b"*OPC?;:SYST:VERS?;*OPC?;*OPC?;*OPC?\n", b"",
    ).respond(b"*CLS\n")  # fmt: skip
    core = play(b"SYST:VERS?;VERS?;VERS?\n", b"")
    monkeypatch.undo()
    assert core.respond(b"SYST:ERR?\n").startswith(b'-430,"Query DEADLOCKED')


@pytest.mark.timeout(10)
def test_numbers_of_many_digits_are_refused_at_once():
    core = device()
    for argument in (b"9" * 65_000, b"1" * 65_000 + b"x", b"#H" + b"f" * 65_000, b"'" * 65_000):
        core.respond(b"*ESE " + argument + b"\n")
        assert core.respond(b"SYST:ERR:COUN?\n") == b"1\n"
        core.respond(b"*CLS\n")
    core.respond(b"A:B;" * 16_000 + b"\n")
    assert core.respond(b"*ESE?\n") == b"0\n"


@given(st.integers(0, 255))
def test_register_values_in_every_base(value):
    for text in ("%d", "%d.0", "+%d", "%dE0", "#H%x", "#Q%o"):
        assert register_value((text % value).encode()) == value
    assert register_value(f"#B{value:b}".encode()) == value


MESSAGES = st.lists(
    st.sampled_from(
        [b"*ESE", b"*SRE?", b"*STB?", b"*IDN?", b"*CLS", b"SYST:ERR", b":COUN?", b"?", b" ", b";",
         b"#0", b"#13", b"#", b"1", b"9", b",", b'"', b"\n", b":", b"CHIP:DESC? IND", b"\xff"]
    )
).map(b"".join)  # fmt: skip


@given(MESSAGES)
def test_any_message_leaves_the_device_alive(message):
    core = device()
    response = core.respond(message)
    assert response == b"" or response.endswith(b"\n")
    core.respond(b"*CLS\n")
    assert core.respond(b"*OPC?;:SYST:ERR?\n") == b'1;0,"No error"\n'
