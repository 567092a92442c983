"""What a chip file's limits say of a run of parameters, those too that are held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from mgd_lab.experiment import key_problem
from mgd_lab.experiment.bench_terminals import ParameterMap
from mgd_lab.experiment.chip_settings import Limits

Key = tuple[str | int, ...]


def limit_of(
    limits: Limits, group: str, quantity: Literal["low", "high", "safe"]
) -> tuple[float, Key] | None:
    """What limits give for a group, and where; its own win. None where they give nothing."""
    own = limits.groups.get(group)
    value = None if own is None else getattr(own, quantity)
    if value is not None:
        return value, ("limits", "groups", group, quantity)
    value = getattr(limits.parameters, quantity)
    return None if value is None else (value, ("limits", "parameters", quantity))


def check_held_values(parameters: Sequence[ParameterMap], limits: Limits) -> None:
    """Raises what a validator raises where a parameter that is not trained stands beyond limits."""
    for k, run in enumerate(parameters):
        for word, value, key in _held(run):
            low = limit_of(limits, run.group, "low")
            high = limit_of(limits, run.group, "high")
            broken = None
            if low is not None and value < low[0]:
                broken = low
            elif high is not None and value > high[0]:
                broken = high
            if broken is not None:
                edge, place = broken
                raise key_problem(
                    f"{word} {value:g} lies beyond {'.'.join(map(str, place))}, {edge:g}; "
                    "parameters that are held keep within limits as trained ones do",
                    *("parameters", k, key),
                )


def _held(run: ParameterMap) -> Iterator[tuple[str, float, str]]:
    """What it is, the value, its key."""
    if run.fixed is not None:
        yield "the fixed value", run.fixed, "fixed"
    if run.masked:
        yield "the safe value, at which masked parameters stand,", run.safe, "masked"
    elif run.fixed is not None:
        yield "the safe value", run.safe, "safe"
