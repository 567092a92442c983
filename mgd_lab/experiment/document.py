"""An experiment before validation: plain values, and where each was written."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mgd_lab.experiment.file_text import read_text
from mgd_lab.experiment.problem import Origin, refuse
from mgd_lab.experiment.problem import Path as KeyPath
from mgd_lab.experiment.yaml_nodes import parse_yaml, shortened


@dataclass
class Document:
    """Values of experiment and chip file, merged, and the origin of every key."""

    values: dict[str, Any]
    origins: dict[KeyPath, Origin] = field(default_factory=dict[KeyPath, Origin])

    def origin(self, path: KeyPath) -> Origin:
        """Where the value at `path` was written, or else what encloses it."""
        for length in range(len(path), -1, -1):
            origin = self.origins.get(path[:length])
            if origin is not None:
                return origin
        return Origin("experiment")

    def replace(self, base: KeyPath, other: Document) -> None:
        """Put the values of `other` (a chip file) in place of those at `base` (one key)."""
        self.forget(base)
        self.values[str(base[0])] = other.values
        for path, origin in other.origins.items():
            self.origins[base + path] = Origin(origin.label, origin.line, base)

    def forget(self, path: KeyPath) -> None:
        """Drop the origins of a value that is replaced."""
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


def read_document(path: Path, what: str) -> tuple[Document, str]:
    """Read a YAML file whose top is a mapping; returns the document and the file's text.

    Raises:
        ExperimentFileError: the file, its YAML, or what stands at its top is wrong.
    """
    text = read_text(path, what)
    content = parse_yaml(text, str(path))
    top: Any = content.value
    if top is None:
        raise refuse([f"{path}: this {what} is empty; expected keys and values"])
    if not isinstance(top, dict):
        raise refuse(
            [
                f"{path}:1: expected a mapping (key: value) at the top of the {what}, "
                f"got {describe(top)}"
            ]
        )
    values = cast("dict[str, Any]", top)
    origins = {key: Origin(str(path), line) for key, line in content.lines.items()}
    origins[()] = Origin(str(path), min(content.lines.values(), default=1))
    return Document(values, origins), text


def describe(value: Any) -> str:
    """A value in the words of a message."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 40 else f"the text {value[:37]!r}..."
    if isinstance(value, float) and not math.isfinite(value):
        return (
            ".nan"
            if math.isnan(value)
            else f"{value:+}".replace("+inf", ".inf").replace("-inf", "-.inf")
        )
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return shortened(str(value))
