"""Bytes straight through the socket of a pyvisa-py session, each operation with a time-out.

pyvisa-py writes to a socket without a time-out and in pieces, leaves Nagle's algorithm on, and
takes a closed peer for a silent one while a core spins. Its HiSLIP sessions have time-outs, but
wait for ever for the rest of a message that is to be skipped when the peer closes meanwhile.
"""

from __future__ import annotations

import socket
import struct
import time

_TIME = struct.Struct("@ll")
_LARGEST_RECEIVE = 2**18


class DirectSocket:
    """Reads and writes whole messages; raises TimeoutError and ConnectionError."""

    def __init__(self, connection: socket.socket, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout = timeout_seconds
        self._received = bytearray()
        # The kernel's own time-outs: those of Python cost another system call an operation.
        seconds, rest = divmod(max(timeout_seconds, 1e-3), 1)
        limit = _TIME.pack(int(seconds), int(rest * 1e6))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, data: bytes) -> None:
        """All of the bytes."""
        try:
            sent = self._connection.send(data)
            if sent == len(data):
                return
            deadline = time.monotonic() + self._timeout
            rest = memoryview(data)[sent:]
            while rest:
                _check(deadline)
                rest = rest[self._connection.send(rest) :]
        except (BlockingIOError, TimeoutError) as error:
            raise TimeoutError("the peer does not read") from error

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        received = self._received
        if not received:
            data = self._receive(count)
            if len(data) == count:
                return data
            received += data
        deadline = time.monotonic() + self._timeout
        while len(received) < count:
            received += self._receive(count - len(received), deadline)
        return self._take(count)

    def read_line(self, longest: int) -> bytes:
        """Up to a line feed, or `longest` bytes."""
        received, searched = self._received, 0
        deadline = time.monotonic() + self._timeout
        while (end := received.find(b"\n", searched) + 1) == 0 and len(received) < longest:
            searched = len(received)
            received += self._receive(longest - searched, deadline)
        return self._take(end or longest)

    def _take(self, count: int) -> bytes:
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def _receive(self, most: int, deadline: float | None = None) -> bytes:
        if deadline is not None:
            _check(deadline)
        try:
            data = self._connection.recv(min(most, _LARGEST_RECEIVE))
        except BlockingIOError as error:
            raise TimeoutError("the peer is silent") from error
        if not data:
            raise ConnectionAbortedError("the peer has closed the connection")
        return data


class ClosingSocket(socket.socket):
    """A socket that tells when its peer has closed, instead of giving no bytes for ever."""

    def recv_into(self, *arguments: object, **more: object) -> int:
        """As `socket.recv_into`; ConnectionAbortedError at the end of the stream."""
        received = super().recv_into(*arguments, **more)  # pyright: ignore[reportArgumentType]  # handed on as they came
        if received == 0:
            raise ConnectionAbortedError("the peer has closed the connection")
        return received


def closing_socket(connection: socket.socket) -> ClosingSocket:
    """The same connection, under the same time-out."""
    timeout = connection.gettimeout()
    replaced = ClosingSocket(fileno=connection.detach())
    replaced.settimeout(timeout)
    return replaced


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError("the bytes went in pieces, too slowly")
