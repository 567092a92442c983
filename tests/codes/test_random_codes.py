"""Random codes: word and bit order against whole-number arithmetic, and their statistics."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.codes import codes

SEEDS = [0, 1, 2**32 - 1, 2**32, 2**32 + 12345, 2**64 - 1]
INDICES = [0, 1, 2**32 - 1, 2**32, 2**32 + 7, 2**63 - 1, 2**63, 2**63 + 9, 2**64 - 1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("index", INDICES)
def test_every_parameter_has_its_word_output_and_bit(scalar_word, seed, index) -> None:
    parameters = 300
    row = codes("random", seed, index, 1, parameters)[0]
    for i in range(parameters):
        output = scalar_word(seed, index, i // 128, 0)[(i % 128) // 32]
        expected = 1.0 if (output >> (i % 32)) & 1 else -1.0
        assert row[i] == expected, f"parameter {i}"


def test_more_parameters_leave_the_first_ones_as_they_are() -> None:
    many = codes("random", 3, 1000, 20, 1000)
    for parameters in (1, 7, 8, 9, 127, 128, 129, 256, 257):
        np.testing.assert_array_equal(
            codes("random", 3, 1000, 20, parameters), many[:, :parameters]
        )


def test_signs_are_fair_and_parameters_uncorrelated() -> None:
    count, parameters = 20_000, 40
    unit = codes("random", 11, 0, count, parameters).astype(np.float64)
    correlation = unit.T @ unit / count
    np.fill_diagonal(correlation, 0.0)
    # 780 pairs: the largest of them lies near 3.3 standard deviations.
    assert np.abs(correlation).max() < 5 / np.sqrt(count)
    assert np.abs(unit.mean(axis=0)).max() < 5 / np.sqrt(count)
    neighbours = np.mean(unit[1:] * unit[:-1], axis=0)
    assert np.abs(neighbours).max() < 5 / np.sqrt(count)


def test_seeds_give_different_codes() -> None:
    rows = {codes("random", seed, 5, 1, 200).tobytes() for seed in range(50)}
    rows |= {codes("random", seed << 32, 5, 1, 200).tobytes() for seed in range(1, 50)}
    assert len(rows) == 99
