"""What holds for codes of every kind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.codes import (
    KINDS,
    SIGN_KINDS,
    codes,
    mean_square,
    packed_codes,
    period,
    unpack_signs,
)
from mgd_lab.errors import ConfigurationError

FIRSTS = st.one_of(
    st.integers(0, 10_000), st.integers(2**32 - 100, 2**32 + 100), st.integers(0, 2**64 - 100)
)
PARAMETERS = st.one_of(st.integers(1, 20), st.sampled_from([31, 32, 33, 127, 128, 129, 220, 257]))


@settings(deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**64 - 1),
    first=FIRSTS,
    parameters=PARAMETERS,
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_any_split_gives_the_same_rows(kind, seed, first, parameters, cuts) -> None:
    whole = codes(kind, seed, first, 40, parameters)
    assert whole.dtype == np.float32
    assert whole.shape == (40, parameters)
    edges = sorted({0, 40, *cuts})
    pieces = [codes(kind, seed, first + a, b - a, parameters) for a, b in itertools.pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


@settings(deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(SIGN_KINDS),
    seed=st.integers(0, 2**64 - 1),
    first=FIRSTS,
    count=st.integers(0, 6),
    parameters=PARAMETERS,
)
def test_packed_codes_hold_the_same_signs(kind, seed, first, count, parameters) -> None:
    packed = packed_codes(kind, seed, first, count, parameters)
    unit = codes(kind, seed, first, count, parameters)
    assert packed.dtype == np.uint8
    assert packed.shape == (count, -(-parameters // 8))
    for n in range(count):
        for i in range(8 * packed.shape[1]):
            bit = int(packed[n, i // 8]) >> (i % 8) & 1
            # Bits beyond the last parameter are 0.
            assert bit == (i < parameters and unit[n, i] == 1)
    np.testing.assert_array_equal(unpack_signs(packed, parameters), unit)


@pytest.mark.parametrize("parameters", [1, 2, 9, 25, 220])
@pytest.mark.parametrize("kind", ["sequential", "walsh", "sinusoidal"])
def test_codes_repeat_after_their_period_and_have_their_mean_square(kind, parameters) -> None:
    length = period(kind, parameters)
    assert length is not None
    unit = codes(kind, 1, 0, 2 * length, parameters).astype(np.float64)
    np.testing.assert_array_equal(unit[:length], unit[length:])
    squares = np.mean(unit[:length] ** 2, axis=0)
    # Only the sines are rounded, to float32.
    tolerance = 1e-7 if kind == "sinusoidal" else 1e-15
    np.testing.assert_allclose(squares, mean_square(kind, parameters), rtol=tolerance)


def test_random_codes_have_no_period_and_mean_square_one() -> None:
    assert period("random", 9) is None
    assert mean_square("random", 9) == 1.0
    np.testing.assert_array_equal(np.abs(codes("random", 1, 0, 100, 9)), 1)


@pytest.mark.parametrize("first", [0, 3, 2**32 - 1, 2**63 - 1, 2**64 - 12])
@pytest.mark.parametrize("parameters", [1, 2, 9])
def test_sequential_perturbs_one_parameter_after_another(parameters: int, first: int) -> None:
    unit = codes("sequential", 5, first, 12, parameters)
    for n in range(12):
        expected = np.zeros(parameters)
        expected[(first + n) % parameters] = 1
        np.testing.assert_array_equal(unit[n], expected)


@pytest.mark.parametrize("kind", ["sequential", "walsh", "sinusoidal"])
def test_the_seed_matters_to_random_codes_only(kind) -> None:
    np.testing.assert_array_equal(codes(kind, 1, 3, 20, 9), codes(kind, 2, 3, 20, 9))


@pytest.mark.parametrize("make", [codes, packed_codes])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hadamard", 0, 0, 1, 9), "unknown kind of codes 'hadamard'; known: sequential, random"),
        (("random", -1, 0, 1, 9), "seed is -1"),
        (("random", 2**64, 0, 1, 9), "seed is"),
        (("random", 0, -1, 1, 9), "indices -1 to 0"),
        (("walsh", 0, 0, -1, 9), "indices 0 to -1"),
        (("walsh", 0, 2**64, 1, 9), "indices"),
        (("random", 0, 0, 1, 0), "0 parameters"),
        (("random", 0, 0, 1, 2**31), "2147483648 parameters"),
    ],
)
def test_wrong_arguments_are_refused(make, arguments, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make(*arguments)


@pytest.mark.parametrize("kind", ["sequential", "sinusoidal"])
def test_codes_that_are_no_signs_cannot_be_packed(kind) -> None:
    with pytest.raises(ConfigurationError, match=f"{kind} codes are not ±1"):
        packed_codes(kind, 0, 0, 1, 9)
