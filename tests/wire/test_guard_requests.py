"""Limits, output switch, watchdog and telemetry as bytes."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mgd_lab.errors import LinkError
from mgd_lab.wire import (
    Opcode,
    ReadLimits,
    ReadOutputs,
    ReadTelemetry,
    SetLimits,
    SwitchOutputs,
    WatchHost,
    Widths,
    decode_request,
    refused_result_count,
    result_count,
)

WIDTHS = Widths(parameters=3, inputs=2, outputs=1, largest_block=6, telemetry=4)
EDGES = arrays(np.float64, (2, 3), elements=st.floats(allow_nan=False))


def sealed(opcode, count, body=b""):
    """A request, put together here by hand."""
    whole = struct.pack("<IBBHII", 7, opcode, 0, 0, 0, count) + body
    return whole + struct.pack("<I", zlib.crc32(whole))


@given(EDGES)
def test_limits_of_any_value_arrive(edges):
    low, high = np.sort(edges, axis=0)
    header, found = decode_request(SetLimits(low, high).encode(3), WIDTHS)
    assert header.sequence == 3
    assert (found.low.tobytes(), found.high.tobytes()) == (low.tobytes(), high.tobytes())


@given(st.floats(0, 1e9), st.booleans())
def test_times_and_switches_arrive(seconds, on):
    assert decode_request(WatchHost(seconds).encode(1), WIDTHS)[1] == WatchHost(seconds)
    assert decode_request(SwitchOutputs(on).encode(1), WIDTHS)[1] == SwitchOutputs(on)


@pytest.mark.parametrize(
    ("request_", "literal"),
    [
        (
            SetLimits(np.array([-1.0, -np.inf, 0.5]), np.array([1.0, np.inf, 0.5])),
            sealed(27, 3, struct.pack("<6d", -1, -np.inf, 0.5, 1, np.inf, 0.5)),
        ),
        (ReadLimits(), sealed(28, 0)),
        (SwitchOutputs(on=True), sealed(29, 0, struct.pack("<II", 1, 0))),
        (SwitchOutputs(on=False), sealed(29, 0, bytes(8))),
        (ReadOutputs(), sealed(30, 0)),
        (WatchHost(2.5), sealed(31, 0, struct.pack("<d", 2.5))),
        (ReadTelemetry(), sealed(32, 0)),
    ],
)
def test_bytes(request_, literal):
    assert request_.encode(7) == literal
    assert type(decode_request(literal, WIDTHS)[1]) is type(request_)
    for at in range(len(literal)):
        damaged = literal[:at] + bytes((literal[at] ^ 0x10,)) + literal[at + 1 :]
        with pytest.raises(LinkError):
            decode_request(damaged, WIDTHS)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (sealed(27, 3, struct.pack("<6d", 0, 0, np.nan, 1, 1, 1)), "above the highest"),
        (sealed(27, 3, struct.pack("<6d", 0, 0, 2, 1, 1, 1)), "above the highest"),
        (sealed(27, 2, bytes(32)), "counts 2"),
        (sealed(27, 3, bytes(40)), "takes"),
        (sealed(29, 0, struct.pack("<II", 2, 0)), "1 is on"),
        (sealed(29, 0, struct.pack("<II", 1, 1)), "1 is on"),
        (sealed(29, 3, bytes(8)), "counts 3"),
        (sealed(31, 0, struct.pack("<d", -1)), "seconds"),
        (sealed(31, 0, struct.pack("<d", np.inf)), "seconds"),
        (sealed(31, 0, struct.pack("<d", np.nan)), "seconds"),
        (sealed(32, 1), "counts 1"),
    ],
)
def test_requests_that_cannot_be(data, says):
    with pytest.raises(LinkError, match=says):
        decode_request(data, WIDTHS)


def test_results_of_each():
    counts = {
        Opcode.SET_LIMITS: 0,
        Opcode.READ_LIMITS: 6,
        Opcode.SWITCH_OUTPUTS: 0,
        Opcode.READ_OUTPUTS: 1,
        Opcode.WATCH_HOST: 0,
        Opcode.READ_TELEMETRY: 4,
    }
    for opcode, count in counts.items():
        assert result_count(opcode, 0, WIDTHS) == count
    assert refused_result_count(ReadTelemetry().encode(9), WIDTHS) == (9, 4)
    assert refused_result_count(ReadLimits().encode(9), WIDTHS) == (9, 6)
