"""A user's own cost function, called so that nothing of ours can be changed by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import ConfigurationError

Float64 = NDArray[np.float64]
UserFunction = Callable[[Float64, NDArray[np.float32]], Any]
"""outputs (n, O), targets (n, O), neither to be written to → costs float64 (n,)."""


def user_costs(function: UserFunction, outputs: Float64, targets: NDArray[np.float32]) -> Float64:
    """outputs (n, O), targets (n, O) → costs (n,), numbers or not.

    Raises:
        ConfigurationError: the function fails, or gives something else than costs.
    """
    # One layout, whoever asks, since NumPy adds up in its order.
    shown, wanted = np.ascontiguousarray(outputs).view(), np.ascontiguousarray(targets).view()
    shown.flags.writeable = wanted.flags.writeable = False
    try:
        with np.errstate(all="ignore"):
            found = function(shown, wanted)
    # It is the user's code, and may fail, or end the program, in any way.
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"task.cost: the function fails on outputs {outputs.shape} and targets "
            f"{targets.shape}: {type(error).__name__}: {error}"
        ) from error
    told = type(found).__name__
    if isinstance(found, np.ndarray):
        costs = cast("NDArray[Any]", found)
        if costs.shape == (len(outputs),) and costs.dtype == np.float64:
            return costs.copy()
        told = f"{costs.dtype} {costs.shape}"
    raise ConfigurationError(
        f"task.cost: the function gives {told} for {len(outputs)} rows; expected an array of "
        f"float64 with one cost a row, ({len(outputs)},)"
    )
