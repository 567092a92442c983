"""Codes made inside compiled code, bit for bit as docs/codes.md says."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# pyright: reportMissingTypeStubs=false, reportMissingTypeArgument=false
# Numba infers these types from its callers' arguments, where annotations would be ignored.

from __future__ import annotations

from typing import Any

import numba
import numpy as np

SEQUENTIAL, RANDOM, WALSH, SINUSOIDAL = 0, 1, 2, 3

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ROUNDS = 10
_OUTPUT_BYTES = 4
_WORD_BYTES = 16

_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "boundscheck": False,
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
inner = numba.njit(**_OPTIONS)
glue = numba.njit(**_OPTIONS, inline="always")


@inner
def philox(k0, k1, c0, c1, c2, c3):
    """Philox4x32-10: four outputs of a key and a counter, 32-bit words as uint64."""
    for _ in range(_ROUNDS):
        p, q = _M0 * c0, _M1 * c2
        c0, c1 = (q >> _HALF) ^ c1 ^ k0, q & _LOW
        c2, c3 = (p >> _HALF) ^ c3 ^ k1, p & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@inner
def _put(output, at, codes):
    """The bytes of an output, the least significant first."""
    for b in range(_OUTPUT_BYTES):
        codes[0, at + b] = np.uint8((output >> np.uint64(8 * b)) & np.uint64(255))


@inner
def random_code(seed, index, codes):
    """Stream 0 at this index; `codes` uint8 (1, n), n in whole words of 16 bytes."""
    k0, k1 = seed & _LOW, seed >> _HALF
    whole = np.uint64(index)
    low, high = whole & _LOW, whole >> _HALF
    for word in range(codes.shape[1] // _WORD_BYTES):
        a, b, c, d = philox(k0, k1, low, high, np.uint64(word), np.uint64(0))
        at = _WORD_BYTES * word
        _put(a, at, codes)
        _put(b, at + _OUTPUT_BYTES, codes)
        _put(c, at + 2 * _OUTPUT_BYTES, codes)
        _put(d, at + 3 * _OUTPUT_BYTES, codes)


@inner
def _is_odd(bits):
    """Whether a number below 2³² has an odd number of ones."""
    bits ^= bits >> 16
    bits ^= bits >> 8
    bits ^= bits >> 4
    bits ^= bits >> 2
    bits ^= bits >> 1
    return bits & 1


@inner
def walsh_code(index, order, codes):
    """Row 2i + 1 of the Hadamard matrix of this order, a bit of parameter i; 1 for +1."""
    column = index % order
    # The last four bits of 2i + 1 are those of i mod 8: the others turn a byte over, or not.
    within = 0
    for k in range(8):
        within |= (1 - _is_odd((2 * k + 1) & column)) << k
    for byte in range(codes.shape[1]):
        over = _is_odd((16 * byte) & column)
        codes[0, byte] = np.uint8(within ^ (255 * over))


@inner
def sequential_move(index, amplitudes, moves):
    """θ̃ of the parameter whose turn it is; the others rest. Amplitudes float32 (P,)."""
    for k in range(len(moves)):
        moves[k] = 0.0
    turn = index % len(moves)
    moves[turn] = amplitudes[turn]


@inner
def sinusoidal_move(index, table, amplitudes, moves):
    """θ̃ = table[(i + 1) · index mod N] Δθ, rounded to float32; `table` float32 (N,)."""
    column = index % len(table)
    phase = 0
    for k in range(len(moves)):
        phase += column
        if phase >= len(table):
            phase -= len(table)
        moves[k] = table[phase] * amplitudes[k]
