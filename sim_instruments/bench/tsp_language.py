"""The part of TSP's language, a Lua 5.0, that test programs for bench instruments need.

Assignments, calls, numeric `for`, numbers, strings, tables and + − * /. Text becomes statements
that run in a scope; nothing else can be said with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Table(dict[int, "Value"]):
    """A Lua table with whole numbers as keys."""


@dataclass(frozen=True)
class Reference:
    """Something that an instrument has under a name, a reading buffer for example."""

    name: str


Value = float | str | bool | None | Table | Reference
Path = tuple[str | int, ...]


class Scope(Protocol):
    """What names mean."""

    def read(self, path: Path) -> Value:
        """The value of a name."""
        ...

    def write(self, path: Path, value: Value) -> None:
        """Assigns to a name."""
        ...

    def call(self, path: Path, arguments: Sequence[Value]) -> Sequence[Value]:
        """Calls a function; its results."""
        ...


Expression = Callable[[Scope], Sequence[Value]]
Statement = Callable[[Scope], None]


class TspError(Exception):
    """A program that is wrong.

    Args:
        code: −285 of its text, −286 while it runs, or the instrument's own.
        text: as the instrument words it.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


def runtime_error(text: str) -> TspError:
    """An error of a program that runs."""
    return TspError(-286, f"TSP Runtime error at line 1: {text}")


def parsed(text: str) -> Sequence[Statement]:
    """The statements of a chunk; TspError where it is none."""
    parser = _Parser(text)
    block = parser.block()
    parser.expect_end()
    return block


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        line = 1
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup or "other"
            if kind != "space":
                self._tokens.append((kind, match[0], line))
            line += match[0].count("\n")
        self._tokens.append(("end", "<eof>", line))
        self._at = 0

    def expect_end(self) -> None:
        if self._kind != "end":
            raise self._wrong()

    def block(self) -> list[Statement]:
        statements: list[Statement] = []
        while self._kind != "end" and self._text != "end":
            statements.append(self._statement())
            self._accept(";")
        return statements

    @property
    def _kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def _text(self) -> str:
        return self._tokens[self._at][1]

    def _wrong(self) -> TspError:
        return _unexpected(self._text, self._tokens[self._at][2])

    def _next(self) -> str:
        text = self._text
        self._at += 1
        return text

    def _accept(self, text: str) -> bool:
        if self._text != text or self._kind == "string":
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._wrong()

    def _name(self) -> str:
        if self._kind != "name" or self._text in _KEYWORDS:
            raise self._wrong()
        return self._next()

    def _statement(self) -> Statement:
        if self._accept("for"):
            return self._loop()
        path = self._path()
        if self._text == "(":
            arguments = self._arguments()
            return lambda scope: _run(scope, path, arguments)
        self._expect("=")
        value = self._expression()
        return lambda scope: scope.write(_found(scope, path), _first(value(scope)))

    def _loop(self) -> Statement:
        name = self._name()
        self._expect("=")
        first = self._expression()
        self._expect(",")
        last = self._expression()
        self._expect("do")
        body = self.block()
        self._expect("end")

        def run(scope: Scope) -> None:
            k, end = _number(_first(first(scope))), _number(_first(last(scope)))
            while k <= end:
                scope.write((name,), k)
                for statement in body:
                    statement(scope)
                k += 1.0

        return run

    def _path(self) -> list[str | Expression]:
        path: list[str | Expression] = [self._name()]
        while True:
            if self._accept("."):
                path.append(self._name())
            elif self._accept("["):
                path.append(self._expression())
                self._expect("]")
            else:
                return path

    def _arguments(self) -> Expression:
        self._expect("(")
        return self._list(")")

    def _list(self, end: str) -> Expression:
        items: list[Expression] = []
        while not self._accept(end):
            if items:
                self._expect(",")
            items.append(self._expression())

        def values(scope: Scope) -> Sequence[Value]:
            found = [item(scope) for item in items]
            # All results of the last one, the first of each of the others.
            return [*(_first(each) for each in found[:-1]), *(found[-1] if found else ())]

        return values

    def _expression(self) -> Expression:
        return self._binary(self._term, "+-")

    def _term(self) -> Expression:
        return self._binary(self._factor, "*/")

    def _binary(self, operand: Callable[[], Expression], operators: str) -> Expression:
        left = operand()
        while self._kind == "symbol" and self._text in operators:
            left = _arithmetic(self._next(), left, operand())
        return left

    def _factor(self) -> Expression:
        if self._accept("-"):
            operand = self._factor()
            return lambda scope: (-_number(_first(operand(scope))),)
        if self._accept("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if self._accept("{"):
            items = self._list("}")
            return lambda scope: (Table(enumerate(items(scope), 1)),)
        kind, text = self._kind, self._text
        if kind == "number":
            return _constant(float(self._next()))
        if kind == "string":
            return _constant(self._next()[1:-1])
        if kind == "name" and text in _CONSTANTS:
            return _constant(_CONSTANTS[self._next()])
        path = self._path()
        if self._text != "(":
            return lambda scope: (scope.read(_found(scope, path)),)
        arguments = self._arguments()
        return lambda scope: scope.call(_found(scope, path), arguments(scope))


def _run(scope: Scope, path: list[str | Expression], arguments: Expression) -> None:
    scope.call(_found(scope, path), arguments(scope))


def _found(scope: Scope, path: list[str | Expression]) -> Path:
    return tuple(
        part if isinstance(part, str) else int(_number(_first(part(scope)))) for part in path
    )


def _arithmetic(operator: str, left: Expression, right: Expression) -> Expression:
    def value(scope: Scope) -> Sequence[Value]:
        first, second = _number(_first(left(scope))), _number(_first(right(scope)))
        if operator == "+":
            return (first + second,)
        if operator == "-":
            return (first - second,)
        if operator == "*":
            return (first * second,)
        if second == 0:
            return (float("nan") if first == 0 else first * float("inf"),)
        return (first / second,)

    return value


def _constant(value: Value) -> Expression:
    return lambda _: (value,)


def _first(values: Sequence[Value]) -> Value:
    return values[0] if values else None


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, float):
        raise runtime_error("attempt to perform arithmetic on a value that is no number")
    return value


def _unexpected(text: str, line: int) -> TspError:
    return TspError(-285, f"TSP Syntax error at line {line}: unexpected symbol near `{text}'")


_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "nil": None}
_KEYWORDS = frozenset({"for", "do", "end", "if", "then", "while", "function", "local", "return"})
_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<string>"[^"\n]*"|'[^'\n]*')
    |(?P<symbol>[=+*/(){}\[\],.;-])
    |(?P<other>.)""",
    re.VERBOSE,
)
