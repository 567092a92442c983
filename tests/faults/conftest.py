"""Echo devices: what comes goes back, behind a socket and behind a serial port."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import tty

import pytest

PATIENCE_SECONDS = 5.0


class EchoServer:
    """Serves one connection after another; `restarts` counts what its hook was asked."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.restarts = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def restart(self):
        self.restarts += 1

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while data := connection.recv(65536):
                    connection.sendall(data)


class EchoTerminal:
    """A pseudo-terminal that echoes."""

    def __init__(self):
        self._own, self._far = os.openpty()
        tty.setraw(self._far)
        self.port = os.ttyname(self._far)
        self.restarts = 0
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def restart(self):
        self.restarts += 1

    def close(self):
        os.write(self._wake[1], b"!")
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        for descriptor in (self._own, self._far, *self._wake):
            os.close(descriptor)

    def _serve(self):
        while True:
            ready, _, _ = select.select([self._own, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            data = os.read(self._own, 65536)
            os.write(self._own, data)


class SocketHost:
    """The host's end: writes, and reads what comes until it has enough or time is over."""

    def __init__(self, proxy):
        self._socket = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, data):
        self._socket.sendall(data)

    def read(self, count, seconds=PATIENCE_SECONDS):
        self._socket.settimeout(seconds)
        found = b""
        with contextlib.suppress(TimeoutError):
            while len(found) < count:
                data = self._socket.recv(count - len(found))
                if not data:
                    raise ConnectionError("ended")
                found += data
        return found

    def close(self):
        self._socket.close()


class TerminalHost:
    def __init__(self, proxy):
        self._own = os.open(proxy.address, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._own)

    def write(self, data):
        os.write(self._own, data)

    def read(self, count, seconds=PATIENCE_SECONDS):
        found = b""
        while len(found) < count and select.select([self._own], [], [], seconds)[0]:
            data = os.read(self._own, count - len(found))
            if not data:
                raise ConnectionError("ended")
            found += data
        return found

    def close(self):
        os.close(self._own)


@pytest.fixture
def echo_server():
    server = EchoServer()
    yield server
    server.close()


@pytest.fixture
def echo_terminal():
    terminal = EchoTerminal()
    yield terminal
    terminal.close()


@pytest.fixture(params=["tcp", "pty"])
def through(request):
    """A function: schedule → a proxy before an echo, not entered, the echo and the host's class."""
    from sim_instruments.faults import PtyFaultProxy, TcpFaultProxy

    kind, echo, host = {
        "tcp": (TcpFaultProxy, "echo_server", SocketHost),
        "pty": (PtyFaultProxy, "echo_terminal", TerminalHost),
    }[request.param]
    device = request.getfixturevalue(echo)

    def make(schedule, **keys):
        return kind(device.port, schedule, restart=device.restart, **keys), device, host

    return make
