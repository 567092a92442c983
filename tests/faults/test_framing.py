"""What the proxy takes for a message: nothing is added or lost, wherever the stream is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.wire.hislip import HislipMessage
from sim_instruments.faults import chunks, framed, hislip_messages, messages_of_text

STREAMS = {
    messages_of_text: [b"*IDN?\n", b"EXCH? #15a\nb;\n\n", b"\n"],
    framed: [b"\x01\x02\0", b"\0", b"abc\0"],
    hislip_messages: [
        HislipMessage(0, 0, 1, b"hislip0").encode(),
        HislipMessage(17).encode(),
        HislipMessage(7, 0, 2, bytes(300)).encode(),
    ],
}


@pytest.mark.parametrize("make", STREAMS)
@given(cuts=st.lists(st.integers(0, 400), max_size=5))
def test_messages_are_whole_however_the_stream_is_cut(make, cuts):
    stream = b"".join(STREAMS[make])
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    framing, found = make(), []
    for first, last in pairwise(edges):
        found += framing.feed(stream[first:last])
    assert found == STREAMS[make]
    assert framing.rest() == b""


def test_what_is_no_message_is_passed_on():
    assert hislip_messages().feed(b"GET / HTTP/1.1\r\n\r\n") == [b"GET / HTTP/1.1\r\n\r\n"]
    assert chunks().feed(b"any") == [b"any"]
    framing = hislip_messages()
    assert framing.feed(b"HS") == []
    assert framing.rest() == b"HS"
