"""COBS: published examples, and every bytes string there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.errors import LinkError
from mgd_lab.wire import cobs

# From the table of examples in the Wikipedia article, after Cheshire and Baker.
EXAMPLES = {
    "00": "01 01",
    "00 00": "01 01 01",
    "00 11 00": "01 02 11 01",
    "11 22 00 33": "03 11 22 02 33",
    "11 22 33 44": "05 11 22 33 44",
    "11 00 00 00": "02 11 01 01 01",
    "": "01",
}
COUNTING = bytes(range(1, 255))
LONG_EXAMPLES = [
    (COUNTING, b"\xff" + COUNTING),
    (b"\0" + COUNTING, b"\x01\xff" + COUNTING),
    (COUNTING + b"\xff", b"\xff" + COUNTING + b"\x02\xff"),
    (bytes(range(2, 256)) + b"\0", b"\xff" + bytes(range(2, 256)) + b"\x01\x01"),
    (bytes(range(3, 256)) + b"\0\x01", b"\xfe" + bytes(range(3, 256)) + b"\x02\x01"),
]


@pytest.mark.parametrize("data", EXAMPLES)
def test_published_examples(data):
    decoded, encoded = bytes.fromhex(data), bytes.fromhex(EXAMPLES[data])
    assert cobs.encode(decoded) == encoded
    assert cobs.decode(encoded) == decoded


@pytest.mark.parametrize("k", range(len(LONG_EXAMPLES)))
def test_published_examples_of_long_runs(k):
    decoded, encoded = LONG_EXAMPLES[k]
    assert cobs.encode(decoded) == encoded
    assert cobs.decode(encoded) == decoded


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=6))
def test_runs_of_any_length_come_back_without_a_zero_on_the_line(runs):
    data = b"".join(bytes([value]) * length for length, value in runs)
    encoded = cobs.encode(data)
    assert 0 not in encoded
    assert len(encoded) <= cobs.encoded_bytes(len(data))
    assert cobs.decode(encoded) == data


@given(st.binary(max_size=700))
def test_any_bytes_decode_or_are_refused(data):
    try:
        decoded = cobs.decode(data)
    except LinkError:
        return
    assert len(decoded) < len(data)


@pytest.mark.parametrize("data", ["", "02", "00", "02 11 00", "ff 11", "03 11 22 05 33"])
def test_what_is_no_encoding_is_refused(data):
    with pytest.raises(LinkError):
        cobs.decode(bytes.fromhex(data))
