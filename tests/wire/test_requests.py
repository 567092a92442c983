from __future__ import annotations

import dataclasses
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.chip import snapshot_length
from mgd_lab.costs import CostFunction
from mgd_lab.errors import LimitError, LinkError
from mgd_lab.wire import (
    Amplitudes,
    Costs,
    Dense,
    Opcode,
    Outputs,
    ReadParameters,
    Samples,
    SamplesHash,
    SetCost,
    Signs,
    Widths,
    WriteParameters,
    decode_request,
    refused_result_count,
    result_count,
    samples_hash,
)

WIDTHS = Widths(parameters=9, inputs=2, outputs=3, largest_block=6, sample_memory=100)
P, I, O = 9, 2, 3  # noqa: E741


def f32(draw, *shape):
    seed = draw(st.integers(0, 2**32 - 1))
    bits = np.random.default_rng(seed).integers(0, 2**32, shape, np.uint32)
    return bits.view(np.float32)  # any bits: NaN and infinities too


def f64(draw, *shape):
    seed = draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed).integers(0, 2**64, shape, np.uint64).view(np.float64)


@st.composite
def requests(draw):
    n = draw(st.integers(1, 6))
    samples = np.array(draw(st.lists(st.integers(0, 2**32 - 1), min_size=n, max_size=n)), np.uint32)
    number = draw(st.integers(0, 2**32 - 1))
    theta = f32(draw, P) if draw(st.booleans()) else None
    signs = np.array(draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=n, max_size=n)), np.int8)
    first = draw(st.integers(0, 2**32 - 1))
    kind, probabilities = draw(st.sampled_from([("mse", False), ("cross_entropy", True)]))
    return draw(
        st.sampled_from(
            [
                Outputs(f64(draw, P), f32(draw, n, I)),
                Costs(f64(draw, P), f32(draw, n, I), f32(draw, n, O)),
                Dense(number, theta, samples, f32(draw, n, P)),
                Signs(
                    number,
                    theta,
                    samples,
                    signs,
                    np.frombuffer(f32(draw, n, 1), "u1")[: 2 * n].reshape(n, 2),
                ),
                Amplitudes(f32(draw, P)),
                Samples(first, 7, f32(draw, n, I), f32(draw, n, O)),
                SetCost(CostFunction(kind, 0.25 if probabilities else 0.0, probabilities)),
                WriteParameters(f64(draw, P)),
                ReadParameters(),
                SamplesHash(),
            ]
        )
    )


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b


@given(requests(), st.integers(0, 2**32 - 1))
def test_round_trip_bit_for_bit(request, sequence):
    header, decoded = decode_request(request.encode(sequence), WIDTHS)
    assert header.sequence == sequence
    assert header.opcode == request.opcode
    assert type(decoded) is type(request)
    for field in dataclasses.fields(request):
        assert same(getattr(request, field.name), getattr(decoded, field.name)), field.name


@given(requests(), st.data())
def test_damage_anywhere_is_found(request, data):
    sealed = bytearray(request.encode(1))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(LinkError):
        decode_request(bytes(sealed), WIDTHS)


@given(requests(), st.data())
def test_truncated_and_lengthened_requests_are_refused(request, data):
    sealed = request.encode(1)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    for wrong in (sealed[:cut], sealed + sealed[: cut + 1]):
        with pytest.raises(LinkError):
            decode_request(wrong, WIDTHS)


@given(
    st.sampled_from([*Opcode, 0, 5, 255]),
    st.sampled_from([0, 1, 2]),
    st.sampled_from([0, 1]),
    st.integers(0, 2),
    st.integers(0, 10) | st.just(2**32 - 1),
    st.binary(max_size=120),
)
def test_sealed_nonsense_is_decoded_or_refused(opcode, flags, reserved, number, count, body):
    data = struct.pack("<IBBHII", 3, opcode, flags, reserved, number, count) + body
    data += struct.pack("<I", zlib.crc32(data))
    sequence, results = refused_result_count(data, WIDTHS)
    assert sequence == 3
    assert results <= snapshot_length(9)
    try:
        header, request = decode_request(data, WIDTHS)
    except (LinkError, LimitError):
        return
    assert request.encode(3) == data
    assert results == result_count(header.opcode, header.count, WIDTHS)


@given(st.binary(max_size=80))
def test_any_bytes_give_our_error(data):
    with pytest.raises(LinkError):
        decode_request(data, WIDTHS)
    refused_result_count(data, WIDTHS)


@pytest.mark.parametrize(
    ("opcode", "count", "results"),
    [
        (Opcode.OUTPUTS, 4, 12),
        (Opcode.COSTS, 4, 4),
        (Opcode.DENSE, 4, 4),
        (Opcode.SIGNS, 4, 4),
        (Opcode.AMPLITUDES, 9, 0),
        (Opcode.READ_PARAMETERS, 0, 9),
        (Opcode.SAMPLES_HASH, 0, 1),
    ],
)
def test_number_of_results(opcode, count, results):
    assert result_count(opcode, count, WIDTHS) == results


@pytest.mark.parametrize(
    ("request_", "limit"),
    [
        (Outputs(np.zeros(P), np.zeros((7, I), np.float32)), "1 to 6"),
        (Dense(1, None, np.zeros(7, np.uint32), np.zeros((7, P), np.float32)), "1 to 6"),
        (Samples(0, 101, np.zeros((101, I), np.float32), np.zeros((101, O), np.float32)), "to 100"),
    ],
)
def test_more_than_the_device_takes_at_once_is_no_damage(request_, limit):
    sealed = request_.encode(1)
    with pytest.raises(LimitError, match=limit):
        decode_request(sealed, WIDTHS)
    assert refused_result_count(sealed, WIDTHS) == (1, 0)


def test_hash_of_samples():
    inputs, targets = np.array([[0], [1]], np.float32), np.array([[0], [1]], np.float32)
    assert samples_hash(inputs, targets) == 0x76D3F821
    # Whatever lies between the rows in memory is no part of it.
    assert samples_hash(np.repeat(inputs, 3, axis=1)[:, :1], targets) == 0x76D3F821


def test_cost_that_cannot_be_is_refused():
    for kind, probabilities, smoothing in ((2, 0, 0.0), (0, 2, 0.0), (0, 0, 0.5), (1, 0, np.nan)):
        body = struct.pack("<IBBHIIBBHId", 1, 18, 0, 0, 0, 0, kind, probabilities, 0, 0, smoothing)
        with pytest.raises(LinkError, match="cost function"):
            decode_request(body + struct.pack("<I", zlib.crc32(body)), WIDTHS)
