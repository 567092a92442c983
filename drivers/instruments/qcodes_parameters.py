"""What a QCoDeS instrument has under a name, and whether the instrument itself is behind it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from drivers.instruments.adapter_settings import Use
from mgd_lab.experiment.nearest import did_you_mean

_MISSING = object()


class Parameters:
    """Parameters, methods and submodules by their dotted names.

    Args:
        owner_of: the part of the instrument that has the last name of a path; AttributeError where
            a name before it is missing.
    """

    def __init__(self, owner_of: Callable[[str], Any]) -> None:
        self._owner_of = owner_of
        self._base: type[Any] = import_module("qcodes.parameters").ParameterBase
        self._command: type[Any] = import_module("qcodes.parameters.command").Command

    def find(self, path: str) -> Any:
        """A parameter or a method; AttributeError where there is none."""
        return getattr(self._owner_of(path), path.rpartition(".")[2])

    def is_parameter(self, path: str) -> bool:
        """Whether it is one."""
        return isinstance(self.find(path), self._base)

    def can_be_read(self, path: str) -> bool:
        """Whether it is a parameter that asks the instrument."""
        found = self.find(path)
        return isinstance(found, self._base) and self._speaks(found, "get")

    def problem(self, use: Use) -> str:
        """Why it cannot do what it is used for; "" where it can."""
        last = use.path.rpartition(".")[2]
        try:
            owner = self._owner_of(use.path)
        except AttributeError as error:
            return str(error)
        found = getattr(owner, last, _MISSING)
        if found is _MISSING:
            names = [*getattr(owner, "parameters", ()), *getattr(owner, "submodules", ())]
            return f"{type(owner).__name__} has no {last!r}{did_you_mean(last, names)}"
        if isinstance(found, self._base):
            return self._problem_of_parameter(found, last, use)
        if use.does == "set":
            return f"{last} is no parameter"
        return "" if callable(found) else f"{last} is neither a parameter nor a method"

    def _problem_of_parameter(self, parameter: Any, name: str, use: Use) -> str:
        if use.does == "call":
            return f"{name} is a parameter; name a method, or give the value it is set to"
        way = "get" if use.does == "read" else "set"
        # In its setup, what the library itself is to remember may be set too.
        if self._speaks(parameter, way) or (use.does == "assign" and parameter.settable):
            return ""
        if way == "get":
            return f"{name} cannot be read from the instrument"
        return f"{name} cannot be set, or sets nothing in the instrument"

    def _speaks(self, parameter: Any, way: str) -> bool:
        """Not where QCoDeS itself remembers the value: it has then put a function there."""
        if not (parameter.gettable if way == "get" else parameter.settable):
            return False
        added: Any = cast("dict[str, Any]", vars(parameter)).get(f"{way}_raw")
        return added is None or isinstance(added, self._command)
