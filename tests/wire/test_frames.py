"""Frames: literal bytes, pieces, damage, bounds."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.errors import LinkError
from mgd_lab.wire import cobs
from mgd_lab.wire.frames import (
    LARGEST_FRAME_BYTES,
    DamagedFrame,
    Frame,
    FrameDecoder,
    FrameOpcode,
    frame,
)

# PING number 258: 02 01 00 00 41 and the CRC-32 of these, F4D03B1F, made by hand with zlib.
PING = frame(258, FrameOpcode.PING)
FRAMES = st.builds(frame, st.integers(0, 2**32 - 1), st.integers(1, 255), st.binary(max_size=600))


def test_literal_ping():
    contents = bytes.fromhex("0201000041")
    crc = zlib.crc32(contents).to_bytes(4, "little")
    assert PING.contents == contents + crc
    assert PING.encode() == b"\x03\x02\x01\x01\x06\x41" + crc + b"\0"
    assert (PING.sequence, PING.opcode, PING.payload) == (258, FrameOpcode.PING, b"")


@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(1, 97), min_size=1, max_size=20))
def test_pieces_of_any_size_give_the_same_frames(frames, sizes):
    stream = b"".join(each.encode() for each in frames)
    decoder, found, at = FrameDecoder(), [], 0
    while at < len(stream):
        for size in sizes:
            found += decoder.feed(stream[at : at + size])
            at += size
    assert found == frames


@given(st.lists(FRAMES, min_size=3, max_size=3), st.data())
def test_damage_to_one_frame_does_no_harm_to_the_others(frames, data):
    line = bytearray(frames[1].encode())
    at = data.draw(st.integers(0, len(line) - 2))
    line[at] = data.draw(st.integers(0, 255).filter(lambda value: value != line[at]))
    found = FrameDecoder().feed(frames[0].encode() + bytes(line) + frames[2].encode())
    assert found[0] == frames[0]
    assert found[-1] == frames[2]
    assert found[1:-1]
    assert all(isinstance(each, DamagedFrame) for each in found[1:-1])


@given(st.binary(max_size=300))
def test_garbage_between_frames_is_skipped(garbage):
    found = FrameDecoder().feed(PING.encode() + garbage + b"\0" + PING.encode())
    assert found[0] == found[-1] == PING


@given(st.lists(st.binary(max_size=200), max_size=10), st.integers(9, 64))
def test_no_bytes_make_it_fail_or_keep_more_than_its_limit(pieces, limit):
    decoder = FrameDecoder(limit)
    for piece in pieces:
        for found in decoder.feed(piece):
            assert isinstance(found, DamagedFrame) or len(found.contents) <= limit
        assert len(decoder._begun) <= cobs.encoded_bytes(limit)


def test_frame_that_is_too_long_is_refused_without_being_kept():
    decoder = FrameDecoder(64)
    for _ in range(1000):
        assert decoder.feed(b"\x01" * 1000) == []
        assert len(decoder._begun) <= cobs.encoded_bytes(64)
    found = decoder.feed(b"\0" + PING.encode())
    assert found == [DamagedFrame("a frame is longer than 64 bytes"), PING]


def test_largest_frame():
    payload = bytes(LARGEST_FRAME_BYTES - 9)
    assert len(frame(0, 1, payload).contents) == LARGEST_FRAME_BYTES
    with pytest.raises(LinkError, match="longer than the largest"):
        frame(0, 1, payload + b"\0")


def test_empty_frames_are_nothing():
    assert FrameDecoder().feed(b"\0\0\0" + PING.encode() + b"\0\0") == [PING]


@pytest.mark.parametrize("contents", [b"", b"\x01\0\0\0", b"\x01\0\0\0\x41\0\0\0"])
def test_short_frames_are_damaged(contents):
    (found,) = FrameDecoder().feed(cobs.encode(contents) + b"\0")
    assert isinstance(found, DamagedFrame)
    assert "short" in found.reason


def test_frames_are_values():
    assert Frame(PING.contents) == PING
    assert hash(Frame(PING.contents)) == hash(PING)
