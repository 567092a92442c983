"""A HiSLIP session of a device, synchronized mode (IVI-6.1, section 3): messages in, messages out.

No I/O. The two channels are served by a thread each: `synchronous` may compute for long, and
`asynchronous` is answered meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mgd_lab.errors import LinkError
from mgd_lab.wire import Status
from mgd_lab.wire.hislip import (
    HEADER_BYTES,
    ErrorCode,
    FatalErrorCode,
    HislipMessage,
    MessageType,
    data_messages,
    decode_size,
    encode_size,
)
from sim_instruments.hislip_locks import Locks
from sim_instruments.message_exchange import MessageExchange, PolledCore
from sim_instruments.scpi_status import MASTER_SUMMARY

LARGEST_MESSAGE = 2**22
"""Bytes of the largest message that the device takes, header included."""
_DEFAULT_LARGEST = 2**20
_SMALLEST_LARGEST = 256
_DELIVERED = 0x01


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for the client, and its channel."""

    message: HislipMessage
    asynchronous: bool = False


class HislipSession:
    """What a client and the device have told each other.

    Args:
        core: the device.
    """

    def __init__(self, core: PolledCore) -> None:
        self._core = core
        self._exchange = MessageExchange(core, has_end=True)
        self._locks = Locks()
        self._clearing = False
        self._asking_service = False
        self._summary = False
        self._client_takes = _DEFAULT_LARGEST

    def synchronous(self, message: HislipMessage) -> Iterator[Outgoing]:
        """What follows from a message on the synchronous channel."""
        match message.kind:
            case MessageType.DATA | MessageType.DATA_END | MessageType.TRIGGER:
                if not self._clearing:
                    yield from self._take(message)
            case MessageType.DEVICE_CLEAR_COMPLETE:
                self._exchange.clear()
                self._clearing = False
                # Whatever mode the client prefers, ours is synchronized.
                yield Outgoing(HislipMessage(MessageType.DEVICE_CLEAR_ACKNOWLEDGE))
            case MessageType.ERROR:
                return
            case _:
                yield Outgoing(_unrecognized(message))

    def asynchronous(self, message: HislipMessage) -> Iterator[Outgoing]:
        """What follows from a message on the asynchronous channel."""
        match message.kind:
            case MessageType.ASYNC_STATUS_QUERY:
                yield _answer(MessageType.ASYNC_STATUS_RESPONSE, self._poll(message))
            case MessageType.ASYNC_DEVICE_CLEAR:
                self._clearing = True
                yield _answer(MessageType.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE)
            case MessageType.ASYNC_MAXIMUM_MESSAGE_SIZE:
                yield self._agree_on_size(message)
            case MessageType.ASYNC_LOCK:
                yield _answer(MessageType.ASYNC_LOCK_RESPONSE, self._locks.change(message))
            case MessageType.ASYNC_LOCK_INFO:
                yield _answer(
                    MessageType.ASYNC_LOCK_INFO_RESPONSE, self._locks.exclusive, self._locks.clients
                )
            case MessageType.ASYNC_REMOTE_LOCAL_CONTROL:
                yield _answer(MessageType.ASYNC_REMOTE_LOCAL_RESPONSE)
            case MessageType.ERROR:
                return
            case _:
                yield Outgoing(_unrecognized(message), asynchronous=True)

    def too_large(self, kind: int, size: int) -> HislipMessage:
        """The answer to a message that was passed over, and what it began is dropped."""
        reason = f"a HiSLIP message of {size} bytes; the most accepted is {LARGEST_MESSAGE}"
        if kind in (MessageType.DATA, MessageType.DATA_END):
            self._exchange.clear()
            self._core.overrun(reason)
        return HislipMessage(MessageType.ERROR, ErrorCode.MESSAGE_TOO_LARGE, 0, reason.encode())

    def not_taken(self, reason: str) -> None:
        """The client does not read what is sent to it."""
        self._core.report(Status.QUERY_DEADLOCKED, reason)

    def _take(self, message: HislipMessage) -> Iterator[Outgoing]:
        if message.control & _DELIVERED:
            self._exchange.delivered()
        interrupted = self._exchange.write(message.payload, end=message.kind != MessageType.DATA)
        if message.kind == MessageType.TRIGGER:
            self._core.report(Status.TRIGGER_IGNORED)
        # A device clear that came meanwhile wins: no response of before it may be sent.
        if self._clearing:
            return
        if interrupted:
            yield Outgoing(HislipMessage(MessageType.INTERRUPTED, 0, message.parameter))
            yield _answer(MessageType.ASYNC_INTERRUPTED, 0, message.parameter)
        yield from self._service_request()
        response = self._exchange.peek()
        if response:
            for part in data_messages(response, message.parameter, self._client_takes):
                yield Outgoing(part)

    def _service_request(self) -> Iterator[Outgoing]:
        byte = self._exchange.status_byte
        wanted = bool(byte & MASTER_SUMMARY)
        if wanted and not self._summary:
            self._asking_service = True
            yield _answer(MessageType.ASYNC_SERVICE_REQUEST, byte)
        self._summary = wanted

    def _poll(self, message: HislipMessage) -> int:
        if message.control & _DELIVERED:
            self._exchange.delivered()
        byte = self._exchange.status_byte & ~MASTER_SUMMARY
        asked, self._asking_service = self._asking_service, False
        return byte | (MASTER_SUMMARY if asked else 0)

    def _agree_on_size(self, message: HislipMessage) -> Outgoing:
        try:
            size = decode_size(message.payload)
        except LinkError as error:
            return Outgoing(error_message(ErrorCode.UNIDENTIFIED, str(error)), asynchronous=True)
        if size < _SMALLEST_LARGEST:
            reason = (
                f"a maximum message size of {size} bytes; it may be {_SMALLEST_LARGEST} or more"
            )
            return Outgoing(error_message(ErrorCode.UNIDENTIFIED, reason), asynchronous=True)
        self._client_takes = size
        kind = MessageType.ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE
        return Outgoing(
            HislipMessage(kind, payload=encode_size(LARGEST_MESSAGE)), asynchronous=True
        )


def error_message(code: ErrorCode, reason: str) -> HislipMessage:
    """Tells the client of a message that was ignored."""
    return HislipMessage(MessageType.ERROR, code, 0, reason.encode())


def fatal_message(code: FatalErrorCode, reason: str) -> HislipMessage:
    """Tells the client why the session ends."""
    return HislipMessage(MessageType.FATAL_ERROR, code, 0, reason.encode())


def largest_payload(kind: int) -> int:
    """Most bytes of payload that are kept of a message of this type."""
    data = (MessageType.DATA, MessageType.DATA_END)
    return LARGEST_MESSAGE - HEADER_BYTES if kind in data else _SMALLEST_LARGEST


def _answer(kind: MessageType, control: int = 0, parameter: int = 0) -> Outgoing:
    return Outgoing(HislipMessage(kind, control, parameter), asynchronous=True)


def _unrecognized(message: HislipMessage) -> HislipMessage:
    code = ErrorCode.UNRECOGNIZED_TYPE if message.kind < 128 else _VENDOR
    return error_message(code, f"message type {message.kind} is not known on this channel")


_VENDOR = ErrorCode.UNRECOGNIZED_VENDOR_MESSAGE
