"""What devices say in frames: replies, refusals, who they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.errors import LinkError
from mgd_lab.wire import Reply
from mgd_lab.wire.frame_messages import (
    Device,
    decode_device,
    decode_reply_frame,
    epoch_of,
    pong,
    refusal_frame,
    reply_frame,
)
from mgd_lab.wire.frames import FrameOpcode, frame

IDENTITY = {"manufacturer": "Lab", "model": "board", "serial": "µ3", "firmware": "2"}
CHIP = ChipDescription("line", (ParameterGroup("w", 2),), inputs=1, outputs=1)
DEVICE = Device(1, 0x01020304, 4096, IDENTITY, CHIP)


def test_reply_literal():
    found = reply_frame(Reply(5, 0x01020304, 0, np.array([1.0])).encode())
    assert found.contents[:-4] == bytes.fromhex(
        "05000000 80 04030201 00000000 01000000 000000000000f03f"
    )
    reply, reason = decode_reply_frame(found, 5, 0x01020304, 1)
    assert (reply.results.tolist(), reply.status, reason) == ([1.0], 0, "")


def test_refusal_literal():
    found = refusal_frame(5, 0x01020304, -221, "no θ")
    assert (
        found.contents[:-4]
        == bytes.fromhex("05000000 80 04030201 23ffffff 00000000") + b"no \xce\xb8"
    )
    reply, reason = decode_reply_frame(found, 5, 0x01020304, 7)
    assert (reply.results.tolist(), reply.status, reason) == ([], -221, "no θ")


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        ((6, 0x01020304, 1), "to request 5, not to 6"),
        ((5, 9, 1), "session"),
        ((5, 0x01020304, 2), "fewer"),
    ],
)
def test_replies_of_others_are_refused(expected, says):
    found = reply_frame(Reply(5, 0x01020304, 0, np.array([1.0])).encode())
    with pytest.raises(LinkError, match=says):
        decode_reply_frame(found, *expected)


@given(st.binary(max_size=300), st.integers(0, 5))
def test_no_reply_makes_it_fail_otherwise(payload, count):
    found = frame(5, FrameOpcode.REPLY, payload)
    try:
        reply, reason = decode_reply_frame(found, 5, 0, count)
    except LinkError:
        return
    assert len(reply.results) == (0 if reply.status else count)
    assert len(reason) <= 255


def test_device_comes_back():
    answer = DEVICE.frame(7)
    assert answer.payload[:12] == bytes.fromhex("01 00 0000 04030201 00100000")
    assert (answer.sequence, answer.opcode) == (7, FrameOpcode.DEVICE)
    assert decode_device(answer.payload) == DEVICE


HEAD = bytes.fromhex("01 00 0000 04030201 00100000")


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"\x01", "short"),
        (b"\x02" + HEAD[1:] + b"{}", "version 2"),
        (HEAD[:8] + b"\x10\0\0\0{}", "frames of 16 bytes"),
        (HEAD + b"{", "no JSON"),
        (HEAD + b"\xff", "no JSON"),
        (HEAD + b"[" * 100_000, "no JSON"),
        (HEAD + b"[]", "no mapping"),
        (HEAD + b"{}", "manufacturer = None"),
        (HEAD + b'{"manufacturer":"","model":"","serial":"","firmware":3}', "firmware = 3"),
        (HEAD + b'{"manufacturer":"","model":"","serial":"","firmware":""}', "description"),
    ],
)
def test_what_is_no_device_is_refused(payload, says):
    with pytest.raises(LinkError, match=says):
        decode_device(payload)


@given(st.binary(max_size=300))
def test_no_device_makes_it_fail_otherwise(payload):
    with pytest.raises(LinkError):
        decode_device(payload)


def test_epoch():
    assert pong(3, 0x01020304).payload == bytes.fromhex("04030201")
    assert epoch_of(pong(3, 0x01020304)) == 0x01020304
    with pytest.raises(LinkError, match="not an epoch"):
        epoch_of(frame(3, FrameOpcode.PONG, b"abc"))
