"""The four kinds of perturbation codes: pure functions of an index, without state.

θ̃ = code × amplitude. index = step // τ_p. The kinds multiplex parameters in time (sequential),
by code (random, walsh) or in frequency (sinusoidal).
"""

from __future__ import annotations

from functools import lru_cache
from math import pi, sin
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes.pages import from_pages, sealed
from mgd_lab.codes.philox import Stream, check_indices, check_seed, words
from mgd_lab.errors import ConfigurationError

Kind = Literal["sequential", "random", "walsh", "sinusoidal"]
KINDS: tuple[Kind, ...] = ("sequential", "random", "walsh", "sinusoidal")
SIGN_KINDS: tuple[Kind, ...] = ("random", "walsh")
_BITS_PER_WORD = 128
_PAGE_CODES = 4096
_PAGE_BYTES = 2**18
_PAGES = 4
_SIGNS_OF_BYTE = np.where(
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") == 1,
    np.float64(1),
    np.float64(-1),
)


def codes(kind: Kind, seed: int, first: int, count: int, parameters: int) -> NDArray[np.float32]:
    """Codes of the indices `first` … `first + count − 1`, float32, shape (count, parameters)."""
    _check(kind, seed, first, count, parameters)
    if kind in SIGN_KINDS:
        packed = packed_codes(kind, seed, first, count, parameters)
        return unpack_signs(packed, parameters).astype(np.float32)
    if kind == "sequential":
        result = np.zeros((count, parameters), np.float32)
        result[np.arange(count), _indices_mod(first, count, parameters)] = 1
        return result
    length = 2 * (parameters + 1)
    phase = np.outer(_indices_mod(first, count, length), np.arange(1, parameters + 1)) % length
    return sine_table(length)[phase]


def packed_codes(
    kind: Kind, seed: int, first: int, count: int, parameters: int
) -> NDArray[np.uint8]:
    """Codes of ±1 as bits, shape (count, ⌈parameters/8⌉): 1 is +1, 0 is −1.

    Bit i (from the least significant) of byte j belongs to parameter 8 j + i; bits beyond the
    last parameter are 0. Kinds random and walsh only. The array is read-only.
    """
    _check(kind, seed, first, count, parameters)
    if kind not in SIGN_KINDS:
        raise ConfigurationError(f"{kind} codes are not ±1 and cannot be packed into bits")
    rows = min(_PAGE_CODES, max(1, _PAGE_BYTES // -(-parameters // 8)))
    if count > _PAGES * rows or first + count + rows > 2**64:
        return _pack(kind, seed, first, count, parameters)
    return from_pages(
        lambda page: _packed_page(kind, seed, page * rows, rows, parameters), rows, first, count
    )


@lru_cache(maxsize=2 * _PAGES)
def _packed_page(
    kind: Kind, seed: int, first: int, count: int, parameters: int
) -> NDArray[np.uint8]:
    return sealed(_pack(kind, seed, first, count, parameters))


def _pack(kind: Kind, seed: int, first: int, count: int, parameters: int) -> NDArray[np.uint8]:
    if kind == "random":
        per_index = -(-parameters // _BITS_PER_WORD)
        outputs = words(seed, Stream.CODES, first, count, per_index)
        packed = outputs.astype("<u4", copy=False).view(np.uint8)[:, : -(-parameters // 8)]
        packed = np.ascontiguousarray(packed)
        if parameters % 8:
            packed[:, -1] &= np.uint8((1 << parameters % 8) - 1)
        return packed
    rows = 2 * np.arange(parameters, dtype=np.uint32) + np.uint32(1)
    columns = _indices_mod(first, count, hadamard_size(parameters)).astype(np.uint32)
    odd = np.bitwise_count(rows & columns[:, None]) & np.uint8(1)
    return np.packbits(odd == 0, axis=1, bitorder="little")


def unpack_signs(packed: NDArray[np.uint8], parameters: int) -> NDArray[np.float64]:
    """The inverse of packing: (n, ⌈P/8⌉) → ±1.0, shape (n, P), a view where 8 divides not P."""
    # A table of eight signs a byte is several times faster than unpacking bits and converting.
    signs = _SIGNS_OF_BYTE.take(packed, axis=0)
    return signs.reshape(len(packed), 8 * packed.shape[1])[:, :parameters]


def mean_square(kind: Kind, parameters: int) -> float:
    """⟨code²⟩ of one parameter, over indices."""
    return {"sequential": 1.0 / parameters, "random": 1.0, "walsh": 1.0, "sinusoidal": 0.5}[kind]


def period(kind: Kind, parameters: int) -> int | None:
    """Indices after which codes repeat; None for random ones, which do not."""
    if kind == "random":
        return None
    if kind == "walsh":
        return hadamard_size(parameters)
    return parameters if kind == "sequential" else 2 * (parameters + 1)


def hadamard_size(parameters: int) -> int:
    """N = 2^⌈log2 2P⌉, the order of the Hadamard matrix whose odd rows are the walsh codes."""
    return 1 << (2 * parameters - 1).bit_length()


@lru_cache(maxsize=8)
def sine_table(length: int) -> NDArray[np.float32]:
    """sin(2πk/length), k = 0 … length − 1, computed in float64 and rounded to float32."""
    table = np.array([sin(2.0 * pi * k / length) for k in range(length)]).astype(np.float32)
    table.flags.writeable = False
    return table


def _indices_mod(first: int, count: int, modulus: int) -> NDArray[np.int64]:
    return (np.arange(count, dtype=np.int64) + first % modulus) % modulus


def _check(kind: str, seed: int, first: int, count: int, parameters: int) -> None:
    if kind not in KINDS:
        raise ConfigurationError(f"unknown kind of codes {kind!r}; known: {', '.join(KINDS)}")
    if not 1 <= parameters < 2**31:
        raise ConfigurationError(f"{parameters} parameters; a chip has 1 to 2**31 - 1")
    check_seed(seed)
    check_indices(first, count)
