"""The lowest and the highest value that each parameter of an emulated chip ever had."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_MOST_WAITING = 16384
_WORTH_A_LOOK = 1024


class Extremes:
    """Exact, over everything that was added; NaN where one of the values was NaN.

    What is added waits until there is enough to be looked at together: one by one that would cost
    about as much as to compute what a probe costs.

    Args:
        first: float64 (P,).
    """

    def __init__(self, first: Float64) -> None:
        self._low = first.copy()
        self._high = first.copy()
        self._values: list[Float64] = []
        self._numbers = 0

    def add(self, values: Float64) -> None:
        """values (n, P) or (P,), which nobody changes any more."""
        if values.size > _WORTH_A_LOOK:
            self._take(values.reshape(-1, len(self._low)))
            return
        self._values.append(values)
        self._numbers += values.size
        if self._numbers > _MOST_WAITING:
            self._gather()

    def add_signs(
        self,
        theta: Float64,
        amplitudes: Float64,
        signs: NDArray[np.int8],
        packed: NDArray[np.uint8],
    ) -> None:
        """θ + sign × code × amplitude, for codes (n, ⌈P/8⌉) of bits: 1 is +1, 0 is −1."""
        perturbed = np.flatnonzero(signs)
        if not len(perturbed):
            return
        # The negative of a code has all its bits inverted.
        inverted = np.where(signs.take(perturbed) < 0, np.uint8(255), np.uint8(0))
        codes = packed.take(perturbed, axis=0) ^ inverted[:, None]
        up = _bits(np.bitwise_or.reduce(codes, axis=0), len(theta))
        down = ~_bits(np.bitwise_and.reduce(codes, axis=0), len(theta))
        self.add(np.where(up, theta + amplitudes, theta))
        self.add(np.where(down, theta - amplitudes, theta))

    def read(self) -> tuple[Float64, Float64]:
        """Lowest and highest so far, (P,) each."""
        self._gather()
        return self._low.copy(), self._high.copy()

    def _gather(self) -> None:
        if self._values:
            self._take(np.concatenate([part.reshape(-1, len(self._low)) for part in self._values]))
        self._values, self._numbers = [], 0

    def _take(self, rows: Float64) -> None:
        np.minimum(self._low, rows.min(axis=0), out=self._low)
        np.maximum(self._high, rows.max(axis=0), out=self._high)


def _bits(packed: NDArray[np.uint8], parameters: int) -> NDArray[np.bool_]:
    return np.unpackbits(packed, count=parameters, bitorder="little").view(np.bool_)
