"""Requests of chips that make probes, or learn, by themselves."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.chip import LearningProgram, ProbeProgram, snapshot_length
from mgd_lab.errors import LinkError
from mgd_lab.wire import (
    Advance,
    ConfigureLearning,
    ConfigureProbes,
    Generated,
    Opcode,
    Restore,
    Snapshot,
    Widths,
    decode_request,
    result_count,
)

WIDTHS = Widths(parameters=3, inputs=2, outputs=1, largest_block=6, sample_memory=100)
THETA = np.array([0.5, -1.0, 2.0], np.float32)


def probes(**changes: object) -> ProbeProgram:
    program = ProbeProgram(
        kind="walsh",
        seed=2**63 + 5,
        amplitudes=np.array([0.1, 0.2, 0.3], np.float32),
        tau_p=2**40,
        tau_x=3,
        tau_theta=7,
        batch=2,
        baseline="paired",
        baseline_refresh_steps=0,
        order="random",
        samples=100,
    )
    return dataclasses.replace(program, **changes)


def learning(**changes: object) -> LearningProgram:
    program = LearningProgram(
        probes=probes(),
        algorithm="analog",
        tau_hp=4.5,
        tau_theta_filter=100.0,
        rule="adam",
        momentum=0.9,
        beta1=0.8,
        beta2=0.99,
        epsilon=1e-7,
        scale_by=7,
        rate=0.03,
        rate_kind="exponential",
        rate_steps=1000,
        final_fraction=0.25,
        lowest=np.array([-np.inf, -1.0, -2.5]),
        highest=np.array([1.5, np.inf, 2.5]),
        on_update="project",
    )
    return dataclasses.replace(program, **changes)


def same(found: object, expected: object) -> None:
    assert type(found) is type(expected)
    for field in dataclasses.fields(expected):  # type: ignore[arg-type]
        mine, theirs = getattr(found, field.name), getattr(expected, field.name)
        if dataclasses.is_dataclass(theirs):
            same(mine, theirs)
        else:
            np.testing.assert_array_equal(mine, theirs)


REQUESTS = [
    Generated(7, THETA, 2**50, 3, 6),
    Generated(7, None, 0, 0, 1),
    ConfigureProbes(probes()),
    ConfigureLearning(learning(), np.array([0.1, 0.2, 0.3])),
    Advance(2**60),
    Snapshot(),
    Restore(np.arange(float(snapshot_length(3)))),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_what_is_encoded_is_decoded(request_):
    header, found = decode_request(request_.encode(99), WIDTHS)
    assert header.sequence == 99
    same(found, request_)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
@settings(deadline=None, derandomize=True, max_examples=60)
@given(data=st.data())
def test_a_damaged_request_is_refused(request_, data):
    encoded = bytearray(request_.encode(1))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(LinkError):
        decode_request(bytes(encoded), WIDTHS)


@pytest.mark.parametrize(
    "program",
    [
        probes(batch=0),
        probes(tau_p=0),
        probes(tau_x=2**63),
        probes(samples=0),
        probes(amplitudes=np.array([0.1, 0.0, 0.3], np.float32)),
        probes(amplitudes=np.array([0.1, np.nan, 0.3], np.float32)),
    ],
)
def test_programs_that_cannot_be(program):
    with pytest.raises(LinkError, match="a program of probes"):
        decode_request(ConfigureProbes(program).encode(1), WIDTHS)


@pytest.mark.parametrize(
    "changes",
    [
        {"scale_by": 0},
        {"rate_steps": 0},
        {"rate": np.inf},
        {"tau_hp": np.nan},
        {"lowest": np.array([np.nan, 0.0, 0.0])},
        {"highest": np.array([2.0, np.nan, 3.0])},
        {"lowest": np.array([0.1, 0.0, 0.0])},  # 0.1 is no float32 number
        {"lowest": np.array([0.0, 0.0, 4.0])},
        {"highest": np.array([1e300, 2.0, 3.0])},
    ],
)
def test_trainings_that_cannot_be(changes):
    request = ConfigureLearning(learning(**changes), np.zeros(3))
    with pytest.raises(LinkError, match="CONFIGURE_LEARNING"):
        decode_request(request.encode(1), WIDTHS)


def test_the_bytes_of_a_training():
    encoded = ConfigureLearning(learning(), np.array([0.1, 0.2, 0.3])).encode(7)
    training = encoded[16 + 56 :]
    # algorithm analog, rule adam, rate exponential, project, 0
    assert training[:8].hex() == "0102030100000000"
    arrays = np.frombuffer(training, np.float64, 9, 88).reshape(3, 3)
    assert arrays.tolist() == [[0.1, 0.2, 0.3], [-np.inf, -1, -2.5], [1.5, np.inf, 2.5]]
    assert training[88 + 72 : -4] == np.array([0.1, 0.2, 0.3], np.float32).tobytes()


def test_an_unknown_way_to_treat_updates():
    encoded = bytearray(ConfigureLearning(learning(), np.zeros(3)).encode(7)[:-4])
    encoded[16 + 56 + 3] = 2
    damaged = bytes(encoded) + zlib.crc32(encoded).to_bytes(4, "little")
    with pytest.raises(LinkError, match="unknown on_update 2"):
        decode_request(damaged, WIDTHS)


def test_results_of_each():
    assert result_count(Opcode.GENERATED, 5, WIDTHS) == 5
    assert result_count(Opcode.SNAPSHOT, 0, WIDTHS) == snapshot_length(3) == 23
    for opcode in (Opcode.ADVANCE, Opcode.RESTORE, Opcode.CONFIGURE_PROBES):
        assert result_count(opcode, 0, WIDTHS) == 0


def test_the_bytes_of_a_generated_block():
    encoded = Generated(2, None, 258, 1, 3).encode(7)
    assert encoded[:-4].hex() == (
        "07000000050000000200000003000000"  # sequence, opcode, flags, 0, theta number, count
        "02010000000000000100000000000000"  # first step, skip, 0
    )
