"""YAML 1.2 text → plain values, and the line of every key."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from mgd_lab.experiment.problem import Origin, Path, refuse

# Aliases may repeat a list or two; a file whose aliases unfold beyond this is an accident or worse.
MOST_VALUES = 500_000

_CORE = "tag:yaml.org,2002:"
_NUMBERS = ("int", "float", "bool", "null")
_TEXTS = ("str", "timestamp", "value", "merge")
_WHOLE_NUMBERS_OF_FLOATS = 2.0**63


@dataclass
class YamlContent:
    """Values of one YAML text, and the line (from 1) of every key and list item."""

    value: Any
    lines: dict[Path, int]


def parse_yaml(text: str, label: str, *, with_lines: bool = True) -> YamlContent:
    """Decode one YAML document.

    Args:
        text: the document.
        label: what messages call it, a file's path or `--set key`.
        with_lines: whether messages add the line number to the label.

    Raises:
        ExperimentFileError: syntax, tags, duplicate keys, keys that are no text, aliases that
            unfold without bound. All but syntax errors are reported together.
    """
    decoder = _Decoder(label, with_lines)
    # `safe` and `pure`: the parser whose nodes carry lines; nothing is ever constructed from tags.
    yaml = YAML(typ="safe", pure=True)
    try:
        node: Any = yaml.compose(text)  # pyright: ignore[reportUnknownMemberType]
        _refuse_older_yaml(yaml, label)
        decoder.constructor = yaml.constructor
        value = None if node is None else decoder.decode(node, ())
    except (MarkedYAMLError, ReaderError) as error:
        raise refuse([_syntax_error(error, text, decoder)]) from error
    except YAMLError as error:
        raise refuse([f"{label}: YAML syntax error: {error}"]) from error
    except RecursionError as error:
        raise refuse([f"{label}: nested too deeply for an experiment or chip file"]) from error
    if decoder.problems:
        raise refuse(decoder.problems)
    return YamlContent(value, decoder.lines)


def _refuse_older_yaml(yaml: Any, label: str) -> None:
    """YAML 1.1 reads `no` as false and 1:30 as 90."""
    version = yaml.resolver.processing_version
    if version != (1, 2):
        asked = ".".join(str(part) for part in version)
        raise refuse(
            [f"{label}: YAML {asked} is asked for; expected YAML 1.2: remove the %YAML line"]
        )


def _syntax_error(error: Any, text: str, decoder: _Decoder) -> str:
    if not hasattr(error, "problem_mark"):
        at: int = error.position
        line = text.count("\n", 0, at) + 1
        return f"{decoder.place(line)}: character U+{ord(text[at]):04X} is not allowed in YAML"
    mark = error.problem_mark or error.context_mark
    line = 1 if mark is None else mark.line + 1
    said = " ".join(str(part) for part in (error.context, error.problem) if part)
    return f"{decoder.place(line)}: YAML syntax error: {said}"


@dataclass
class _Decoder:
    """Walks ruamel's nodes (untyped: id, tag, value, start_mark), collecting lines and problems."""

    label: str
    with_lines: bool
    constructor: Any = None
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    problems: list[str] = field(default_factory=list[str])
    values: int = 0
    open_nodes: set[int] = field(default_factory=set[int])

    def place(self, line: int) -> str:
        return f"{self.label}:{line}" if self.with_lines else self.label

    def complain(self, node: Any, path: Path, text: str) -> None:
        line: int = node.start_mark.line + 1
        self.problems.append(Origin(self.place(line)).message(path, text))

    def decode(self, node: Any, path: Path) -> Any:
        self.values += 1
        if self.values > MOST_VALUES:
            raise refuse(
                [f"{self.label}: aliases unfold to more than {MOST_VALUES:,} values; refused"]
            )
        if node.id == "scalar":
            return self._scalar(node, path)
        expected = "map" if node.id == "mapping" else "seq"
        tag = str(node.tag)
        if tag != _CORE + expected:
            self.complain(node, path, f"YAML tag {_spelled(tag)} is not allowed here; remove it")
            return None
        if id(node) in self.open_nodes:
            self.complain(node, path, "the alias contains itself")
            return None
        self.open_nodes.add(id(node))
        value = (self._mapping if node.id == "mapping" else self._sequence)(node, path)
        self.open_nodes.remove(id(node))
        return value

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line: int = key_node.start_mark.line + 1
            if key_node.id != "scalar" or str(key_node.tag) not in _TEXT_TAGS:
                self.complain(
                    key_node, path, "a key must be text; put it in quotes if it is a name"
                )
                continue
            key = str(key_node.value)
            if key == "<<" and str(key_node.tag) == _CORE + "merge":
                self.complain(key_node, path, "merge keys (<<) are no part of YAML 1.2")
                continue
            if key in first_lines:
                text = f"key given twice (first on line {first_lines[key]})"
                self.complain(key_node, (*path, key), text)
                continue
            first_lines[key] = line
            self.lines[(*path, key)] = line
            mapping[key] = self.decode(value_node, (*path, key))
        return mapping

    def _sequence(self, node: Any, path: Path) -> list[Any]:
        items: list[Any] = []
        for index, item in enumerate(node.value):
            self.lines[(*path, index)] = item.start_mark.line + 1
            items.append(self.decode(item, (*path, index)))
        return items

    def _scalar(self, node: Any, path: Path) -> Any:
        tag = str(node.tag)
        if tag in _TEXT_TAGS:
            text = str(node.value)
            if not is_unicode(text):
                self.complain(node, path, "the text holds half a character (a lone surrogate)")
            return text
        if tag not in _NUMBER_TAGS:
            self.complain(node, path, f"YAML tag {_spelled(tag)} is not allowed here; remove it")
            return None
        try:
            return whole_number_of(self.constructor.construct_object(node))
        except (ValueError, KeyError) as error:
            kind = tag.removeprefix(_CORE)
            self.complain(node, path, f"{shortened(str(node.value))} is no {kind}: {error}")
            return None


_TEXT_TAGS = frozenset(_CORE + kind for kind in _TEXTS)
_NUMBER_TAGS = frozenset(_CORE + kind for kind in _NUMBERS)


def whole_number_of(value: Any) -> Any:
    """A float without a fraction as the same int, so that `steps: 1e5` counts; others as is."""
    if not isinstance(value, float) or not value.is_integer():
        return value
    minus_zero = not value and math.copysign(1.0, value) < 0
    if minus_zero or abs(value) >= _WHOLE_NUMBERS_OF_FLOATS:
        return value
    return int(value)


def is_unicode(text: str) -> bool:
    """Whether the text can be written as UTF-8: it holds no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spelled(tag: str) -> str:
    return "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag


def shortened(text: str) -> str:
    """At most 40 characters of it, for messages."""
    return text if len(text) <= 40 else text[:37] + "..."
