"""Libraries of the extra "export", imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from mgd_lab.errors import MissingExtraError


def load_library(name: str, purpose: str) -> Any:
    """The module `name`; `MissingExtraError` where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(purpose, name, "export") from error
