"""What a chip returns is as much as was asked for, before anything is computed with it."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mgd_lab.errors import MeasurementError


def check_shape(values: NDArray[Any], expected: tuple[int, ...], what: str, chip_name: str) -> None:
    """MeasurementError where a chip returned more or fewer `what` than it was asked for.

    NumPy would otherwise spread one value over many probes in silence.
    """
    if values.shape != expected:
        raise MeasurementError(
            f"chip {chip_name!r} returned {what} of shape {values.shape}, expected {expected}; "
            "they were not used. Check the driver"
        )
