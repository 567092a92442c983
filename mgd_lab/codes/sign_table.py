"""Packed codes to numbers, a byte at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") == 1
_SIGNS = np.where(_BITS, np.float64(1), np.float64(-1))
# Where the value of each bit stands: in eight lower values, or in eight upper ones behind them.
_PLACES = (np.arange(8) + 8 * _BITS).reshape(-1)


class ValueTable:
    """Of every parameter the lower or the upper value, for every value of a byte of packed codes.

    `lower` and `upper` are float64, (P,).
    """

    def __init__(self, lower: Float64, upper: Float64) -> None:
        self._parameters = len(lower)
        self._width = -(-self._parameters // 8)
        both = np.zeros((self._width, 2, 8))
        for k, values in enumerate((lower, upper)):
            both[:, k] = _bytewise(values, self._width)[:, 0]
        self._table = np.empty((256 * self._width, 8))
        chosen = self._table.reshape(self._width, -1)
        both.reshape(self._width, 16).take(_PLACES, axis=1, mode="clip", out=chosen)
        self._offsets = 256 * np.arange(self._width)

    def expand(self, packed: NDArray[np.uint8]) -> Float64:
        """packed (n, ⌈P/8⌉) → (n, P), a view where 8 does not divide P."""
        rows = self._table.take(packed + self._offsets, axis=0)
        return rows.reshape(len(packed), 8 * self._width)[:, : self._parameters]


class SignTable:
    """θ + θ̃ of every parameter, for every value of a byte of packed codes.

    One look-up a byte stands in for unpacking bits, converting, multiplying and adding, which
    take a pass each over all parameters. `amplitudes` is float32, (P,).
    """

    def __init__(self, amplitudes: NDArray[np.float32]) -> None:
        self._parameters = len(amplitudes)
        self._width = -(-self._parameters // 8)
        self._perturbations = _SIGNS * _bytewise(amplitudes.astype(np.float64), self._width)
        self._offsets = 256 * np.arange(self._width)

    def table(self, theta: Float64 | None = None) -> Float64:
        """What `expand` looks up: θ̃, or θ + θ̃ with theta float64 (P,)."""
        perturbations = self._perturbations
        values = perturbations if theta is None else perturbations + _bytewise(theta, self._width)
        return values.reshape(-1, 8)

    def expand(self, table: Float64, packed: NDArray[np.uint8]) -> Float64:
        """packed (n, ⌈P/8⌉) → (n, P), a view where 8 does not divide P."""
        rows = table.take(packed + self._offsets, axis=0)
        return rows.reshape(len(packed), 8 * self._width)[:, : self._parameters]


def _bytewise(values: Float64, width: int) -> Float64:
    padded = np.zeros(8 * width)
    padded[: len(values)] = values
    return padded.reshape(width, 1, 8)
