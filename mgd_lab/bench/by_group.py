"""Numbers that an experiment gives to whole groups of parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.errors import ConfigurationError


def by_group(
    values: Mapping[str, float], description: ChipDescription, key: str
) -> NDArray[np.float64]:
    """{group: number} → one number for each parameter, (P,); every group must be named.

    `key` is what messages call the place in the experiment.
    """
    names = [group.name for group in description.groups]
    unknown = [name for name in values if name not in names]
    missing = [name for name in names if name not in values]
    if unknown or missing:
        problem = f"names {', '.join(unknown)}" if unknown else f"lacks {', '.join(missing)}"
        raise ConfigurationError(
            f"{key} {problem}; the groups of chip {description.name!r} are {', '.join(names)}"
        )
    return np.concatenate(
        [np.full(group.count, values[group.name], np.float64) for group in description.groups]
    )
