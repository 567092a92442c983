"""Packed codes to numbers, a byte at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_SIGNS = np.where(
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") == 1,
    np.float64(1),
    np.float64(-1),
)


class SignTable:
    """θ + θ̃ of every parameter, for every value of a byte of packed codes.

    One look-up a byte stands in for unpacking bits, converting, multiplying and adding, which
    take a pass each over all parameters. `amplitudes` is float32, (P,).
    """

    def __init__(self, amplitudes: NDArray[np.float32]) -> None:
        self._parameters = len(amplitudes)
        self._width = -(-self._parameters // 8)
        self._perturbations = _SIGNS * self._bytewise(amplitudes.astype(np.float64))
        self._offsets = 256 * np.arange(self._width)

    def table(self, theta: Float64 | None = None) -> Float64:
        """What `expand` looks up: θ̃, or θ + θ̃ with theta float64 (P,)."""
        perturbations = self._perturbations
        values = perturbations if theta is None else perturbations + self._bytewise(theta)
        return values.reshape(-1, 8)

    def expand(self, table: Float64, packed: NDArray[np.uint8]) -> Float64:
        """packed (n, ⌈P/8⌉) → (n, P), a view where 8 does not divide P."""
        rows = table.take(packed + self._offsets, axis=0)
        return rows.reshape(len(packed), 8 * self._width)[:, : self._parameters]

    def _bytewise(self, values: Float64) -> Float64:
        padded = np.zeros(8 * self._width)
        padded[: self._parameters] = values
        return padded.reshape(self._width, 1, 8)
