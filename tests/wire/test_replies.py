from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.errors import LinkError
from mgd_lab.wire import Reply, decode_reply

# Sequence 7, epoch 9, status 0, two results 1.0 and -2.0; the CRC-32 is zlib's.
LITERAL = bytes.fromhex("07000000 09000000 00000000 02000000 000000000000f03f 00000000000000c0")


def sealed(data):
    import zlib

    return data + zlib.crc32(data).to_bytes(4, "little")


def test_literal_reply():
    reply = decode_reply(sealed(LITERAL), 7, 9, 2)
    assert (reply.sequence, reply.epoch, reply.status) == (7, 9, 0)
    assert reply.results.tolist() == [1.0, -2.0]
    assert reply.encode() == sealed(LITERAL)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.lists(st.floats(width=64), max_size=20),
)
def test_round_trip(sequence, epoch, status, values):
    results = np.array(values, np.float64)
    reply = decode_reply(
        Reply(sequence, epoch, status, results).encode(), sequence, epoch, len(values)
    )
    assert reply.status == status
    assert reply.results.tobytes() == results.tobytes()


def test_nan_and_infinity_are_handed_on():
    results = np.array([np.nan, np.inf])
    assert decode_reply(Reply(1, 2, 0, results).encode(), 1, 2, 2).results.tobytes() == (
        results.tobytes()
    )


def test_results_are_the_callers_own():
    reply = decode_reply(sealed(LITERAL), 7, 9, 2)
    reply.results[0] = 5.0
    assert reply.results.flags.aligned


@pytest.mark.parametrize(
    ("data", "sequence", "epoch", "count", "says"),
    [
        (sealed(LITERAL), 8, 9, 2, "to request 7, not to 8"),
        (sealed(LITERAL), 7, 8, 2, "restarted"),
        (sealed(LITERAL), 7, 9, 1, "more"),
        (sealed(LITERAL), 7, 9, 3, "fewer"),
        (sealed(LITERAL)[:-1], 7, 9, 2, "bytes"),
        (sealed(LITERAL) + b"\0", 7, 9, 2, "more"),
        (sealed(LITERAL)[:-1] + b"\0", 7, 9, 2, "damaged"),
        (sealed(LITERAL[:12] + b"\3" + LITERAL[13:]), 7, 9, 2, "counts 3"),
        (b"", 7, 9, 2, "fewer"),
    ],
)
def test_reply_that_cannot_be_trusted_is_refused(data, sequence, epoch, count, says):
    with pytest.raises(LinkError, match=says):
        decode_reply(data, sequence, epoch, count)


@given(st.integers(0, 35), st.integers(0, 7))
def test_every_single_bit_of_damage_is_found(at, bit):
    damaged = bytearray(sealed(LITERAL))
    damaged[at] ^= 1 << bit
    with pytest.raises(LinkError):
        decode_reply(bytes(damaged), 7, 9, 2)


@given(st.binary(max_size=60), st.integers(0, 5))
def test_any_bytes_give_our_error(data, count):
    with pytest.raises(LinkError):
        decode_reply(data, 7, 9, count)
