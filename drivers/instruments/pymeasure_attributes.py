"""What a PyMeasure class says of its properties before there is an instrument.

PyMeasure makes properties of commands: one without the command to set it has a setter all the same,
which raises. Channels are made with the instrument, from creators that stand in its class.
"""

from __future__ import annotations

import inspect
from typing import Any, cast

from drivers.instruments.adapter_settings import Use
from mgd_lab.experiment.nearest import did_you_mean

UNKNOWN = object()
"""Only the instrument itself can tell."""

_MISSING = object()


def problem_of_class(made: type[Any], use: Use) -> str:
    """Why the class cannot do what a name is used for; "" where it can, or where nobody knows."""
    *channels, last = use.path.split(".")
    owner: type[Any] | None = made
    for channel in channels:
        owner = _channel_class(owner, channel)
        if owner is None:
            return ""
    return problem(owner, _declared(owner, last), use)


def problem_of_object(owner: Any, use: Use) -> str:
    """The same of a part of the instrument that is there."""
    last = use.path.rpartition(".")[2]
    kind: type[Any] = owner.__class__
    member = _declared(kind, last)
    if member in (_MISSING, UNKNOWN) and hasattr(owner, last):
        member = getattr(owner, last)
    return problem(kind, _MISSING if member is UNKNOWN else member, use)


def problem(owner: type[Any], member: Any, use: Use) -> str:
    """Why a member of a class cannot do what it is used for; "" where it can."""
    last = use.path.rpartition(".")[2]
    if member is UNKNOWN:
        return ""
    if member is _MISSING:
        names = [each for each in dir(owner) if not each.startswith("_")]
        return f"{owner.__name__} has no {last!r}{did_you_mean(last, names)}"
    if isinstance(member, property):
        if use.does == "call":
            return f"{last} of {owner.__name__} is a property; name a method"
        way = "read" if use.does == "read" else "set"
        return "" if can(member, way) else f"{last} of {owner.__name__} cannot be {way}"
    if callable(member):
        if use.does == "set":
            return f"{last} of {owner.__name__} is a method; name a property that can be set"
        return ""
    return "" if use.does == "read" else f"{last} of {owner.__name__} is no property"


def can(member: property, way: str) -> bool:
    """Whether a property can be "read" or "set"."""
    function: Any = member.fget if way == "read" else member.fset
    if function is None:
        return False
    command = inspect.signature(function).parameters.get(
        "get_command" if way == "read" else "set_command"
    )
    # Of a dynamic property the instrument may have another command than its class.
    return command is None or command.default is not None or hasattr(member, "fset_params_list")


def _declared(owner: type[Any], name: str) -> Any:
    found = inspect.getattr_static(owner, name, _MISSING)
    if found is _MISSING and hasattr(owner, "__getattr__"):
        return UNKNOWN
    return found


def _channel_class(owner: type[Any], name: str) -> type[Any] | None:
    """Class of a channel that the class creates under a name; None where it creates none."""
    for creator_name, creator in inspect.getmembers_static(owner):
        pairs: Any = getattr(creator, "pairs", None)
        arguments: Any = getattr(creator, "kwargs", None)
        if not isinstance(pairs, list | tuple) or not isinstance(arguments, dict):
            continue
        named = cast("dict[str, Any]", arguments)
        for made, identifier in cast("list[tuple[type[Any], Any]]", pairs):
            several = "prefix" in named
            if name == (f"{named['prefix']}{identifier}" if several else creator_name):
                return made
    return None
