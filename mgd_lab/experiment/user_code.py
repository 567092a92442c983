"""Objects from a user's Python files; loading one executes its file."""

from __future__ import annotations

import hashlib
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mgd_lab.errors import ConfigurationError


@dataclass(frozen=True)
class UserObject:
    """A class or function of a user's.

    Attributes:
        value: what has the name.
        sha256: of the file that it stands in; files that this one imports are not in it.
    """

    value: Any
    sha256: str


def user_object(place: str, name: str, key: str) -> UserObject:
    """What `name` is in a Python file or in a module that can be imported.

    Args:
        place: the path of a file that ends in `.py`, or a dotted module.
        name: of the object.
        key: of the experiment or chip file, for messages.

    Raises:
        ConfigurationError: there is no such file, it fails when it is executed, or lacks the name.
    """
    try:
        module, source = _executed(Path(place)) if place.endswith(".py") else _imported(place)
    # It is the user's code, and may fail, or end the program, in any way.
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{key}: {place} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    try:
        return UserObject(getattr(module, name), hashlib.sha256(source).hexdigest())
    except AttributeError as error:
        known = ", ".join(each for each in vars(module) if not each.startswith("_"))
        raise ConfigurationError(
            f"{key}: {place} has no {name!r}; it has {known or 'nothing'}"
        ) from error


def _imported(place: str) -> tuple[ModuleType, bytes]:
    module = importlib.import_module(place)
    return module, Path(str(module.__file__)).read_bytes()


def _executed(file: Path) -> tuple[ModuleType, bytes]:
    if not file.is_file():
        raise FileNotFoundError(
            "there is no such file; a relative path starts at the folder of the file that names it"
        )
    source = file.read_bytes()
    # A name of its own, so that no other module is hidden; classes look themselves up by it.
    module = ModuleType(f"mgd_lab_user_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    # The very bytes that are hashed; Python's own way may find those of an earlier moment.
    exec(compile(source, str(file), "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    return module, source
