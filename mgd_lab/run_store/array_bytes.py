"""Arrays as bytes in the log: little-endian, C order, without pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import RunStoreError

FLOAT64 = np.dtype("<f8")
INT64 = np.dtype("<i8")
STATE_KINDS = "biufc"


def to_bytes(values: NDArray[Any], dtype: np.dtype[Any]) -> bytes:
    """The values as `dtype`, in C order."""
    return np.ascontiguousarray(values, dtype=dtype).tobytes()


def from_bytes(data: bytes, dtype: np.dtype[Any], count: int, what: str) -> NDArray[Any]:
    """(count,) of `dtype`, a read-only view of `data`; `RunStoreError` where the length differs."""
    # Not all that SQLite gives back need be what was written.
    if not isinstance(data, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise RunStoreError(
            f"{what} holds {type(data).__name__} where bytes were written: the log is damaged. "
            "Restore it from a copy."
        )
    if len(data) != count * dtype.itemsize:
        raise RunStoreError(
            f"{what} holds {len(data)} bytes where {count} values of {dtype.itemsize} bytes "
            "were written: the log is damaged. Restore it from a copy."
        )
    return np.frombuffer(data, dtype=dtype)


def unsigned_dtype(itemsize: int) -> np.dtype[Any]:
    """The little-endian unsigned dtype of 1, 2, 4 or 8 bytes."""
    if itemsize not in (1, 2, 4, 8):
        raise RunStoreError(
            f"sample indices of {itemsize} bytes are unknown: the log is damaged. "
            "Restore it from a copy."
        )
    return np.dtype(f"<u{itemsize}")


def smallest_unsigned(samples: NDArray[Any]) -> NDArray[Any]:
    """The sample indices in the narrowest unsigned dtype that holds them all."""
    if samples.dtype.kind not in "ui":
        raise RunStoreError(f"sample indices have dtype {samples.dtype}; integers are expected")
    if samples.dtype.kind == "i" and samples.size and int(samples.min()) < 0:
        raise RunStoreError(f"a sample index is {int(samples.min())}; none can be below 0")
    largest = int(samples.max()) if samples.size else 0
    itemsize = np.min_scalar_type(largest).itemsize
    return np.ascontiguousarray(samples, dtype=unsigned_dtype(itemsize))


def state_dtype(name: str, values: NDArray[Any]) -> np.dtype[Any]:
    """The little-endian dtype in which an array of the controller's state is kept."""
    if values.dtype.kind not in STATE_KINDS:
        raise RunStoreError(
            f"state array {name!r} has dtype {values.dtype}; only numbers and booleans are kept"
        )
    return values.dtype.newbyteorder("<")
