"""A cost function of the user's own: loaded, tried, and recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.task import UserCost
from mgd_lab.experiment.user_code import user_object

Float64 = NDArray[np.float64]

_ROWS = 64
_GROUPS = (1, 2, 7, 32)


def user_cost(
    settings: UserCost, description: ChipDescription, targets: NDArray[np.float32]
) -> CostFunction:
    """The function that a file defines, after a trial on drawn outputs and some of the targets.

    Raises:
        ConfigurationError: it cannot be loaded, fails, gives something else than costs, or what it
            gives for a row depends on the rows beside it.
    """
    found = user_object(str(settings.file), settings.function, "task.cost")
    where = f"task.cost: {settings.file}:{settings.function}"
    if not callable(found.value):
        raise ConfigurationError(f"{where} is a {type(found.value).__name__}, no function")
    probabilities = description.output_kind == "probabilities"
    cost = CostFunction(
        "user", probabilities=probabilities, function=found.value, sha256=found.sha256
    )
    wanted = np.resize(targets, (_ROWS, targets.shape[1]))
    # Between 0 and 1, where the usual logarithms and roots are defined.
    outputs = np.random.default_rng(0).uniform(0.05, 0.95, wanted.shape)
    if probabilities:
        outputs /= outputs.sum(axis=1, keepdims=True)
    together = cost(outputs, wanted)
    if not np.isfinite(together).all():
        k = int(np.flatnonzero(~np.isfinite(together))[0])
        raise ConfigurationError(
            f"{where} gives {together[k]} for outputs {outputs[k]} and targets {wanted[k]}; a cost "
            "is a finite number"
        )
    _check_rows(cost, outputs, wanted, together, where)
    return cost


def _check_rows(
    cost: CostFunction,
    outputs: Float64,
    targets: NDArray[np.float32],
    together: Float64,
    where: str,
) -> None:
    for length in _GROUPS:
        parts = [slice(k, k + length) for k in range(0, _ROWS, length)]
        apart = np.concatenate([cost(outputs[part], targets[part]) for part in parts])
        differing = np.flatnonzero(apart != together)
        if len(differing):
            k = int(differing[0])
            raise ConfigurationError(
                f"{where}: a row costs {float(together[k])!r} among {_ROWS} rows and "
                f"{float(apart[k])!r} among {length}; what a sample costs must not "
                "depend on the samples beside it, to the last bit. Keep sums and means "
                "to a row (axis=1), and add columns one by one where they still differ, as in "
                "(y[:, 0] - t[:, 0]) ** 2 + …"
            )
