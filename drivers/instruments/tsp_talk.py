"""Exchanges with an instrument that runs TSP, and its error queue.

Series 2600B Reference Manual (2600BS-901-01), section "TSP command reference": print(),
printbuffer(), errorqueue, format. Every line is a chunk of its own: the line that asks is run even
where the one before it ended in an error.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.conversation import Conversation
from mgd_lab.errors import InstrumentError, LimitError, LinkError

Float64 = NDArray[np.float64]

_MOST_ERRORS = 100
# −222 and the instrument's own: parameter too big, parameter too small.
_OUT_OF_RANGE = frozenset({-222, 1101, 1102})
_LONGEST_LINE = 1000


class TspTalk:
    """What a driver says and asks.

    Args:
        talk: the conversation.
    """

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk

    def run(self, statements: Sequence[str]) -> None:
        """Sends statements, as many in a line as it takes."""
        line = ""
        for statement in statements:
            if line and len(line) + len(statement) >= _LONGEST_LINE:
                self._talk.tell(line)
                line = ""
            line = f"{line} {statement}".lstrip()
        if line:
            self._talk.tell(line)

    def act(self, statements: Sequence[str], what: str) -> None:
        """Sends statements and has the instrument say in the same exchange whether it took them.

        Raises:
            LimitError: a value was out of its range.
            InstrumentError: it refused something else.
        """
        answer = self._talk.ask(f"{' '.join(statements)}\nprint(errorqueue.count)")
        self._refuse(self._entries(answer), what)

    def ask_and_act(
        self, expressions: Sequence[str], statements: Sequence[str], what: str
    ) -> Sequence[str]:
        """The same; values of expressions before the statements, as text, in that exchange too."""
        names = [f"before_{k}" for k in range(1, len(expressions) + 1)]
        asking = [f"{name} = {each}" for name, each in zip(names, expressions, strict=True)]
        printing = f"print({', '.join((*names, 'errorqueue.count'))})"
        answer = self._talk.ask(f"{' '.join((*asking, *statements))}\n{printing}").split("\t")
        if len(answer) != len(names) + 1:
            raise LinkError(
                f"{self._talk.place}: print() of {len(names) + 1} values gave {len(answer)}"
            )
        self._refuse(self._entries(answer[-1]), what)
        return answer[:-1]

    def refuse(self, what: str) -> None:
        """The same for what was sent before."""
        self._refuse(self.errors(), what)

    def errors(self) -> Sequence[str]:
        """Drains the error queue: number and text of each."""
        return self._entries(self._talk.ask("print(errorqueue.count)"))

    def values(self, *expressions: str) -> Sequence[str]:
        """Their values, as text, in one exchange."""
        answer = self._talk.ask(f"print({', '.join(expressions)})").split("\t")
        if len(answer) != len(expressions):
            raise LinkError(
                f"{self._talk.place}: print() of {len(expressions)} values gave {len(answer)}"
            )
        return answer

    def numbers(self, *expressions: str) -> Sequence[float]:
        """Their values as numbers; InstrumentError where one is none."""
        return [self._number(text) for text in self.values(*expressions)]

    def table(self, buffer: str, count: int, *columns: str) -> Float64:
        """The first entries of a reading buffer, (count, columns), as a block of doubles."""
        names = ", ".join(f"{buffer}.{column}" for column in columns)
        # The line goes back to text whatever comes of the middle of it.
        query = (
            f"format.data = format.REAL64 printbuffer(1, {count}, {names}) "
            "format.data = format.ASCII"
        )
        size = 8 * count * len(columns)
        block = self._talk.ask_block(query, indefinite_bytes=size)
        return np.frombuffer(block, "<f8").reshape(count, len(columns))

    def _entries(self, count: str) -> Sequence[str]:
        waiting = int(self._number(count))
        if waiting > _MOST_ERRORS:
            raise InstrumentError(f"{self._talk.place}: its error queue has {waiting} entries")
        found = [self._talk.ask("print(errorqueue.next())").split("\t") for _ in range(waiting)]
        return [f"{self._number(entry[0]):.0f}, {''.join(entry[1:2])}" for entry in found]

    def _refuse(self, errors: Sequence[str], what: str) -> None:
        if not errors:
            return
        told = f"{self._talk.place}: errors after {what}: {'; '.join(errors)}"
        codes = {int(entry.partition(",")[0]) for entry in errors}
        if _meet(codes, _OUT_OF_RANGE):
            raise LimitError(f"{told}. A value lies beyond what it is configured for")
        raise InstrumentError(told)

    def _number(self, text: str) -> float:
        try:
            return float(text)
        except ValueError as error:
            raise InstrumentError(
                f"{self._talk.place}: it printed {text[:60]!r}, where a number was expected"
            ) from error


def _meet(first: Collection[int], second: Collection[int]) -> bool:
    return any(each in second for each in first)
