"""HiSLIP messages, byte for byte as IVI-6.1 has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.errors import LinkError
from mgd_lab.wire.hislip import (
    HEADER_BYTES,
    HislipMessage,
    MessageHeader,
    MessageType,
    data_messages,
    decode_header,
    decode_size,
    encode_size,
)


@pytest.mark.parametrize(
    ("message", "literal"),
    [
        (
            HislipMessage(MessageType.INITIALIZE, 0, 0x01007878, b"hislip0"),
            "4853 00 00 01007878 0000000000000007 6869736c697030",
        ),
        (
            HislipMessage(MessageType.DATA_END, 1, 0xFFFFFF00, b"*IDN?\n"),
            "4853 07 01 ffffff00 0000000000000006 2a49444e3f0a",
        ),
        (
            HislipMessage(MessageType.ASYNC_MAXIMUM_MESSAGE_SIZE, 0, 0, encode_size(2**20)),
            "4853 0f 00 00000000 0000000000000008 0000000000100000",
        ),
        (
            HislipMessage(MessageType.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE),
            "4853 17 00 00000000 0000000000000000",
        ),
    ],
)
def test_literal_messages(message, literal):
    data = bytes.fromhex(literal)
    assert message.encode() == data
    assert decode_header(data[:HEADER_BYTES]) == MessageHeader(
        message.kind, message.control, message.parameter, len(message.payload)
    )


@pytest.mark.parametrize("data", [b"", b"HS", b"SH" + bytes(14), b"HS" + bytes(15)])
def test_what_is_no_header_is_refused(data):
    with pytest.raises(LinkError, match="HiSLIP"):
        decode_header(data)


@given(st.binary(max_size=20) | st.binary(min_size=14, max_size=14).map(lambda rest: b"HS" + rest))
def test_any_bytes_are_a_header_or_refused(data):
    try:
        header = decode_header(data)
    except LinkError:
        return
    assert 0 <= header.payload_bytes < 2**64


@given(st.binary(max_size=12))
def test_any_bytes_are_a_size_or_refused(data):
    try:
        assert encode_size(decode_size(data)) == data
    except LinkError:
        assert len(data) != 8


@given(st.binary(max_size=100), st.integers(HEADER_BYTES + 1, 60))
def test_response_is_cut_to_messages_that_the_client_takes(response, largest):
    messages = list(data_messages(response, 6, largest))
    assert b"".join(message.payload for message in messages) == response
    assert all(len(message.encode()) <= largest for message in messages)
    kinds = [message.kind for message in messages]
    assert kinds == [MessageType.DATA] * (len(kinds) - 1) + [MessageType.DATA_END]
    assert {message.parameter for message in messages} == {6}
