"""The SCPI dialect over a VISA session: texts, blocks, and numbered training requests."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from drivers.visa_session import VisaSession
from mgd_lab.errors import InstrumentError, LinkError
from mgd_lab.wire import (
    LARGEST_DESCRIPTION_BYTES,
    REPLY_OVERHEAD_BYTES,
    Header,
    Request,
    block_extent,
    block_header,
    decode_reply,
    exchange_message,
    status_text,
)

_MOST_ERRORS = 100
_WHAT_NEXT = "It was not used; open the chip again to go on"
_LONGEST_BLOCK_HEADER = 11


class ScpiLink:
    """Requests and replies in step.

    A request that was sent and whose reply was not read and checked leaves the link out of step:
    from then on it refuses requests, until it is opened again. So a reply that comes late can
    never be taken for that of a later request.

    Args:
        session: the transport.
        name: what messages call the chip.
        sequence: number of the last request; drawn where None, so that a reply of an earlier
            session does not fit by chance.
    """

    def __init__(self, session: VisaSession, name: str, sequence: int | None = None) -> None:
        self._session = session
        self._name = name
        drawn = int.from_bytes(os.urandom(4), "little")
        self._sequence = drawn if sequence is None else sequence
        self._epoch = 0
        self._out_of_step = True
        self._framings: dict[int, tuple[bytes, int]] = {}

    @property
    def out_of_step(self) -> bool:
        """Whether the link must be opened again before it is of use."""
        return self._out_of_step

    def open(self) -> None:
        """A new session; what an earlier one left unread goes with it."""
        self._session.close()
        self._session.open()
        self._out_of_step = False

    def close(self) -> None:
        """Closes the session."""
        self._out_of_step = True
        self._session.close()

    def ask(self, header: Header) -> str:
        """The answer, one line, to a query without arguments."""
        self._begin()
        self._session.write(_short_form(header))
        line = self._session.read_line()
        if not line:
            raise self._session.no_answer()
        try:
            text = line.decode("ascii")
        except UnicodeDecodeError as error:
            raise self.garbage(header, line) from error
        self._out_of_step = False
        return text

    def ask_block(self, header: Header) -> bytes:
        """The payload of the block that answers a query without arguments."""
        self._begin()
        self._session.write(_short_form(header))
        start = self._session.read(2)
        if start[:1] != b"#" or not b"1" <= start[1:] <= b"9":
            raise self.garbage(header, start)
        start += self._session.read(int(start[1:]))
        try:
            extent = block_extent(start, 0, LARGEST_DESCRIPTION_BYTES)
        except LinkError as error:
            raise self.garbage(header, start) from error
        length = 0 if extent is None else extent[1] - extent[0]
        data = self._session.read(length + 1)
        if data[-1:] != b"\n":
            raise self.garbage(header, data[-_LONGEST_BLOCK_HEADER:])
        self._out_of_step = False
        return data[:-1]

    def learn_epoch(self) -> None:
        """Asks for the session epoch that every reply must carry."""
        text = self.ask(Header.EPOCH)
        if not (text.isdecimal() and len(text) <= 10 and int(text) < 2**32):
            raise self.garbage(Header.EPOCH, text.encode())
        self._epoch = int(text)

    def take_errors(self) -> list[str]:
        """Empties the instrument's error queue: entries such as `-113,"Undefined header"`."""
        errors: list[str] = []
        for _ in range(_MOST_ERRORS):
            entry = self.ask(Header.NEXT_ERROR)
            code, comma, _ = entry.partition(",")
            if not comma or not code.strip().lstrip("+-").isdecimal():
                raise self.garbage(Header.NEXT_ERROR, entry.encode())
            if int(code) == 0:
                return errors
            errors.append(entry)
        raise InstrumentError(
            f"{self._name}: the error queue does not end; its last of {_MOST_ERRORS} entries "
            f"was {errors[-1]}"
        )

    def check_errors(self, after: str) -> None:
        """InstrumentError where the instrument has queued errors."""
        errors = self.take_errors()
        if errors:
            raise InstrumentError(
                f"{self._name}: after {after}, the chip reports " + ", ".join(errors)
            )

    def exchange(self, request: Request, count: int) -> NDArray[np.float64]:
        """One training request and the `count` results that it asks for.

        Raises:
            InstrumentError: the chip refused; the link is still in step.
            LinkError: no reply, or none that can be trusted; the link is out of step.
        """
        self._begin()
        sequence = self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        prefix, length = self._framings.get(count) or self._frame(count)
        self._session.write(exchange_message(request.encode(sequence)))
        data = self._session.read(length)
        if not data.startswith(prefix) or data[-1] != 0x0A:
            raise LinkError(
                f"{self._name}: the reply to request {sequence} is no block of {count} results: "
                f"{data[:40]!r}. {_WHAT_NEXT}"
            )
        try:
            reply = decode_reply(data[len(prefix) : -1], sequence, self._epoch, count)
        except LinkError as error:
            raise LinkError(f"{self._name}: {error}. {_WHAT_NEXT}") from error
        self._out_of_step = False
        if reply.status:
            raise self._refusal(request, reply.status)
        return reply.results

    def garbage(self, header: Header, found: bytes) -> LinkError:
        """The error for an answer that cannot be."""
        return LinkError(
            f"{self._name} answers garbage to {header.value}: {found[:60]!r}. Check that the "
            "resource is the chip's and that nothing else talks to it"
        )

    def _begin(self) -> None:
        if self._out_of_step:
            raise LinkError(
                f"{self._name}: an earlier exchange failed, so the next reply could be that of "
                "another request; open the chip again to go on"
            )
        self._out_of_step = True

    def _frame(self, count: int) -> tuple[bytes, int]:
        payload = REPLY_OVERHEAD_BYTES + 8 * count
        prefix = block_header(payload)
        framing = self._framings[count] = prefix, len(prefix) + payload + 1
        return framing

    def _refusal(self, request: Request, status: int) -> InstrumentError:
        errors = self.take_errors() or [f'{status},"{status_text(status)}"']
        return InstrumentError(
            f"{self._name}: the chip refused {request.opcode.name}: " + ", ".join(errors)
        )


def _short_form(header: Header) -> bytes:
    capitals = "".join(letter for letter in header.value if not letter.islower())
    return capitals.partition("[")[0].removesuffix("?").encode() + b"?\n"
