"""One connection of a served device: no Nagle, acknowledgements at once, nothing waits for ever."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable

RECEIVE_BYTES = 65536
_SEND_SECONDS = 10
_SILENT_SECONDS_BEFORE_PROBES = 10
_SECONDS_BETWEEN_PROBES = 5
_PROBES = 3
_HANG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR
_QUICK = getattr(socket, "TCP_QUICKACK", None)


class TcpConnection:
    """A connected socket, with what a device needs of it.

    `on_receive` is called whenever something has come.

    Args:
        peer: the socket.
        client: what messages call the other end, `address:port`.
        send_seconds: how long a peer may take nothing of what is sent.
    """

    def __init__(
        self, peer: socket.socket, client: str, send_seconds: float = _SEND_SECONDS
    ) -> None:
        self._peer = peer
        self.client = client
        self._buffer = bytearray()
        self.on_receive: Callable[[], None] = _nothing
        peer.settimeout(None)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The kernel's own time limit: Python's would ask the kernel twice for every receive.
        seconds, rest = divmod(send_seconds, 1)
        limit = struct.pack("ll", int(seconds), int(rest * 1e6))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._notice_the_vanished()

    def receive(self) -> bytes:
        """What has come, at least one byte; b"" once the peer has closed.

        OSError where the connection broke.
        """
        data = self._peer.recv(RECEIVE_BYTES)
        self.on_receive()
        if _QUICK is not None and data:
            # Linux forgets it: without it a peer that writes in two pieces waits 40 ms.
            self._peer.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        return data

    def exactly(self, count: int) -> bytes:
        """`count` bytes, which the caller bounds; ConnectionError where the peer closes before."""
        buffer = self._buffer
        while len(buffer) < count:
            data = self.receive()
            if not data:
                raise ConnectionAbortedError("the peer has closed")
            buffer += data
        taken = bytes(memoryview(buffer)[:count])
        del buffer[:count]
        return taken

    def pass_over(self, count: int) -> None:
        """Receives `count` bytes and drops them."""
        while count > 0:
            count -= len(self.exactly(min(count, RECEIVE_BYTES)))

    def send(self, data: bytes) -> None:
        """Sends all; TimeoutError where the peer takes nothing for too long, else OSError."""
        try:
            self._peer.sendall(data)
        except BlockingIOError as error:
            raise TimeoutError(f"{self.client} does not read") from error

    def wait_at_most(self, seconds: float | None) -> None:
        """How long receiving may take: TimeoutError after it; None is for ever."""
        self._peer.settimeout(seconds)

    def hung_up(self) -> bool:
        """Whether the peer has closed its end, seen before all that it sent is received."""
        poll = select.poll()
        try:
            poll.register(self._peer, _HANG_UP)
        except ValueError:
            return True
        return bool(poll.poll(0))

    def finish(self, seconds: float) -> None:
        """Says that nothing more comes, and lets the peer read what was sent.

        Closing at once would make the kernel withdraw it, should the peer have sent something.
        """
        self._peer.shutdown(socket.SHUT_WR)
        self._peer.settimeout(seconds)
        for _ in range(64):
            if not self._peer.recv(RECEIVE_BYTES):
                return

    def hang_up(self) -> None:
        """Ends the connection: who waits in `receive` or `send` is woken."""
        try:
            self._peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the peer was faster

    def close(self) -> None:
        """Gives the socket back; only by who serves it."""
        self._peer.close()

    def _notice_the_vanished(self) -> None:
        # A peer that lost power says nothing: the kernel asks after it.
        options = {
            "TCP_KEEPIDLE": _SILENT_SECONDS_BEFORE_PROBES,
            "TCP_KEEPINTVL": _SECONDS_BETWEEN_PROBES,
            "TCP_KEEPCNT": _PROBES,
        }
        self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options.items():
            option = getattr(socket, name, None)
            if option is not None:
                self._peer.setsockopt(socket.IPPROTO_TCP, option, value)


def _nothing() -> None:
    pass
