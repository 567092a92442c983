"""A second Philox, in whole numbers of Python, that shares nothing with the package."""

from __future__ import annotations

from collections.abc import Callable

import pytest

ScalarPhilox = Callable[[int, tuple[int, int, int, int]], tuple[int, int, int, int]]
ScalarWord = Callable[[int, int, int, int], tuple[int, int, int, int]]


def _philox4x32_10(seed: int, counter: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    mask = 2**32 - 1
    a, b, c, d = counter
    key = [seed & mask, seed >> 32]
    for _ in range(10):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (q >> 32) ^ b ^ key[0], q & mask, (p >> 32) ^ d ^ key[1], p & mask
        key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
    return a, b, c, d


@pytest.fixture(scope="session")
def scalar_philox() -> ScalarPhilox:
    return _philox4x32_10


@pytest.fixture(scope="session")
def scalar_word() -> ScalarWord:
    """(seed, index, word, stream) → the four outputs of that counter."""

    def outputs(seed: int, index: int, word: int, stream: int) -> tuple[int, int, int, int]:
        return _philox4x32_10(seed, (index & (2**32 - 1), index >> 32, word, stream))

    return outputs
