"""A command or query as its handler sees it, and its arguments read as the header wants them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sim_instruments.bench.error_queue import Refused

T = TypeVar("T")

_LARGEST = 9.9e37


@dataclass(frozen=True)
class Call:
    """One command or query.

    Attributes:
        header: as it was sent, in capitals.
        suffixes: numbers of its nodes with `<n>`, 1 where none was sent.
        arguments: text, or the bytes of a block.

    Methods raise Refused with the standard's code where an argument is not what they read.
    """

    header: str
    suffixes: tuple[int, ...]
    arguments: tuple[str | bytes, ...]

    def __len__(self) -> int:
        return len(self.arguments)

    def word(self, k: int = 0) -> str:
        """Argument k as text, in capitals."""
        return self._text(k).upper()

    def string(self, k: int = 0) -> str:
        """Argument k, which stands in quotes, without them."""
        text = self._text(k)
        if len(text) < 2 or text[0] not in "\"'" or text[-1] != text[0]:
            raise Refused(-151)
        return text[1:-1]

    def block(self, k: int = 0) -> bytes:
        """The bytes of argument k."""
        if k >= len(self.arguments):
            raise Refused(-109)
        argument = self.arguments[k]
        if isinstance(argument, str):
            raise Refused(-161)
        return argument

    def number(
        self,
        k: int = 0,
        low: float = -_LARGEST,
        high: float = _LARGEST,
        names: Mapping[str, float] | None = None,
    ) -> float:
        """Argument k as a number from `low` to `high`, −222 beyond.

        MINimum and MAXimum are the edges; `names` gives others, in mixed case ("DEFault").
        """
        text = self.word(k)
        match = _NUMBER.fullmatch(text)
        if match is None:
            if text[:1].isdigit() or text[:1] in "+-.":
                raise Refused(-121)
            named = {"MINimum": low, "MAXimum": high} | dict(names or {})
            return named[self.choice(k, named)]
        suffix = match[2]
        if suffix and suffix not in _UNITS:
            raise Refused(-131)
        value = float(match[1]) * _UNITS.get(suffix, 1.0)
        if not low <= value <= high or math.isinf(value):
            raise Refused(-222)
        return value

    def whole(self, k: int = 0, low: int = 0, high: int = 2**31, **names: int) -> int:
        """Argument k as a whole number, rounded as IEEE 488.2 wants it."""
        return math.floor(self.number(k, low, high, names) + 0.5)

    def numbers(
        self, first: int = 0, low: float = -_LARGEST, high: float = _LARGEST
    ) -> list[float]:
        """All arguments from `first` on, as numbers."""
        if first >= len(self.arguments):
            raise Refused(-109)
        return [self.number(k, low, high) for k in range(first, len(self.arguments))]

    def on(self, k: int = 0) -> bool:
        """ON, OFF, or a number that is 0 or not."""
        if self.word(k) in ("ON", "OFF"):
            return self.word(k) == "ON"
        return self.whole(k, -32768, 32767) != 0

    def choice(self, k: int, names: Iterable[str]) -> str:
        """The one of `names`, in mixed case ("IMMediate"), that argument k is; −224 if none."""
        text = self.word(k)
        for name in names:
            if text in (short(name), name.upper()):
                return name
        raise Refused(-224)

    def _text(self, k: int) -> str:
        if k >= len(self.arguments) or self.arguments[k] == "":
            raise Refused(-109)
        argument = self.arguments[k]
        if isinstance(argument, bytes):
            raise Refused(-168)
        return argument


def short(name: str) -> str:
    """The short form of a mnemonic in mixed case: its capitals, digits and signs."""
    return "".join(letter for letter in name if not letter.islower())


_UNITS = {
    "V": 1.0, "MV": 1e-3, "UV": 1e-6, "A": 1.0, "MA": 1e-3, "UA": 1e-6, "NA": 1e-9,
    "S": 1.0, "MS": 1e-3, "US": 1e-6, "NS": 1e-9, "HZ": 1.0, "KHZ": 1e3, "MHZ": 1e6, "OHM": 1.0,
    "VPP": 1.0,
}  # fmt: skip
_NUMBER = re.compile(r"([+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:E[+-]?[0-9]++)?+)\s*([A-Z]*)")
