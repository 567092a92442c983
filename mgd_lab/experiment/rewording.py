"""Pydantic's findings in plain words, each at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mgd_lab.experiment.chip_settings import ChipSettings
from mgd_lab.experiment.document import Document, describe
from mgd_lab.experiment.known_keys import description_of, key_hint
from mgd_lab.experiment.nearest import did_you_mean
from mgd_lab.experiment.problem import Path
from mgd_lab.experiment.yaml_nodes import whole_number_of

_Context = Mapping[str, Any]

_EXPECTED: Mapping[str, Callable[[_Context], str]] = {
    "int_type": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "int_parsing": lambda _: "a whole number",
    "int_parsing_size": lambda _: "a whole number of less than 4300 digits",
    "float_type": lambda _: "a number",
    "float_parsing": lambda _: "a number",
    "bool_type": lambda _: "true or false",
    "bool_parsing": lambda _: "true or false",
    "string_type": lambda _: "text",
    "path_type": lambda _: "the path of a file",
    "list_type": lambda _: "a list",
    "tuple_type": lambda _: "a list",
    "dict_type": lambda _: "a mapping (key: value)",
    "model_type": lambda _: "a mapping (key: value)",
    "model_attributes_type": lambda _: "a mapping (key: value)",
    "none_required": lambda _: "nothing (null)",
    "literal_error": lambda context: str(context["expected"]),
    "enum": lambda context: str(context["expected"]),
    "greater_than": lambda context: f"a value above {whole_number_of(context['gt'])}",
    "greater_than_equal": lambda context: f"a value of at least {whole_number_of(context['ge'])}",
    "less_than": lambda context: f"a value below {whole_number_of(context['lt'])}",
    "less_than_equal": lambda context: f"a value of at most {whole_number_of(context['le'])}",
    "finite_number": lambda _: "a finite number",
    "too_short": lambda context: f"a length of at least {context['min_length']}",
    "too_long": lambda context: f"a length of at most {context['max_length']}",
    "string_too_short": lambda context: f"text of at least {context['min_length']} characters",
    "string_too_long": lambda context: f"text of at most {context['max_length']} characters",
}


def reworded(error: ValidationError, document: Document, chip: type[ChipSettings]) -> list[str]:
    """One line a problem, in the order of the files' lines.

    Args:
        error: what pydantic found.
        document: the values that were validated, with their origins.
        chip: the settings of the driver in use, for hints about its keys.
    """
    findings: dict[Path, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        findings.setdefault(_path(detail, document.values), []).append(detail)
    placed = [(document.origin(path), path, details) for path, details in findings.items()]
    placed.sort(key=lambda problem: (problem[0].label, problem[0].line))
    return [
        origin.message(path, _text(path, origin.base, details, document.values, chip))
        for origin, path, details in placed
    ]


def _path(detail: ErrorDetails, values: Any) -> Path:
    """The keys that lead to the problem, without the names pydantic gives to alternatives."""
    path: Path = ()
    value = values
    for part in detail["loc"]:
        if isinstance(value, dict) and part in value:
            value = cast("dict[Any, Any]", value)[part]
        elif isinstance(value, list) and isinstance(part, int):
            value = cast("list[Any]", value)[part]
        elif part != detail["loc"][-1] or detail["type"] != "missing":
            continue
        path = (*path, part)
    return (*path, *detail.get("ctx", {}).get("key", ()))


def _value_at(path: Path, values: Any) -> Any:
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def _text(
    path: Path, base: Path, details: list[ErrorDetails], values: Any, chip: type[ChipSettings]
) -> str:
    first = details[0]
    context = first.get("ctx", {})
    match first["type"]:
        case "key_problem":
            return str(context["message"])
        case "missing":
            return "a required key is missing" + description_of(path, chip)
        case "extra_forbidden":
            return f"unknown key{key_hint(path, base, chip)}"
        case "value_error" | "assertion_error":
            return str(context["error"])
        case _:
            return _expectation(details, _value_at(path, values))


def _expectation(details: list[ErrorDetails], value: Any) -> str:
    expected = list(dict.fromkeys(_expected(detail) for detail in details))
    if "a number" in expected or "a finite number" in expected:
        expected = [words for words in expected if words != "a whole number"]
    text = f"expected {' or '.join(expected)}, got {_got(details[0], value)}"
    if isinstance(value, str):
        numeric = any("number" in words for words in expected)
        if numeric and _is_number(value):
            return f"{text} in quotes; remove the quotes"
        choices = re.findall(r"'([^']*)'", " ".join(expected))
        return text + did_you_mean(value, choices)
    return text


def _expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    words = _EXPECTED.get(detail["type"])
    if words is not None:
        return words(context)
    return detail["msg"].removeprefix("Input should be ")


def _got(detail: ErrorDetails, value: Any) -> str:
    if detail["type"] in ("too_short", "too_long"):
        return str(detail.get("ctx", {}).get("actual_length"))
    return describe(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
