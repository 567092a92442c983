"""Text commands and their answers, one exchange at a time, over one VISA session.

Bench instruments number nothing. After an exchange that failed, its answer may still come and look
like that of the next question: the conversation is then over until it is opened anew.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.link import place
from drivers.visa_session import VisaSession
from mgd_lab.errors import InstrumentError, LinkError, MeasurementError

Float64 = NDArray[np.float64]

_OVERFLOW = 9e36


class Conversation:
    """Commands and queries to one instrument.

    Args:
        library: what `pyvisa.ResourceManager` takes.
        resource: VISA resource name.
        timeout_seconds: of one operation.
        name: what messages call the instrument.
        termination: ends every message to the instrument.

    Methods raise LinkError; after one, every method but `open` and `close` raises it.
    """

    def __init__(
        self,
        library: Any,
        resource: str,
        timeout_seconds: float,
        name: str,
        termination: bytes = b"\n",
    ) -> None:
        self._session = VisaSession(library, resource, timeout_seconds, name)
        self._name = name
        self._resource = resource
        self._end = termination
        self._turn = threading.Lock()
        self._in_step = False

    @property
    def place(self) -> str:
        """What messages call the instrument, with its resource."""
        return place(self._name, self._resource)

    def open(self) -> None:
        """A new session; what an earlier one left unread goes with it."""
        self._session.close()
        self._session.open()
        self._in_step = True

    def close(self) -> None:
        """Closes the session; calling it again does nothing."""
        self._in_step = False
        self._session.close()

    def tell(self, command: str, block: bytes | None = None) -> None:
        """Sends a command that has no answer, with a block of bytes behind it where given."""
        message = command.encode("ascii")
        if block is not None:
            digits = str(len(block))
            message += b"#%d%b%b" % (len(digits), digits.encode(), block)
        with self._turn:
            self._exchange(message, None)

    def ask(self, query: str) -> str:
        """Sends a query; its answer, one line of text without white space around it."""
        with self._turn:
            return self._exchange(query.encode("ascii"), "line").decode("latin-1").strip()

    def ask_block(self, query: str, *, indefinite_bytes: int | None = None) -> bytes:
        """Sends a query whose answer is a block (IEEE 488.2, 8.7.9); its payload.

        A block of indefinite length (#0) has no end on a socket: `indefinite_bytes` says how long
        it must be, and another length is a LinkError.
        """
        with self._turn:
            return self._exchange(query.encode("ascii"), indefinite_bytes or "block")

    def ask_number(self, query: str) -> float:
        """The answer as a number; InstrumentError where it is none."""
        return self._numbers(query, self.ask(query), 1)[0]

    def ask_numbers(self, query: str, count: int) -> Sequence[float]:
        """Exactly `count` numbers between commas."""
        return self._numbers(query, self.ask(query), count)

    def readings(self, values: Sequence[float] | Float64, what: str) -> Float64:
        """Numbers as readings; MeasurementError for overflow sentinels and what is no number."""
        found = np.array(values, np.float64)
        wrong = np.flatnonzero(~(np.abs(found) < _OVERFLOW))
        if len(wrong):
            k = int(wrong[0])
            told = "no number" if math.isnan(found[k]) else "an overflow"
            raise MeasurementError(
                f"{self.place}: reading {k} of {what} is {found[k]:g}, {told}. Choose a larger "
                "range, or check the wiring"
            )
        return found

    def _numbers(self, query: str, answer: str, count: int) -> Sequence[float]:
        parts = answer.split(",")
        try:
            numbers = [float(part) for part in parts]
        except ValueError as error:
            raise InstrumentError(
                f"{self.place}: {query} was answered by {answer[:60]!r}, which is no number"
            ) from error
        if len(numbers) != count:
            self._in_step = False
            raise LinkError(
                f"{self.place}: {query} was answered by {len(numbers)} numbers; {count} were "
                "expected"
            )
        return numbers

    def _exchange(self, message: bytes, answer: str | int | None) -> bytes:
        if not self._in_step:
            raise LinkError(
                f"{self.place}: the link is not open, or out of step after a fault; an answer that "
                "comes late could be taken for that of a later question. Open it anew"
            )
        # Until the answer has been read whole, whatever happens leaves the link out of step.
        self._in_step = False
        self._session.write(message + self._end)
        if answer == "line":
            found = self._session.read_line()
            if not found:
                raise self._session.no_answer()
        elif answer == "block":
            found = self._definite_block(message)
        elif isinstance(answer, int):
            found = self._indefinite_block(message, answer)
        else:
            found = b""
        self._in_step = True
        return found

    def _definite_block(self, query: bytes) -> bytes:
        head = self._session.read(2)
        digits = head[1:2]
        if head[:1] != b"#" or not digits.isdigit() or digits == b"0":
            raise LinkError(f"{self.place}: {query[:40]!r} was answered by {head!r}…, no block")
        length = self._session.read(int(digits))
        if not length.isdigit():
            raise LinkError(f"{self.place}: {length!r} is no length of a block")
        block = self._session.read(int(length))
        self._read_end(query)
        return block

    def _indefinite_block(self, query: bytes, length: int) -> bytes:
        head = self._session.read(2)
        if head != b"#0":
            raise LinkError(f"{self.place}: {query[:40]!r} was answered by {head!r}…, not by #0")
        block = self._session.read(length)
        self._read_end(query)
        return block

    def _read_end(self, query: bytes) -> None:
        end = self._session.read_line()
        if end:
            raise LinkError(
                f"{self.place}: {query[:40]!r} was answered by more than its block: {end[:40]!r}"
            )
