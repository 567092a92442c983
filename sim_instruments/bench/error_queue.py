"""What a bench instrument has to complain of: its error queue and its event register.

Codes and texts are those of SCPI-1999 (volume 2, 21.8), which Keysight's and Keithley's manuals
repeat in the same words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

ERROR_TEXTS = {
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -121: "Invalid character in number",
    -131: "Invalid suffix",
    -141: "Invalid character data",
    -148: "Character data not allowed",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -200: "Execution error",
    -203: "Command protected",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -225: "Out of memory",
    -230: "Data corrupt or stale",
    -240: "Hardware error",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
}


class Refused(Exception):  # noqa: N818 (what an instrument says to a command; no fault of ours)
    """The instrument does not carry out a command: an error enters its queue.

    Args:
        code: of SCPI-1999, or the instrument's own.
        text: None for the standard's text.
    """

    def __init__(self, code: int, text: str | None = None) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class ErrorQueue:
    """Errors in the order in which they came; the last becomes −350 when there are too many.

    Args:
        capacity: most errors that are kept.
        entry: code and text → what `SYSTem:ERRor?` answers.
        texts: the instrument's own, where they differ from the standard's.
    """

    def __init__(
        self, capacity: int, entry: Callable[[int, str], str], texts: dict[int, str]
    ) -> None:
        self._entries: deque[tuple[int, str]] = deque()
        self._capacity = capacity
        self._entry = entry
        self._texts = ERROR_TEXTS | texts

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, code: int, text: str | None = None) -> None:
        """Queues an error."""
        if len(self._entries) == self._capacity:
            self._entries[-1] = (-350, self._texts[-350])
        else:
            words = self._texts.get(code, "Device-specific error") if text is None else text
            self._entries.append((code, words))

    def next(self) -> str:
        """The oldest, which leaves the queue; code 0 where there is none."""
        return self._entry(*(self._entries.popleft() if self._entries else (0, "No error")))

    def clear(self) -> None:
        """No errors."""
        self._entries.clear()


def event_of(code: int) -> int:
    """The bit of the event register that an error sets (IEEE 488.2, 11.5.1)."""
    if -200 < code <= -100:
        return 1 << 5
    if -300 < code <= -200:
        return 1 << 4
    return 1 << 2 if -500 < code <= -400 else 1 << 3
