"""Program messages out of a stream that comes in any pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.errors import LinkError
from mgd_lab.wire import MessageStream, message_end, parse_message
from mgd_lab.wire.scpi_stream import LARGEST_TEXT_BYTES


def taken(stream, *pieces, end=False):
    """All messages that the pieces complete; "!" where one was passed over."""
    messages = []
    for number, piece in enumerate(pieces, 1):
        stream.feed(piece)
        if end and number == len(pieces):
            stream.end()
        while True:
            try:
                message = stream.take()
            except LinkError:
                messages.append("!")
                continue
            if message is None:
                break
            messages.append(message)
    return messages


def test_messages_in_pieces():
    stream = MessageStream()
    assert taken(stream, b"A?", b"\nB? #1", b"3\n;", b"\n", b"\nC?") == [b"A?\n", b"B? #13\n;\n\n"]
    assert not stream.empty
    stream.clear()
    assert stream.empty
    assert taken(stream, b"D?\n") == [b"D?\n"]


def test_indefinite_block_ends_with_the_line_where_there_is_no_end():
    stream = MessageStream()
    assert taken(stream, b'X? #0a;"#9', b"b\nY?\n") == [b'X? #0a;"#9b\n', b"Y?\n"]


def test_indefinite_block_ends_with_end_where_there_is_one():
    stream = MessageStream(has_end=True)
    assert taken(stream, b"Y?\nX? #0a\n", b"#", b"\n\n", end=True) == [b"Y?\n", b"X? #0a\n#\n\n"]
    (command,) = parse_message(b"X? #0a\n#\n\n")
    assert command.block == b"a\n#\n"
    assert taken(stream, b"Z?", end=True) == [b"Z?"]
    assert taken(stream, b"*CLS", b"\n", end=True) == [b"*CLS\n"]


def test_block_that_is_too_long_is_passed_over_by_its_length():
    stream = MessageStream(limit=9)
    payload = b"\nX?\n" * 5
    assert taken(stream, b"A? #220" + payload[:7], payload[7:] + b";B?", b"\nC?\n") == [
        "!",
        b"C?\n",
    ]
    # Two blocks that are too long together.
    assert taken(stream, b"A? #15abcde;B? #15abcde\nC?\n") == ["!", b"C?\n"]


def test_text_that_is_too_long_is_passed_over_to_its_line_feed():
    stream = MessageStream()
    half = b"x" * (LARGEST_TEXT_BYTES // 2 + 1)
    assert taken(stream, half, half, half + b"\nA?\n") == ["!", b"A?\n"]
    assert taken(stream, b'"' + half, half, b'"\nA?\n') == ["!", b"A?\n"]
    assert taken(stream, half + half + b"\nA?\n") == ["!", b"A?\n"]


def test_what_is_passed_over_ends_with_end_where_there_is_one():
    stream = MessageStream(limit=9, has_end=True)
    assert taken(stream, b"A? #210abc", b"\ndef", b"\n", end=True) == ["!"]
    assert taken(stream, b"A? #0" + b"\n" * (LARGEST_TEXT_BYTES + 10), b"\nB?\n") == ["!"]
    assert taken(stream, b"C?\n", end=True) == []
    assert taken(stream, b"D?\n", end=True) == [b"D?\n"]


@pytest.mark.parametrize("has_end", [False, True])
def test_endless_input_is_not_kept(has_end):
    stream = MessageStream(limit=1000, has_end=has_end)
    for start in (b"X? #9999999999", b"X? #0", b'X "', b"X"):
        assert "!" in taken(stream, start, *[b"y" * 10_000] * 10)
        assert len(stream._buffer) <= 1000 + LARGEST_TEXT_BYTES
        taken(stream, b"", end=True)
        stream.clear()


def test_large_message_byte_by_byte_takes_no_longer_than_it_must():
    stream = MessageStream()
    message = b"X? #6100000" + b"\n" * 100_000 + b"\n"
    assert taken(stream, *(message[k : k + 1] for k in range(len(message)))) == [message]


STREAM = st.lists(
    st.sampled_from(
        [b"#", b"0", b"1", b"2", b"#13abc", b"\n", b";", b'"', b"'", b"*IDN?", b"X", b" ", b"\xff"]
    )
).map(b"".join)


@given(STREAM | st.binary(max_size=60), st.lists(st.integers(0, 80)), st.booleans())
def test_messages_do_not_depend_on_the_pieces(data, cuts, has_end):
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    pieces = [data[a:b] for a, b in pairwise(edges)] or [b""]
    # Limits that random data reach: a block of 7 bytes is too long.
    whole = taken(MessageStream(7, has_end=has_end), data, end=True)
    assert taken(MessageStream(7, has_end=has_end), *pieces, end=True) == whole
    assert b"".join(m for m in whole if m != "!") in data or "!" in whole


@given(STREAM | st.binary(max_size=60))
def test_what_the_stream_takes_the_scanner_finds(data):
    try:
        end = message_end(data, 7)
    except LinkError:
        end = "!"
    found = taken(MessageStream(7), data)
    if end is None:
        assert found == []
    else:
        assert found[0] == (end if end == "!" else data[:end])
