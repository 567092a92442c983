"""Walsh codes: odd rows of the natural-ordered Hadamard matrix."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest

from mgd_lab.codes import codes, hadamard_size

SIZES = [1, 2, 3, 4, 5, 9, 16, 17, 25]


def _hadamard(order: int) -> np.ndarray:
    """Sylvester's construction: Kronecker powers of [[1, 1], [1, −1]]."""
    return reduce(np.kron, [np.array([[1, 1], [1, -1]])] * (order.bit_length() - 1))


@pytest.mark.parametrize(
    ("parameters", "order"), [(1, 2), (2, 4), (3, 8), (4, 8), (5, 16), (9, 32), (220, 512)]
)
def test_order_is_the_next_power_of_two_of_twice_the_parameters(parameters, order) -> None:
    assert hadamard_size(parameters) == order


@pytest.mark.parametrize("parameters", SIZES)
def test_parameter_i_has_row_2i_plus_1(parameters: int) -> None:
    order = hadamard_size(parameters)
    matrix = _hadamard(order)
    np.testing.assert_array_equal(
        codes("walsh", 0, 0, order, parameters), matrix[1 : 2 * parameters : 2].T
    )


@pytest.mark.parametrize("first", [2**32 - 3, 2**63 - 3, 2**64 - 6])
def test_far_indices_are_taken_modulo_the_order(first: int) -> None:
    matrix = _hadamard(32)
    columns = [(first + k) % 32 for k in range(6)]
    np.testing.assert_array_equal(codes("walsh", 9, first, 6, 9), matrix[1:18:2, columns].T)


@pytest.mark.parametrize("parameters", SIZES)
def test_neighbouring_columns_are_negatives(parameters: int) -> None:
    unit = codes("walsh", 0, 0, hadamard_size(parameters), parameters)
    np.testing.assert_array_equal(unit[1::2], -unit[0::2])


@pytest.mark.parametrize("parameters", SIZES)
def test_rows_are_orthogonal_and_second_and_third_moments_vanish(parameters: int) -> None:
    order = hadamard_size(parameters)
    unit = codes("walsh", 0, 0, order, parameters).astype(np.int64)
    np.testing.assert_array_equal(unit.T @ unit, order * np.eye(parameters, dtype=np.int64))
    # Even-order terms of the cost are weighted with Σ codeᵢ codeⱼ codeₖ: the product of two
    # odd rows is an even row, never a third odd one.
    np.testing.assert_array_equal(np.einsum("ni,nj,nk->ijk", unit, unit, unit), 0)
    np.testing.assert_array_equal(unit.sum(axis=0), 0)


def test_the_product_of_two_rows_is_an_even_row() -> None:
    order = hadamard_size(9)
    unit = codes("walsh", 0, 0, order, 9)
    even = {tuple(row) for row in _hadamard(order)[0::2].tolist()}
    for i in range(9):
        for j in range(9):
            assert tuple((unit[:, i] * unit[:, j]).tolist()) in even
