"""The discrete gradient estimate for codes of bits, compiled: the same sums, bit for bit.

For networks of thousands of parameters the sum Σ C̃ θ̃ takes the host longer than a fast chip needs
to measure: in NumPy every θ̃ is written out first. Here a byte of a code chooses eight signs, and a
few hundred parameters at a time stay in the processor's cache. Nothing is fused or reordered:
each parameter's terms are rounded and added one by one, in the order of steps, as in `correlate`.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# total, modulations, amplitudes, packed codes, row of each modulation: total is changed in place.
AddSigned = Callable[
    [Float64, Float64, Float64, NDArray[np.uint8], NDArray[np.int64]],
    None,
]

_BYTES_AT_ONCE = 64
_SIGNS = np.where(
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") == 1,
    np.float64(1),
    np.float64(-1),
)
_SIGNS.flags.writeable = False


@lru_cache(maxsize=1)
def add_signed() -> AddSigned | None:
    """total (P,) += Σₙ C̃ₙ · code · amplitude, compiled now or earlier; None without Numba.

    modulations C̃ (n,), amplitudes (P,), float64; packed codes (m, ⌈P/8⌉), of which modulation n
    takes row rows[n], int64 (n,).
    """
    if importlib.util.find_spec("numba") is None:
        return None
    # Imported here: it takes half a second, and it is an extra.
    import numba
    from numba import types

    def array(kind: Any, dimensions: int, *, shared: bool = False) -> Any:
        return types.Array(kind, dimensions, "C", readonly=shared)

    numbers, signs = array(types.float64, 1), array(types.float64, 2, shared=True)
    packed, rows = array(types.uint8, 2, shared=True), array(types.int64, 1)
    signature = types.void(numbers, numbers, numbers, packed, rows, signs)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    made: Any
    try:
        made = numba.njit(signature, cache=True, **options)(_add_signed)
    except RuntimeError:
        # Nowhere to keep it: neither beside the module nor in the user's cache folder.
        made = numba.njit(signature, **options)(_add_signed)
    compiled = cast(Callable[..., None], made)

    def add(
        total: Float64,
        modulations: Float64,
        amplitudes: Float64,
        packed: NDArray[np.uint8],
        rows: NDArray[np.int64],
    ) -> None:
        compiled(total, modulations, amplitudes, packed, rows, _SIGNS)

    return add


def _add_signed(
    total: Any, modulations: Any, amplitudes: Any, packed: Any, rows: Any, signs: Any
) -> None:
    whole = len(total) // 8
    for begin in range(0, whole, _BYTES_AT_ONCE):
        end = min(begin + _BYTES_AT_ONCE, whole)
        for n in range(len(modulations)):
            modulation, row = modulations[n], rows[n]
            for byte in range(begin, end):
                code = packed[row, byte]
                for k in range(8):
                    i = 8 * byte + k
                    total[i] += modulation * (amplitudes[i] * signs[code, k])
    for n in range(len(modulations)):
        for i in range(8 * whole, len(total)):
            sign = signs[packed[rows[n], whole], i - 8 * whole]
            total[i] += modulations[n] * (amplitudes[i] * sign)
