"""What a replay computed beside what the log holds, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller import TrainingState

Float64 = NDArray[np.float64]

# Which of a checkpoint's arrays follow from the log alone.
_REPLAYED = ("theta", "total", "baseline", "projected")
_PREFIXES = ("rule.", "filters.", "clamp.")


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two arrays hold the same values, the sign of zero and NaN included."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def told_difference(recorded: Float64, replayed: Float64, names: Sequence[str]) -> str:
    """How many parameters (P,) differ, and which the most, as a sentence without its end."""
    differing = np.flatnonzero(recorded.view(np.int64) != replayed.view(np.int64))
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(replayed - recorded)[differing]
    most = int(differing[int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))])
    return (
        f"{len(differing)} of {len(recorded)} parameters differ, most {names[most]}: recorded "
        f"{float(recorded[most])!r}, replayed {float(replayed[most])!r} "
        f"({float(replayed[most] - recorded[most]):+.3g})"
    )


def differing_state(
    recorded: Mapping[str, NDArray[Any]], state: TrainingState, *, start_known: bool
) -> list[str]:
    """Names of a checkpoint's arrays that the replay does not give.

    `start_known` says whether the parameters at step 0 were computed, and with them how many of
    them the limits had moved.
    """
    replayed = state.arrays()
    names = [
        name for name in {**recorded, **replayed} if name in _REPLAYED or name.startswith(_PREFIXES)
    ]
    if not start_known:
        names.remove("projected")
    return [
        name
        for name in names
        if name not in recorded
        or name not in replayed
        or not same_bits(np.asarray(recorded[name]), np.asarray(replayed[name]))
    ]
