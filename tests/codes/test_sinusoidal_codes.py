"""Sinusoidal codes: a table of one period, read at multiples of the parameter's frequency."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mgd_lab.codes import codes, sine_table

SIZES = [1, 2, 3, 9, 25, 220]


@pytest.mark.parametrize("parameters", SIZES)
def test_table_is_the_rounded_sine(parameters: int) -> None:
    length = 2 * (parameters + 1)
    expected = [np.float32(math.sin(2 * math.pi * k / length)) for k in range(length)]
    table = sine_table(length)
    assert table.dtype == np.float32
    assert table.tolist() == [float(value) for value in expected]


def test_the_shared_table_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        sine_table(20)[0] = 1


@pytest.mark.parametrize("first", [0, 17, 2**32 - 2, 2**63 - 2, 2**64 - 5])
@pytest.mark.parametrize("parameters", SIZES)
def test_parameter_i_has_frequency_i_plus_1(parameters: int, first: int) -> None:
    length = 2 * (parameters + 1)
    table = sine_table(length)
    unit = codes("sinusoidal", 0, first, 5, parameters)
    for n in range(5):
        for i in range(parameters):
            assert unit[n, i] == table[(i + 1) * (first + n) % length]


@pytest.mark.parametrize("parameters", SIZES)
def test_sines_are_orthogonal(parameters: int) -> None:
    length = 2 * (parameters + 1)
    unit = codes("sinusoidal", 0, 0, length, parameters).astype(np.float64)
    moments = unit.T @ unit / length
    np.testing.assert_allclose(moments, 0.5 * np.eye(parameters), atol=1e-7)
    np.testing.assert_allclose(unit.sum(axis=0) / length, 0.0, atol=1e-7)


@pytest.mark.parametrize("parameters", [1, 2, 3, 9, 25])
def test_the_product_of_two_sines_has_nothing_of_a_third(parameters: int) -> None:
    length = 2 * (parameters + 1)
    unit = codes("sinusoidal", 0, 0, length, parameters).astype(np.float64)
    third = np.einsum("ni,nj,nk->ijk", unit, unit, unit) / length
    np.testing.assert_allclose(third, 0.0, atol=1e-7)
