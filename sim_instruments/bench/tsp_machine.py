"""Runs TSP programs on a table of what an instrument has: attributes, functions, constants."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim_instruments.bench.tsp_language import (
    Path,
    Reference,
    Table,
    TspError,
    Value,
    parsed,
    runtime_error,
)

Function = Callable[[Sequence[Value]], Sequence[Value]]

_FORMATS = {
    "ASCII": 1.0, "SREAL": 2.0, "REAL32": 2.0, "REAL": 3.0, "REAL64": 3.0,
}  # fmt: skip
_ORDERS = {"NORMAL": 0.0, "NETWORK": 0.0, "BIGENDIAN": 0.0, "SWAPPED": 1.0, "LITTLEENDIAN": 1.0}


@dataclass(frozen=True)
class Attribute:
    """Something with a value; `write` is None where it can only be read."""

    read: Callable[[], Value]
    write: Callable[[Value], None] | None = None


class TspMachine:
    """Names of an instrument, and what programs make of them.

    Attributes:
        output: what was printed since it was emptied last.
    """

    def __init__(self) -> None:
        self.output = b""
        self._attributes: dict[str, Attribute] = {}
        self._functions: dict[str, Function] = {}
        self._objects: dict[str, Callable[[int, int], Sequence[float]]] = {}
        self._globals: dict[str, Value] = {}
        self._resets: list[Callable[[], None]] = []
        self._numbers: dict[str, float] = {}
        self.function("print", self._print)
        self.function("printbuffer", self._print_buffers)
        self.number("format.asciiprecision", 6, 0, 16)
        self.number("format.data", 1, 1, 3)
        self.number("format.byteorder", 0, 0, 1)
        self.constants("format", _FORMATS | _ORDERS)

    def run(self, text: str) -> None:
        """A chunk; TspError."""
        for statement in parsed(text):
            statement(self)

    def reset(self) -> None:
        """Every number as the manual's reset leaves it; global variables stay."""
        for reset in self._resets:
            reset()

    def attribute(self, name: str, attribute: Attribute) -> None:
        """Adds an attribute."""
        self._attributes[name] = attribute

    def function(self, name: str, function: Function) -> None:
        """Adds a function."""
        self._functions[name] = function

    def constants(self, owner: str, values: dict[str, float]) -> None:
        """Adds constants of an object."""
        for name, value in values.items():
            self._attributes[f"{owner}.{name}"] = Attribute(lambda v=value: v)

    def printable(self, name: str, entries: Callable[[int, int], Sequence[float]]) -> None:
        """Adds what printbuffer() prints: its entries from one to another, counted from 1."""
        self._objects[name] = entries

    def number(
        self,
        name: str,
        default: float,
        low: float,
        high: float,
        assigned: Callable[[float], None] | None = None,
    ) -> None:
        """Adds a number from `low` to `high`."""

        def write(value: Value) -> None:
            self._numbers[name] = checked(value, low, high)
            if assigned is not None:
                assigned(self._numbers[name])

        def reset() -> None:
            self._numbers[name] = float(default)

        reset()
        self._resets.append(reset)
        self._attributes[name] = Attribute(lambda: self._numbers[name], write)

    def get(self, name: str) -> float:
        """A number that was added."""
        return self._numbers[name]

    def set(self, name: str, value: float) -> None:
        """What the instrument changes by itself."""
        self._numbers[name] = value

    def read(self, path: Path) -> Value:
        """The value of a name; nil where an object has no such attribute."""
        name = _spelled(path)
        attribute = self._attributes.get(name)
        if attribute is not None:
            return attribute.read()
        if path[0] in self._globals:
            return self._element(path)
        if name in self._objects or f"{name}.readings" in self._objects:
            return Reference(name)
        if len(path) > 1:
            self._need_owner(path)
        return None

    def write(self, path: Path, value: Value) -> None:
        """Assigns to an attribute, or to a global variable."""
        attribute = self._attributes.get(_spelled(path))
        if attribute is not None:
            if attribute.write is None:
                raise runtime_error(f"attribute `{_spelled(path)}' is read-only")
            attribute.write(value)
        elif len(path) == 1 and isinstance(path[0], str):
            self._globals[path[0]] = value
        elif len(path) == 2 and isinstance(path[1], int):
            table = self._globals.get(str(path[0]))
            if not isinstance(table, Table):
                raise runtime_error(f"attempt to index global `{path[0]}' (a nil value)")
            table[path[1]] = value
        else:
            self._need_owner(path)
            raise runtime_error(f"attempt to write unknown attribute `{_spelled(path)}'")

    def call(self, path: Path, arguments: Sequence[Value]) -> Sequence[Value]:
        """Calls a function of the instrument."""
        function = self._functions.get(_spelled(path))
        if function is None:
            if len(path) > 1:
                self._need_owner(path)
            kind, name = ("field" if len(path) > 1 else "global"), path[len(path) - 1]
            raise runtime_error(f"attempt to call {kind} `{name}' (a nil value)")
        return function(arguments)

    def _element(self, path: Path) -> Value:
        value = self._globals[str(path[0])]
        for key in path[1:]:
            if not isinstance(value, Table):
                raise runtime_error(f"attempt to index global `{path[0]}' (a nil value)")
            value = value.get(key) if isinstance(key, int) else None
        return value

    def _need_owner(self, path: Path) -> None:
        """An error where what should have the last name is not there."""
        names = (*self._attributes, *self._functions, *self._objects)
        for length in range(1, len(path)):
            owner = _spelled(path[:length])
            if not any(name.startswith((f"{owner}.", f"{owner}[")) for name in names):
                kind = "global" if length == 1 else "field"
                raise runtime_error(f"attempt to index {kind} `{path[length - 1]}' (a nil value)")

    def _print(self, values: Sequence[Value]) -> Sequence[Value]:
        self.output += "\t".join(self._text(value) for value in values).encode("latin-1") + b"\n"
        return ()

    def _text(self, value: Value) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return f"{value:.{max(0, int(self.get('format.asciiprecision')) - 1)}e}"
        if value is None:
            return "nil"
        return value if isinstance(value, str) else f"table: {id(value):08x}"

    def _print_buffers(self, values: Sequence[Value]) -> Sequence[Value]:
        if len(values) < 3:
            raise TspError(-109, "Missing parameter")
        first, last = (int(checked(value, 1, 1e6)) for value in values[:2])
        columns = [self._entries(value, first, last) for value in values[2:]]
        numbers = [number for row in zip(*columns, strict=True) for number in row]
        form = self.get("format.data")
        if form == _FORMATS["ASCII"]:
            self.output += ", ".join(self._text(number) for number in numbers).encode() + b"\n"
        else:
            order = ">" if self.get("format.byteorder") == 0 else "<"
            letter = "f" if form == _FORMATS["REAL32"] else "d"
            self.output += b"#0" + struct.pack(f"{order}{len(numbers)}{letter}", *numbers) + b"\n"
        return ()

    def _entries(self, value: Value, first: int, last: int) -> Sequence[float]:
        if not isinstance(value, Reference):
            raise runtime_error("reading buffer expected")
        name = value.name if value.name in self._objects else f"{value.name}.readings"
        found = self._objects[name](first, last)
        if len(found) != last - first + 1:
            raise TspError(1106, "Index out of range")
        return found


def checked(value: Value, low: float, high: float) -> float:
    """A number from `low` to `high`; TspError beyond."""
    if isinstance(value, bool) or not isinstance(value, float):
        raise TspError(1108, "Parameter wrong type")
    if value > high:
        raise TspError(1101, "Parameter too big")
    if value < low:
        raise TspError(1102, "Parameter too small")
    return value


def _spelled(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]
