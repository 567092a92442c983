"""Philox4x32-10 against the published answers and against whole-number arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.codes import Stream, philox4x32, words
from mgd_lab.errors import ConfigurationError

SEEDS = st.integers(0, 2**64 - 1)
WORDS = st.integers(0, 2**32 - 1)
ONES = 2**32 - 1

# Random123 1.14, examples/kat_vectors, philox 4x32 10.
KNOWN_ANSWERS = [
    (0, (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (2**64 - 1, (ONES,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
]


@pytest.mark.parametrize(("seed", "counter", "answer"), KNOWN_ANSWERS)
def test_published_known_answers(scalar_philox, seed, counter, answer) -> None:
    assert tuple(philox4x32(seed, np.array(counter, np.uint64)).tolist()) == answer
    assert scalar_philox(seed, counter) == answer


@settings(deadline=None, derandomize=True)
@given(seed=SEEDS, counter=st.tuples(WORDS, WORDS, WORDS, WORDS))
def test_any_key_and_counter(scalar_philox, seed, counter) -> None:
    outputs = philox4x32(seed, np.array(counter, np.uint64))
    assert outputs.dtype == np.uint32
    assert tuple(outputs.tolist()) == scalar_philox(seed, counter)


@pytest.mark.parametrize("first", [0, 2**32 - 2, 2**63 - 2, 2**64 - 4])
@pytest.mark.parametrize("seed", [0, 7, 2**32 + 5, 2**64 - 1])
def test_words_stand_in_the_order_index_word_output(scalar_word, seed, first) -> None:
    outputs = words(seed, Stream.ROUNDING, first, 4, 3)
    assert outputs.shape == (4, 12)
    for row in range(4):
        expected = [o for w in range(3) for o in scalar_word(seed, first + row, w, 6)]
        assert outputs[row].tolist() == expected


def test_streams_have_the_numbers_of_the_specification() -> None:
    assert [(stream.name, int(stream)) for stream in Stream] == [
        ("CODES", 0),
        ("SAMPLE_ORDER", 1),
        ("INITIAL_VALUES", 2),
        ("SPLIT", 3),
        ("CHIP_NOISE", 4),
        ("UPDATE_NOISE", 5),
        ("ROUNDING", 6),
        ("DEVICE_VARIATION", 7),
    ]


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_streams_do_not_correlate(seed: int) -> None:
    # 2**16 signs a stream: the correlation of two scatters by 2**-8.
    bits = np.stack(
        [
            np.unpackbits(words(seed, stream, 0, 512, 1).view(np.uint8).ravel()[:8192])
            for stream in Stream
        ]
    )
    signs = 2.0 * bits - 1.0
    correlation = signs @ signs.T / signs.shape[1]
    np.fill_diagonal(correlation, 0.0)
    assert np.abs(correlation).max() < 5 / 256
    assert np.abs(signs.mean(axis=1)).max() < 5 / 256


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ConfigurationError, match=r"seed is .*0 to 2\*\*64 - 1"):
        philox4x32(seed, np.zeros(4, np.uint64))


@pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, -1), (2**64 - 1, 2)])
def test_indices_out_of_range_are_refused(first: int, count: int) -> None:
    with pytest.raises(ConfigurationError, match="indices"):
        words(0, 0, first, count, 1)
