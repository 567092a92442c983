from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.errors import LinkError
from mgd_lab.wire import Command, Header, exchange_message, message_end, parse_message


@pytest.mark.parametrize(
    ("spelling", "header"),
    [
        (b"*IDN?", Header.IDENTITY),
        (b"*idn?", Header.IDENTITY),
        (b"SYST:ERR?", Header.NEXT_ERROR),
        (b"system:error:next?", Header.NEXT_ERROR),
        (b":SYSTem:ERR:NEXT?", Header.NEXT_ERROR),
        (b"CHIP:DESC?", Header.DESCRIPTION),
        (b"CHIP:DESCRIPTION?", Header.DESCRIPTION),
        (b"chip:epoch?", Header.EPOCH),
        (b"EXCHANGE?", Header.EXCHANGE),
        (b"*RST", Header.RESET),
        (b"*RST?", None),
        (b"SYSTE:ERR?", None),
        (b"SYST:ERR", None),
        (b"NEXT?", None),
        (b"CHIP?", None),
    ],
)
def test_headers_in_short_and_long_form(spelling, header):
    (command,) = parse_message(spelling + b"\n")
    assert (command.header, command.spelling) == (header, spelling)


def test_semicolons_and_line_feeds_inside_blocks_and_quotes_do_not_separate():
    message = b' *RST ;EXCH? #15a;\nb" ; VOLT "x;y\'", 3 ;;*CLS\r\n'
    assert parse_message(message) == [
        Command(Header.RESET, b"*RST"),
        Command(Header.EXCHANGE, b"EXCH?", block=b'a;\nb"'),
        Command(None, b"VOLT", b'"x;y\'", 3'),
        Command(Header.CLEAR, b"*CLS"),
    ]


def test_header_without_colon_continues_the_path():
    commands = parse_message(b"CHIP:EPOC?;DESC?;:SYST:ERR?;*OPC?;ERR?\n")
    assert [command.header for command in commands] == [
        Header.EPOCH,
        Header.DESCRIPTION,
        Header.NEXT_ERROR,
        Header.OPERATION_COMPLETE,
        Header.NEXT_ERROR,
    ]


def test_exchange_message_bytes():
    assert exchange_message(b"\n" * 12) == b"EXCH? #212" + b"\n" * 12 + b"\n"


@pytest.mark.parametrize("message", [b"", b"\n", b" ;; \r\n"])
def test_empty_messages_have_no_commands(message):
    assert parse_message(message) == []


@pytest.mark.parametrize(
    "message", [b"12\n", b"X? #15abc\n", b"X? #12ab3\n", b'X "a\n', b"\xff\n", b"X? #9999999999\n"]
)
def test_message_that_cannot_be_taken_apart_is_refused(message):
    with pytest.raises(LinkError):
        parse_message(message)


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", None),
        (b"*IDN?", None),
        (b"*IDN?\nX", 6),
        (b"X? #15\n\n\n\n\n\nY\n", 12),
        (b"X? #15\n\n\n\n\n", None),
        (b"X? #", None),
        (b"X? #2", None),
        (b"X? #21", None),
        (b"X? #HFF\nY", 8),
        (b"X? #2\n", 6),
        (b'X "#15";Y\n', 10),
        (b'X "a\n', 5),
        (b"it's\n", 5),
        (b"'", None),
    ],
)
def test_end_of_a_message_in_a_stream(data, end):
    assert message_end(data) == end


def test_oversized_block_in_a_stream_is_refused():
    with pytest.raises(LinkError, match="100"):
        message_end(b"X? #3100", limit=99)


STREAM = st.lists(
    st.sampled_from(
        [b"#", b"1", b"2", b"\n", b";", b'"', b"'", b"*IDN?", b"X", b" ", b":", b"\xff"]
    )
).map(b"".join)


@given(STREAM | st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused(data):
    try:
        commands = parse_message(data)
    except LinkError:
        return
    assert all(command.spelling in data for command in commands)


@given(STREAM | st.binary(max_size=60))
def test_end_does_not_depend_on_how_a_stream_is_cut(data):
    try:
        whole = message_end(data)
    except LinkError:
        return
    for cut in range(len(data) + 1):
        end = message_end(data[:cut])
        assert end is None or end == whole
