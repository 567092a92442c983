from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.errors import LinkError
from mgd_lab.wire import LARGEST_BLOCK_BYTES, block_extent, block_header, decode_block, encode_block


@pytest.mark.parametrize(
    ("payload", "block"), [(b"", b"#10"), (b"\n;#", b"#13\n;#"), (b"x" * 10, b"#210xxxxxxxxxx")]
)
def test_literal_blocks(payload, block):
    assert encode_block(payload) == block
    assert decode_block(block) == payload


def test_padded_length_is_understood():
    assert decode_block(b"#9000000002ab") == b"ab"


@given(st.binary(max_size=2000))
def test_round_trip(payload):
    assert decode_block(encode_block(payload)) == payload


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#",
        b"x13abc",
        b"#0abc",
        b"#x3abc",
        b"#2 3abc",
        b"#13ab",
        b"#13abcd",
        b"#2+3abc",
        b"#22",
    ],
)
def test_what_is_no_block_is_refused(data):
    with pytest.raises(LinkError):
        decode_block(data)


def test_length_is_bounded_before_anything_is_kept():
    with pytest.raises(LinkError, match="999999999"):
        block_extent(b"#9999999999", 0)
    with pytest.raises(LinkError, match="the most accepted is 5"):
        block_extent(b"#16abcdef", 0, limit=5)
    with pytest.raises(LinkError, match="fewer probes"):
        block_header(LARGEST_BLOCK_BYTES + 1)


def test_extent_is_known_before_the_payload_has_come():
    assert block_extent(b"..#210", 2) == (6, 16)
    assert block_extent(b"#21", 0) is None


@given(st.binary(max_size=40) | st.binary(max_size=30).map(lambda tail: b"#" + tail))
def test_any_bytes_give_a_block_or_our_error(data):
    try:
        payload = decode_block(data)
    except LinkError:
        return
    assert data.endswith(payload)
    assert data.startswith(b"#")
