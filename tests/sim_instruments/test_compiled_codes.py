"""Codes that compiled code makes are those of the specification."""

import numpy as np
import pytest

from mgd_lab.codes import codes, hadamard_size, packed_codes, sine_table

pytest.importorskip("numba", reason="compiled codes need the extra fast")

import numba

from sim_instruments.compiled_codes import (
    philox,
    random_code,
    sequential_move,
    sinusoidal_move,
    walsh_code,
)

# Known answers of Random123: key, counter, outputs.
KNOWN = (
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 2, (2**32 - 1,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
INDICES = (0, 1, 5, 1000, 2**32 - 1, 2**32, 3 * 2**40 + 7, 2**62)


@numba.njit
def one_philox(words):
    return philox(words[0], words[1], words[2], words[3], words[4], words[5])


@numba.njit
def one_random(seed, index, bits):
    random_code(seed, index, bits)


@numba.njit
def one_walsh(index, order, bits):
    walsh_code(index, order, bits)


@numba.njit
def one_turn(index, amplitudes, moves):
    sequential_move(index, amplitudes, moves)


@numba.njit
def one_sine(index, table, amplitudes, moves):
    sinusoidal_move(index, table, amplitudes, moves)


@pytest.mark.parametrize(("key", "counter", "outputs"), KNOWN)
def test_philox_gives_the_published_answers(key, counter, outputs):
    assert one_philox(np.array([*key, *counter], np.uint64)) == outputs


@pytest.mark.parametrize("parameters", [1, 9, 128, 129, 220])
@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_random_bits(seed, parameters):
    bits = np.zeros((1, 16 * -(-parameters // 128)), np.uint8)
    for index in INDICES:
        one_random(np.uint64(seed), index, bits)
        found = np.unpackbits(bits[0], bitorder="little")[:parameters]
        packed = packed_codes("random", seed, index, 1, parameters)[0]
        np.testing.assert_array_equal(found, np.unpackbits(packed, bitorder="little")[:parameters])


@pytest.mark.parametrize("parameters", [1, 4, 9, 128, 220])
def test_walsh_bits(parameters):
    bits = np.zeros((1, 16 * -(-parameters // 128)), np.uint8)
    for index in (*INDICES, *range(60)):
        one_walsh(index, hadamard_size(parameters), bits)
        found = np.unpackbits(bits[0], bitorder="little")[:parameters]
        packed = packed_codes("walsh", 1, index, 1, parameters)[0]
        np.testing.assert_array_equal(found, np.unpackbits(packed, bitorder="little")[:parameters])


@pytest.mark.parametrize("parameters", [1, 9, 220])
def test_perturbations_of_numbers(parameters):
    amplitudes = np.random.default_rng(1).random(parameters).astype(np.float32)
    moves = np.empty(parameters)
    for index in INDICES:
        one_turn(index, amplitudes, moves)
        expected = codes("sequential", 1, index, 1, parameters)[0] * amplitudes
        np.testing.assert_array_equal(moves, expected.astype(np.float64))
        one_sine(index, sine_table(2 * (parameters + 1)).copy(), amplitudes, moves)
        expected = codes("sinusoidal", 1, index, 1, parameters)[0] * amplitudes
        assert moves.tobytes() == expected.astype(np.float64).tobytes()
