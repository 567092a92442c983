"""Which drivers would fit a VISA resource or a serial port, judged by what their files name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mgd_lab.experiment import ChipSettings

Way = Literal["resource", "port"]


def fitting_drivers(way: Way, settings: Mapping[str, type[ChipSettings]]) -> tuple[str, ...]:
    """Names of drivers whose chip files have the key `resource` (VISA) or `port` (serial).

    They could be tried; whether the device speaks their language is not known from outside.
    """
    return tuple(sorted(name for name, model in settings.items() if way in model.model_fields))
