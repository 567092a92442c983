"""The chip file's limits, laid over what the chip declares: they narrow, never widen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.chip_settings import Limits, ParameterLimits


def narrowed(description: ChipDescription, limits: Limits) -> ChipDescription:
    """The description with the chip file's limits applied.

    Drivers give this as their chip's description, so that what they make safe and what the
    controller judges by is the same envelope.

    Raises:
        ConfigurationError: limits that widen what the chip declares, or name no group of it.
    """
    names = [group.name for group in description.groups]
    unknown = [name for name in limits.groups if name not in names]
    if unknown:
        raise ConfigurationError(
            f"chip.limits.groups names {', '.join(unknown)}; the groups of chip "
            f"{description.name!r} are {', '.join(names)}"
        )
    groups = tuple(
        _narrowed_group(
            group,
            [(f"chip.limits.groups.{group.name}", limits.groups[group.name])]
            if group.name in limits.groups
            else [],
            limits.parameters,
        )
        for group in description.groups
    )
    inputs = limits.inputs
    low = description.input_low if inputs.low is None else inputs.low
    high = description.input_high if inputs.high is None else inputs.high
    if low < description.input_low or high > description.input_high or not low < high:
        raise ConfigurationError(
            f"chip.limits.inputs gives [{low:g}, {high:g}]; chip {description.name!r} itself takes "
            f"[{description.input_low:g}, {description.input_high:g}], which can only be narrowed"
        )
    return dataclasses.replace(description, groups=groups, input_low=low, input_high=high)


def _narrowed_group(
    group: ParameterGroup,
    own: list[tuple[str, ParameterLimits]],
    general: ParameterLimits,
) -> ParameterGroup:
    values: dict[str, float] = {}
    # A group's own limits win over those of all parameters, which are then none of its.
    overruled = {quantity for _, limits in own for quantity in _given(limits)}
    for key, limits in (("chip.limits.parameters", general), *own):
        for quantity in _given(limits):
            if limits is general and quantity in overruled:
                continue
            value = getattr(limits, quantity)
            declared = getattr(group, quantity)
            if _widens(quantity, value, declared):
                raise ConfigurationError(
                    f"{key}.{quantity} is {value:g}; parameter group {group.name} of the chip "
                    f"declares {declared:g}, which can only be narrowed"
                )
            values[quantity] = value
    if "safe" not in values:
        low, high = values.get("low", group.low), values.get("high", group.high)
        if not low <= group.safe <= high:
            raise ConfigurationError(
                f"chip.limits: the safe value {group.safe:g} of parameter group {group.name} lies "
                f"outside [{low:g}, {high:g}]; set limits.parameters.safe"
            )
    return dataclasses.replace(group, **values)


def _widens(quantity: str, value: float, declared: float) -> bool:
    match quantity:
        case "low" | "resolution" | "perturbation_resolution":
            return value < declared
        case "high":
            return value > declared
        case "slew_per_second" | "writes_budget":
            # 0 is no limit at all.
            return declared > 0 and value > declared
        case _:
            return False


def _given(limits: ParameterLimits) -> Iterable[str]:
    return (name for name, value in limits.model_dump().items() if value is not None)
