"""The SCPI dialect over a VISA session: texts, blocks, and numbered training requests."""

from __future__ import annotations

from typing import NoReturn

from drivers.link import place
from drivers.numbered_link import NumberedLink
from drivers.visa_session import VisaSession
from mgd_lab.chip import ChipDescription
from mgd_lab.errors import ChipBusyError, InstrumentError, LinkError
from mgd_lab.wire import (
    LARGEST_DESCRIPTION_BYTES,
    REPLY_OVERHEAD_BYTES,
    Header,
    Reply,
    Request,
    Status,
    block_extent,
    block_header,
    decode_description,
    decode_reply,
    exchange_message,
    status_text,
)

_MOST_ERRORS = 100
_LARGEST_REQUEST_BYTES = 2**20
_IDENTITY_FIELDS = ("manufacturer", "model", "serial", "firmware")
_LONGEST_BLOCK_HEADER = 11


class ScpiLink(NumberedLink):
    """Requests and replies in step, as `Link` says.

    Args:
        session: the transport.
        name: what messages call the chip.
        sequence: number of the last request; drawn where None, so that a reply of an earlier
            session does not fit by chance.
    """

    def __init__(self, session: VisaSession, name: str, sequence: int | None = None) -> None:
        super().__init__(name, sequence)
        self._session = session
        self._framings: dict[int, tuple[bytes, int]] = {}

    @property
    def address(self) -> str:
        """VISA resource name."""
        return self._session.resource_name

    @property
    def largest_request_bytes(self) -> int:
        """Longer ones are no faster, and VISA libraries may not take them."""
        return _LARGEST_REQUEST_BYTES

    def open(self) -> None:
        """A new session; what an earlier one left unread goes with it."""
        self._session.close()
        self._session.open()
        self._out_of_step = False

    def close(self) -> None:
        """Closes the session."""
        self._out_of_step = True
        self._session.close()

    def restore(self) -> bool:
        """A new session: a reply may still be under way, and only so is it sure not to come."""
        self.open()
        return True

    def identify(self) -> dict[str, str]:
        """manufacturer, model, serial, firmware."""
        answer = self.ask(Header.IDENTITY)
        self._check_use(answer)
        fields = [field.strip() for field in answer.split(",")]
        if len(fields) != len(_IDENTITY_FIELDS) or not fields[0] or not answer.isprintable():
            self._refuse_garbage(Header.IDENTITY, answer.encode())
        self._check_same(Header.IDENTITY, answer, self.ask(Header.IDENTITY))
        return dict(zip(_IDENTITY_FIELDS, fields, strict=True))

    def describe(self) -> ChipDescription:
        """What the chip says of itself."""
        data = self.ask_block(Header.DESCRIPTION)
        self._check_same(Header.DESCRIPTION, data, self.ask_block(Header.DESCRIPTION))
        try:
            return decode_description(data)
        except LinkError:
            self._out_of_step = True
            raise

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
            self._refuse_garbage(header, line, error)
        self._out_of_step = False
        return text

    def ask_block(self, header: Header) -> bytes:
        """The payload of the block that answers a query without arguments."""
        self._begin()
        self._session.write(_short_form(header))
        start = self._session.read(2)
        if start[:1] != b"#" or not b"1" <= start[1:] <= b"9":
            self._refuse_garbage(header, start)
        start += self._session.read(int(start[1:]))
        try:
            extent = block_extent(start, 0, LARGEST_DESCRIPTION_BYTES)
        except LinkError as error:
            self._refuse_garbage(header, start, error)
        length = 0 if extent is None else extent[1] - extent[0]
        data = self._session.read(length + 1)
        if data[-1:] != b"\n":
            self._refuse_garbage(header, data[-_LONGEST_BLOCK_HEADER:])
        self._out_of_step = False
        return data[:-1]

    def learn_epoch(self, known: int | None = None) -> int:
        """Asks for the session epoch that every reply must carry; twice, unless it is `known`."""
        text = self.ask(Header.EPOCH)
        self._check_use(text)
        if text != str(known):
            self._check_same(Header.EPOCH, text, self.ask(Header.EPOCH))
        if not (text.isdecimal() and len(text) <= 10 and int(text) < 2**32):
            self._refuse_garbage(Header.EPOCH, text.encode())
        self._epoch = int(text)
        return self._epoch

    def _check_use(self, answer: str) -> None:
        # An error instead of an identity: a device that is in use says so in this way.
        code, _, text = answer.partition(",")
        if not (code[1:].isdecimal() and text.endswith('"')):
            return
        self._out_of_step = True
        kind = ChipBusyError if "in use" in text else LinkError
        raise kind(f"{place(self._name, self.address)} cannot be used: {answer}")

    def _check_same(self, header: Header, first: str | bytes, second: str | bytes) -> None:
        # They have no checksum, and a limit with a digit changed would look like a limit.
        if first != second:
            self._out_of_step = True
            raise LinkError(
                f"{place(self._name, self.address)}: two answers to {header.value} differ; what "
                "passes is damaged on its way. Check cables, terminators and grounds"
            )

    def take_errors(self) -> list[str]:
        """Empties the instrument's error queue: entries such as `-113,"Undefined header"`."""
        errors: list[str] = []
        for _ in range(_MOST_ERRORS):
            entry = self.ask(Header.NEXT_ERROR)
            code, comma, _ = entry.partition(",")
            if not comma or not code.strip().lstrip("+-").isdecimal():
                self._refuse_garbage(Header.NEXT_ERROR, entry.encode())
            if int(code) == 0:
                return errors
            errors.append(entry)
        raise InstrumentError(
            f"{self._name}: the error queue does not end; its last of {_MOST_ERRORS} entries "
            f"was {errors[-1]}"
        )

    def _refuse_garbage(
        self, header: Header, found: bytes, cause: Exception | None = None
    ) -> NoReturn:
        # What follows the garbage cannot be known.
        self._out_of_step = True
        raise LinkError(
            f"{place(self._name, self.address)} answers garbage to {header.value}: "
            f"{found[:60]!r}. Check that this is the chip and that nothing else talks to it"
        ) from cause

    def _round_trip(self, request: Request, sequence: int, count: int) -> tuple[Reply, str]:
        prefix, length = self._framings.get(count) or self._frame(count)
        self._session.write(exchange_message(request.encode(sequence)))
        data = self._session.read(length)
        if not data.startswith(prefix) or data[-1] != 0x0A:
            raise LinkError(
                f"{self._name}: the reply to request {sequence} is no block of {count} "
                f"results: {data[:40]!r}"
            )
        try:
            reply = decode_reply(data[len(prefix) : -1], sequence, self._epoch, count)
        except LinkError as error:
            raise LinkError(f"{self._name}: {error}") from error
        if reply.status == Status.INVALID_BLOCK_DATA:
            raise LinkError(
                f"{self._name}: the device received request {sequence} damaged, or cannot read it"
            )
        return reply, ""

    def _frame(self, count: int) -> tuple[bytes, int]:
        payload = REPLY_OVERHEAD_BYTES + 8 * count
        prefix = block_header(payload)
        framing = self._framings[count] = prefix, len(prefix) + payload + 1
        return framing

    def _refused(self, status: int, reason: str) -> str:  # noqa: ARG002 (the queue says more)
        return ", ".join(self.take_errors() or [f'{status},"{status_text(status)}"'])


def _short_form(header: Header) -> bytes:
    capitals = "".join(letter for letter in header.value if not letter.islower())
    return capitals.partition("[")[0].removesuffix("?").encode() + b"?\n"
