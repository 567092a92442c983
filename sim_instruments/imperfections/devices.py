"""What differs from one device of a chip to the next, and stays as it was made."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, normals

Float64 = NDArray[np.float64]


class Quantity(IntEnum):
    """Index in the stream of device variation: what of a device is drawn."""

    NEURON = 0
    STUCK = 1
    STUCK_AT = 2
    ENDURANCE = 3
    ASYMMETRY = 4
    DRIFT = 5


def spread(seed: int, quantity: Quantity, devices: int) -> Float64:
    """A standard normal number for each device, (devices,)."""
    return normals(seed, Stream.DEVICE_VARIATION, quantity, devices)
