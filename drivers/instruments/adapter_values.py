"""What libraries give for numbers, switches and errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

_TRUTHS = {"ON": 1.0, "TRUE": 1.0, "OFF": 0.0, "FALSE": 0.0}
_SAME = 1e-5
_NOTHING = 1e-15


def number(value: Any, index: int | None = None) -> float:
    """A number, or one of several; ValueError with the reason where it is none."""
    try:
        found = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{str(value)[:60]!r} is no number") from error
    if index is not None:
        several = np.atleast_1d(found)
        if several.ndim != 1 or index >= len(several):
            raise ValueError(f"there is no number {index} in {str(value)[:60]}")
        return float(several[index])
    if found.size != 1:
        raise ValueError(f"these are {found.size} numbers; say which by the key index")
    return float(found.reshape(()))


def truth(value: Any) -> bool:
    """Whether something is on; ValueError where it does not tell."""
    found = _as_number(value)
    if found is None or found != found:
        raise ValueError(f"{str(value)[:60]!r} tells neither on nor off")
    return found != 0


def same(wanted: Any, found: Any) -> bool:
    """Whether a setting reads as it was set: numbers but for rounding, words in any case."""
    numbers = _as_number(wanted), _as_number(found)
    if numbers[0] is not None and numbers[1] is not None:
        return abs(numbers[0] - numbers[1]) <= max(_SAME * abs(numbers[0]), _NOTHING)
    return str(wanted).strip().casefold() == str(found).strip().strip("\"'").casefold()


def complaints(value: Any) -> tuple[Sequence[str], bool]:
    """Errors that were given, and whether there may be more behind them."""
    if isinstance(value, str):
        return _one(value)
    if isinstance(value, (list, tuple)):
        given = cast("Sequence[Any]", value)
        if len(given) == 2 and isinstance(given[0], int | float) and isinstance(given[1], str):
            return _one(f"{given[0]:g},{given[1]}")
        return [str(each) for each in given], False
    if value is None:
        return [], False
    return [str(value)], False


def _one(entry: str) -> tuple[Sequence[str], bool]:
    code = entry.partition(",")[0].strip()
    if not entry.strip() or code.lstrip("+-") == "0":
        return [], False
    return [entry], True


def _as_number(value: Any) -> float | None:
    word = _TRUTHS.get(str(value).strip().upper())
    if word is not None:
        return word
    try:
        return number(value)
    except ValueError:
        return None
