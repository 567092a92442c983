"""A device behind HiSLIP (VISA: `TCPIP::host::hislip0,port::INSTR`): two connections a session."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field

from mgd_lab.errors import LinkError
from mgd_lab.wire.hislip import (
    HEADER_BYTES,
    FatalErrorCode,
    HislipMessage,
    MessageHeader,
    MessageType,
    decode_header,
)
from sim_instruments.hislip_session import (
    HislipSession,
    Outgoing,
    fatal_message,
    largest_payload,
)
from sim_instruments.message_exchange import PolledCore
from sim_instruments.occupancy import Occupancy
from sim_instruments.tcp_connection import TcpConnection
from sim_instruments.tcp_listener import TcpListener
from sim_instruments.watchdog import Watchdog

_SUB_ADDRESS = "hislip0"
_NEWEST_VERSION = 0x0200
_VENDOR = int.from_bytes(b"MG", "big")
_SECONDS_TO_INITIALIZE = 10.0
_SECONDS_TO_READ_A_REFUSAL = 2.0
_SESSION_NUMBERS = 2**16


@dataclass
class _Channels:
    """The connections of one session; the second comes a moment after the first.

    `last_words` is one over which the client still has to read why the session ends.
    """

    session: HislipSession
    watchdog: Watchdog
    synchronous: TcpConnection
    asynchronous: TcpConnection | None = None
    last_words: TcpConnection | None = None
    sending: threading.Lock = field(default_factory=threading.Lock)

    def send(self, outgoing: Outgoing) -> None:
        """Both threads may have something for the asynchronous channel."""
        if not outgoing.asynchronous:
            self.synchronous.send(outgoing.message.encode())
        elif self.asynchronous is not None:
            with self.sending:
                self.asynchronous.send(outgoing.message.encode())

    def answer(self, message: HislipMessage, connection: TcpConnection) -> None:
        """Carries out what came on a channel, and sends what follows."""
        if connection is self.asynchronous:
            for outgoing in self.session.asynchronous(message):
                self.send(outgoing)
            return
        self.watchdog.begin()
        try:
            for outgoing in self.session.synchronous(message):
                self.send(outgoing)
        finally:
            self.watchdog.end()

    def hang_up(self) -> None:
        """One channel gone, the session is over."""
        for channel in (self.synchronous, self.asynchronous):
            if channel is not None and channel is not self.last_words:
                channel.hang_up()


class HislipServer:
    """An endpoint. A client while another holds the device gets FatalError 4.

    Args:
        core: the device.
        host, port: where to listen; port 0 lets the system choose.
        occupancy: shared by all endpoints of the device.
    """

    def __init__(self, core: PolledCore, host: str, port: int, occupancy: Occupancy) -> None:
        self._core = core
        self._occupancy = occupancy
        self._listener = TcpListener(host, port, self._serve)
        self._watchdog = Watchdog(core)
        self._numbers = itertools.count(1)
        self._open: dict[int, _Channels] = {}

    @property
    def resource(self) -> str:
        """VISA resource name."""
        host, port = self._listener.address
        return f"TCPIP0::{host}::{_SUB_ADDRESS},{port}::INSTR"

    def start(self) -> None:
        """Listens; ConfigurationError where it cannot."""
        self._listener.start()
        self._watchdog.start()

    def close(self) -> None:
        """Ends every session."""
        self._listener.close()
        self._watchdog.close()

    def _serve(self, connection: TcpConnection) -> None:
        connection.wait_at_most(_SECONDS_TO_INITIALIZE)
        try:
            header, payload = _first_message(connection)
        except LinkError as error:
            _end(connection, FatalErrorCode.POORLY_FORMED_HEADER, str(error))
            return
        if header.kind == MessageType.INITIALIZE:
            self._serve_synchronous(connection, header, payload)
        elif header.kind == MessageType.ASYNC_INITIALIZE:
            self._serve_asynchronous(connection, header.parameter)
        else:
            reason = f"message type {header.kind} came before Initialize"
            _end(connection, FatalErrorCode.INVALID_INITIALIZATION, reason)

    def _serve_synchronous(
        self, connection: TcpConnection, header: MessageHeader, payload: bytes
    ) -> None:
        named = payload.decode("ascii", "replace")
        if named.lower() not in ("", _SUB_ADDRESS):
            reason = f"there is no {named!r} here; the device is {_SUB_ADDRESS}"
            _end(connection, FatalErrorCode.INVALID_INITIALIZATION, reason)
            return
        holder = self._occupancy.take(connection.client, connection.hung_up)
        if holder is not None:
            reason = f"the device is in use by {holder}, and takes one client at a time"
            _end(connection, FatalErrorCode.TOO_MANY_CLIENTS, reason)
            return
        number = next(self._numbers) % _SESSION_NUMBERS
        channels = self._open[number] = _Channels(
            HislipSession(self._core), self._watchdog, connection
        )
        version = min(header.parameter >> 16, _NEWEST_VERSION)
        response = HislipMessage(MessageType.INITIALIZE_RESPONSE, 0, version << 16 | number)
        last_words: HislipMessage | None = None
        try:
            last_words = _converse(channels, connection, response)
        finally:
            del self._open[number]
            channels.hang_up()
            self._occupancy.leave(connection.client)
        _finish(connection, last_words)

    def _serve_asynchronous(self, connection: TcpConnection, number: int) -> None:
        channels = self._open.get(number)
        if channels is None or channels.asynchronous is not None:
            reason = f"session {number} does not wait for an asynchronous channel"
            _end(connection, FatalErrorCode.INVALID_INITIALIZATION, reason)
            return
        channels.asynchronous = connection
        response = HislipMessage(MessageType.ASYNC_INITIALIZE_RESPONSE, 0, _VENDOR)
        last_words: HislipMessage | None = None
        try:
            last_words = _converse(channels, connection, response)
        finally:
            channels.hang_up()
        _finish(connection, last_words)


def _converse(
    channels: _Channels,
    connection: TcpConnection,
    greeting: HislipMessage,
) -> HislipMessage | None:
    """Serves one channel to its end; returns what is left to say to the client."""
    connection.on_receive = channels.watchdog.heard
    try:
        connection.send(greeting.encode())
        while True:
            header = _next_header(channels, connection)
            if channels.asynchronous is None:
                channels.last_words = connection
                return fatal_message(
                    FatalErrorCode.CHANNELS_NOT_ESTABLISHED,
                    "Initialize is to be followed by AsyncInitialize on a second connection",
                )
            if header.payload_bytes > largest_payload(header.kind):
                connection.pass_over(header.payload_bytes)
                refusal = channels.session.too_large(header.kind, header.payload_bytes)
                channels.send(Outgoing(refusal, connection is channels.asynchronous))
                continue
            payload = connection.exactly(header.payload_bytes)
            if header.kind == MessageType.FATAL_ERROR:
                return None
            message = HislipMessage(header.kind, header.control, header.parameter, payload)
            channels.answer(message, connection)
    except LinkError as error:
        channels.last_words = connection
        return fatal_message(FatalErrorCode.POORLY_FORMED_HEADER, str(error))
    except TimeoutError as error:
        if channels.asynchronous is not None:
            channels.session.not_taken(str(error))
            return None
        channels.last_words = connection
        reason = "the asynchronous channel did not come"
        return fatal_message(FatalErrorCode.INVALID_INITIALIZATION, reason)


def _next_header(channels: _Channels, connection: TcpConnection) -> MessageHeader:
    if channels.asynchronous is None:
        try:
            return decode_header(connection.exactly(HEADER_BYTES))
        except TimeoutError:
            if channels.asynchronous is None:
                raise
    connection.wait_at_most(None)
    return decode_header(connection.exactly(HEADER_BYTES))


def _first_message(connection: TcpConnection) -> tuple[MessageHeader, bytes]:
    header = decode_header(connection.exactly(HEADER_BYTES))
    if header.payload_bytes > largest_payload(header.kind):
        raise LinkError(f"the first message announces {header.payload_bytes} bytes")
    return header, connection.exactly(header.payload_bytes)


def _end(connection: TcpConnection, code: FatalErrorCode, reason: str) -> None:
    _finish(connection, fatal_message(code, reason))


def _finish(connection: TcpConnection, last_words: HislipMessage | None) -> None:
    if last_words is not None:
        connection.send(last_words.encode())
        connection.finish(_SECONDS_TO_READ_A_REFUSAL)
