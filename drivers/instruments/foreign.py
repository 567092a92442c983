"""What an adapter asks of a library, and how the class that a chip file names is found."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from traceback import walk_tb
from typing import Any, Protocol

from mgd_lab.errors import ConfigurationError, MissingExtraError
from mgd_lab.experiment.nearest import did_you_mean


class Foreign(Protocol):
    """An instrument as a library has it. Methods raise whatever the library raises."""

    def connect(self) -> None:
        """Makes the library's object, which opens its link."""
        ...

    def close(self) -> None:
        """Lets go of it; the outputs are as they were. Calling it again does nothing."""
        ...

    def identity(self) -> Mapping[str, str]:
        """manufacturer, model, serial, firmware; of the class where the instrument tells none."""
        ...

    def check_names(self) -> None:
        """ConfigurationError where a name that the chip file uses is not there or cannot do it."""
        ...

    def is_method(self, path: str) -> bool:
        """Whether it is called, instead of being set."""
        ...

    def is_readable(self, path: str) -> bool:
        """Whether it can be read back."""
        ...

    def get(self, path: str) -> Any:
        """What the instrument says."""
        ...

    def set(self, path: str, value: Any) -> None:
        """Tells the instrument."""
        ...

    def call(self, path: str, arguments: Any) -> None:
        """A method with arguments by name, in order, or none (None)."""
        ...


def load_class(place: str, dotted: str, library: str, extra: str) -> type[Any]:
    """Imports a module and takes the class from it.

    Raises:
        MissingExtraError: the library is not installed.
        ConfigurationError: there is no such module or class, or it cannot be imported.
    """
    if find_spec(library) is None:
        raise MissingExtraError(f"{place}: driver {extra}", library, extra)
    module_name, _, name = dotted.rpartition(".")
    try:
        module = import_module(module_name)
    # Whatever goes wrong in a module of others when it is imported, this instrument has none.
    except Exception as error:
        raise ConfigurationError(
            f"{place}: class: the module {module_name} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    found = getattr(module, name, None)
    if not inspect.isclass(found):
        classes = [each for each, value in vars(module).items() if inspect.isclass(value)]
        raise ConfigurationError(
            f"{place}: class: {module_name} has no class {name}{did_you_mean(name, classes)}"
        )
    return found


def refuse_names(place: str, problems: Sequence[tuple[str, str]]) -> None:
    """ConfigurationError with all problems (key, what is wrong with it; "" where nothing is)."""
    found = [f"{key}: {problem}" for key, problem in problems if problem]
    if found:
        raise ConfigurationError(f"{place}: {'; '.join(dict.fromkeys(found))}")


def check_arguments(place: str, made: type[Any], *given: Any, **named: Any) -> None:
    """ConfigurationError where the class does not take such arguments."""
    try:
        inspect.signature(made.__init__).bind(None, *given, **named)
    except TypeError as error:
        raise ConfigurationError(
            f"{place}: arguments: {made.__name__} is made otherwise: {error}; it takes "
            f"{inspect.signature(made.__init__)}"
        ) from error


def takes(made: type[Any], argument: str) -> bool:
    """Whether the class takes an argument of this name, or any."""
    parameters = inspect.signature(made.__init__).parameters
    return argument in parameters or any(
        each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()
    )


def half_made(error: BaseException, made: type[Any]) -> Iterator[Any]:
    """Objects of the class that were being made when the error came, so that they can be closed."""
    seen: list[Any] = []
    for frame, _ in walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        if isinstance(owner, made) and not any(owner is each for each in seen):
            seen.append(owner)
            yield owner


def call_with(method: Callable[..., Any], arguments: Any) -> None:
    """Arguments by name (a mapping), in order (a sequence), one, or none (None)."""
    if arguments is None:
        method()
    elif isinstance(arguments, Mapping):
        method(**arguments)
    elif isinstance(arguments, (list, tuple)):
        method(*arguments)
    else:
        method(arguments)
