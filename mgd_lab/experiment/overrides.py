"""`--set dotted.key=value`: values that replace those of the files."""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment.document import Document, describe
from mgd_lab.experiment.problem import Origin, dotted
from mgd_lab.experiment.problem import Path as KeyPath
from mgd_lab.experiment.yaml_nodes import is_unicode, parse_yaml, whole_number_of

Overrides = Mapping[str, Any] | Sequence[str]


def parse_override(text: str) -> tuple[str, Any]:
    """`a.b=3` → ("a.b", 3); the value is YAML 1.2.

    Raises:
        ExperimentFileError: no `=`, no key, or a value that is no YAML.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise ExperimentFileError(
            f"--set {text}: expected dotted.key=value, as in training.update.learning_rate=0.5"
        )
    if not all(key.split(".")):
        raise ExperimentFileError(f"--set {key}: a part of the key between dots is empty")
    return key, parse_yaml(value, f"--set {key}", with_lines=False).value


def override_mapping(overrides: Overrides) -> dict[str, Any]:
    """Overrides in the order given; of the same key the last counts.

    Raises:
        ExperimentFileError: one that cannot be parsed, or a value of a type that YAML lacks.
    """
    if isinstance(overrides, Mapping):
        return {key: _plain(value, key) for key, value in overrides.items()}
    parsed: dict[str, Any] = {}
    for text in overrides:
        key, value = parse_override(text)
        parsed.pop(key, None)
        parsed[key] = value
    return parsed


def apply_override(document: Document, key: str, value: Any) -> None:
    """Put `value` at the dotted key; mappings on the way are made where they are missing.

    Raises:
        ExperimentFileError: the key leads through a value that is no mapping, or past a list.
    """
    origin = Origin(f"--set {key}", override=key)
    parts = key.split(".")
    container: Any = document.values
    path: KeyPath = ()
    for part in parts[:-1]:
        step = _step(container, part, path, origin)
        if isinstance(container, dict):
            mapping = cast("dict[str, Any]", container)
            if mapping.get(step) is None:
                document.origins[(*path, step)] = origin
                mapping[step] = {}
        path = (*path, step)
        container = cast("Any", container)[step]
    step = _step(container, parts[-1], path, origin)
    container[step] = value
    document.forget((*path, step))
    document.origins[(*path, step)] = origin


def _step(container: Any, part: str, path: KeyPath, origin: Origin) -> Any:
    if isinstance(container, dict):
        return part
    if not isinstance(container, list):
        raise ExperimentFileError(
            f"{origin.label}: {dotted(path)} is {describe(container)}, no mapping; "
            f"it has no key {part!r}"
        )
    length = len(cast("list[Any]", container))
    if not (part.isascii() and part.isdigit()):
        raise ExperimentFileError(
            f"{origin.label}: {dotted(path)} is a list; expected a position from 0 to "
            f"{length - 1}, got {part!r}"
        )
    if int(part) >= length:
        raise ExperimentFileError(
            f"{origin.label}: {dotted(path)} has {length} items; position {part} is beyond its end"
        )
    return int(part)


def _plain(value: Any, key: str) -> Any:
    """Python's and NumPy's numbers, texts, paths, lists and mappings, as YAML would give them."""
    kind = type(value).__name__
    if value is None or isinstance(value, bool) or (isinstance(value, str) and is_unicode(value)):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(cast("os.PathLike[str]", value))
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return whole_number_of(float(value))
    if isinstance(value, Mapping):
        mapping = cast("Mapping[Any, Any]", value)
        if all(isinstance(name, str) for name in mapping):
            return {name: _plain(item, key) for name, item in mapping.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, key) for item in cast("Sequence[Any]", value)]
    raise ExperimentFileError(
        f"override {key}: expected what YAML can hold (numbers, text, lists, mappings with text "
        f"keys), got {kind}"
    )
