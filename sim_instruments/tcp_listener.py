"""Listens on a port and serves every connection in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from mgd_lab.errors import ConfigurationError
from sim_instruments.tcp_connection import TcpConnection

_MOST_CONNECTIONS = 32
_SECONDS_TO_END = 5.0
_SECONDS_TO_RECOVER = 0.05
_ALL_ADDRESSES = ("", "0.0.0.0")  # noqa: S104 (compared with, not bound to)


class TcpListener:
    """A listening socket and the threads behind it.

    Args:
        host, port: where to listen; port 0 lets the system choose.
        serve: holds the conversation; the connection is closed when it returns.
    """

    def __init__(self, host: str, port: int, serve: Callable[[TcpConnection], None]) -> None:
        self._host = host
        self._port = port
        self._serve = serve
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, TcpConnection] = {}
        self._acceptor = threading.Thread(target=self._accept, name="accept", daemon=True)
        self._ended = threading.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that a client names."""
        host = socket.gethostname() if self._host in _ALL_ADDRESSES else self._host
        return host, self._port

    def start(self) -> None:
        """Listens; ConfigurationError where the port is taken or the host is not ours."""
        try:
            self._socket = socket.create_server((self._host, self._port))
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"cannot listen on {self._host}:{self._port}: {error}. Choose another port, or 0 "
                "for any that is free"
            ) from error
        self._port = self._socket.getsockname()[1]
        self._acceptor.start()

    def close(self) -> None:
        """Ends every conversation and waits for its thread; calling it again does nothing."""
        if self._socket is None or self._ended.is_set():
            return
        self._ended.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._acceptor.join(_SECONDS_TO_END)
        with self._lock:
            served = dict(self._connections)
        for connection in served.values():
            connection.hang_up()
        for thread in served:
            thread.join(_SECONDS_TO_END)

    def _accept(self) -> None:
        while self._socket is not None:
            try:
                peer, address = self._socket.accept()
            except OSError:
                # Closed; or the peer was gone before it was accepted, or the system has no more.
                if self._ended.wait(_SECONDS_TO_RECOVER):
                    return
                continue
            with self._lock:
                crowded = len(self._connections) >= _MOST_CONNECTIONS
            if crowded:
                peer.close()
                continue
            self._begin(peer, f"{address[0]}:{address[1]}")

    def _begin(self, peer: socket.socket, client: str) -> None:
        try:
            connection = TcpConnection(peer, client)
        except OSError:
            peer.close()
            return
        thread = threading.Thread(
            target=self._converse, args=(connection,), name=client, daemon=True
        )
        with self._lock:
            self._connections[thread] = connection
        thread.start()

    def _converse(self, connection: TcpConnection) -> None:
        # However a conversation ends, by a peer that resets the connection too, it is over.
        with contextlib.suppress(OSError):
            try:
                self._serve(connection)
            finally:
                with self._lock:
                    self._connections.pop(threading.current_thread(), None)
                connection.close()
