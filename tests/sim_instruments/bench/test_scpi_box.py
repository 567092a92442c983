"""What all simulated SCPI instruments answer."""

from __future__ import annotations

import pytest

from mgd_lab.wire import Status
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.message_exchange import MessageExchange, PolledCore


class Box(ScpiBox):
    queue_capacity = 3

    def __init__(self):
        super().__init__("Maker,Box,7,1.0")
        self.seen = []
        self.on("[SENSe:]VOLTage[:DC]:NPLC", lambda call: self.keep(call, call.number(0, 0.02, 10)))
        self.on("[SENSe:]VOLTage[:DC]:NPLC?", lambda _: "1")
        self.on("OUTPut<n>[:STATe]", lambda call: self.keep(call, call.on()))
        self.on(
            "TRIGger:SOURce", lambda call: self.keep(call, call.choice(0, ("IMMediate", "BUS")))
        )
        self.on("DATA:ARB", lambda call: self.keep(call, (call.word(), call.block(1))), most=2)
        self.on("NAME", lambda call: self.keep(call, call.string()))

    def keep(self, call, value):
        self.seen.append((call.suffixes, value))


@pytest.fixture
def box():
    return Box()


@pytest.mark.parametrize(
    ("message", "suffixes", "value"),
    [
        (b"SENSE:VOLTAGE:DC:NPLC 1", (), 1.0),
        (b"volt:nplc 1.0E0", (), 1.0),
        (b":VOLT:DC:NPLC MIN", (), 0.02),
        (b"VOLT:NPLC maximum", (), 10.0),
        (b"VOLT:NPLC 50 mV", (), 0.05),
        (b"OUTP ON", (1,), True),
        (b"OUTPUT2:STATE 0", (2,), False),
        (b"TRIG:SOUR imm", (), "IMMediate"),
        (b"DATA:ARB x,#12\n;", (), ("X", b"\n;")),
        (b'NAME "a;b"', (), "a;b"),
    ],
)
def test_commands_in_all_their_spellings(box, message, suffixes, value):
    assert box.respond(message + b"\n") == b""
    assert box.seen == [(suffixes, value)]
    assert box.respond(b"SYST:ERR?\n") == b'0,"No error"\n'


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (b"FETCH?", b'-113,"Undefined header"'),
        (b"VOLTA:NPLC 1", b'-113,"Undefined header"'),
        (b"OUTP2:FOO 1", b'-113,"Undefined header"'),
        (b"VOLT:NPLC", b'-109,"Missing parameter"'),
        (b"VOLT:NPLC 1,2", b'-108,"Parameter not allowed"'),
        (b"*CLS 1", b'-108,"Parameter not allowed"'),
        (b"VOLT:NPLC 11", b'-222,"Data out of range"'),
        (b"VOLT:NPLC 1..2", b'-121,"Invalid character in number"'),
        (b"VOLT:NPLC 1 parsec", b'-131,"Invalid suffix"'),
        (b"VOLT:NPLC #11a", b'-168,"Block data not allowed"'),
        (b"TRIG:SOUR NEVER", b'-224,"Illegal parameter value"'),
        (b"NAME open", b'-151,"Invalid string data"'),
        (b"DATA:ARB x,1", b'-161,"Invalid block data"'),
        (b"\x80", b'-102,"Syntax error"'),
    ],
)
def test_errors_in_the_words_of_the_standard(box, message, error):
    assert box.respond(message + b"\n") == b""
    assert box.respond(b"SYST:ERR?\n") == error + b"\n"
    assert box.respond(b"SYSTEM:ERROR:NEXT?\n") == b'0,"No error"\n'
    assert box.seen == []


def test_a_command_error_ends_its_message_and_another_does_not(box):
    assert box.respond(b"FOO;*IDN?\n") == b""
    assert box.respond(b"VOLT:NPLC 99;*IDN?\n") == b"Maker,Box,7,1.0\n"


def test_answers_of_one_message_stand_in_one_line(box):
    assert box.respond(b"VOLT:NPLC?;*OPC?;*STB?\n") == b"1;1;0\n"


def test_the_queue_overflows(box):
    for _ in range(5):
        box.respond(b"FOO\n")
    errors = [box.respond(b"SYST:ERR?\n") for _ in range(4)]
    assert errors[:2] == [b'-113,"Undefined header"\n'] * 2
    assert errors[2:] == [b'-350,"Queue overflow"\n', b'0,"No error"\n']


def test_status(box):
    assert box.respond(b"*ESR?\n") == b"128\n"
    box.respond(b"*ESE 32;*SRE 32;FOO\n")
    assert box.respond(b"*ESE?;*SRE?\n") == b"32;32\n"
    assert box.status_byte(message_available=True) == 4 + 16 + 32 + 64
    assert box.respond(b"*ESR?;*ESR?\n") == b"32;0\n"
    box.respond(b"VOLT:NPLC 99\n*OPC\n")
    box.respond(b"*OPC\n")
    assert box.respond(b"*ESR?\n") == b"17\n"
    box.respond(b"*CLS\n")
    assert box.respond(b"SYST:ERR?\n") == b'0,"No error"\n'


def test_an_interrupted_query_where_the_bus_knows(box):
    assert isinstance(box, PolledCore)
    exchange = MessageExchange(box)
    exchange.write(b"*IDN?\n")
    exchange.write(b"SYST:ERR?\n")
    assert exchange.read(100) == b'-410,"Query INTERRUPTED"\n'
    box.report(Status.QUERY_UNTERMINATED)
    assert box.respond(b"SYST:ERR?\n") == b'-420,"Query UNTERMINATED"\n'
