"""Headers of an instrument: short or long, optional nodes, numbers behind nodes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sim_instruments.bench.scpi_call import Call, short

Answer = str | bytes | None
Act = Callable[[Call], Answer]


@dataclass(frozen=True)
class Entry:
    """What is done at one header.

    Attributes:
        act: gives the answer of a query, None of a command.
        most: most arguments that it takes.
    """

    act: Act
    most: int


class HeaderTable:
    """Headers as manuals write them: `[SENSe:]VOLTage[:DC]:NPLC`, `OUTPut<n>[:STATe]?`."""

    def __init__(self) -> None:
        self._patterns: list[tuple[re.Pattern[str], Entry]] = []
        self._found: dict[str, tuple[Entry, tuple[int, ...]]] = {}

    def add(self, header: str, entry: Entry) -> None:
        """A header that comes again replaces the one before it."""
        self._patterns.insert(0, (re.compile(_expression(header)), entry))
        self._found.clear()

    def find(self, header: str) -> tuple[Entry, tuple[int, ...]] | None:
        """What stands for a header in capitals, whole, and its numbers; None: it is undefined."""
        found = self._found.get(header)
        if found is not None:
            return found
        for pattern, entry in self._patterns:
            match = pattern.fullmatch(header)
            if match is not None:
                numbers = tuple(int(number or 1) for number in match.groups())
                self._found[header] = entry, numbers
                return entry, numbers
        return None


def _expression(header: str) -> str:
    if header.startswith("*"):
        return re.escape(header.upper())
    query = r"\?" if header.endswith("?") else ""
    whole = ""
    for optional, name, number in _NODE.findall(header.removesuffix("?")):
        capitals = short(name)
        rest = name.upper().removeprefix(capitals)
        node = f":{capitals}(?:{rest})?" if rest else f":{capitals}"
        node += "([0-9]{0,4})" if number else ""
        whole += f"(?:{node})?" if optional else node
    return whole + query


_NODE = re.compile(r"(\[?):?([A-Za-z][A-Za-z0-9_]*)(<n>)?:?\]?")
