"""The proxy on TCP: a loopback port before the device's."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable

from sim_instruments.faults.descriptors import Stopped, StopSign, wait
from sim_instruments.faults.framing import MakeFraming, chunks
from sim_instruments.faults.injector import Injector
from sim_instruments.faults.proxy import FaultProxy
from sim_instruments.faults.relay import LinkBroken, Relay
from sim_instruments.faults.schedule import Direction, FaultSchedule

_LOOPBACK = "127.0.0.1"
_SECONDS_TO_CONNECT = 5.0
_AT_ONCE = struct.pack("ii", 1, 0)


class TcpFaultProxy(FaultProxy):
    """Listens on a port of the system's choice while its `with` is open.

    Args:
        port: the device's.
        schedule: what happens to which messages.
        host: the device's.
        framing: what a message is; every read is one unless given.
        restart: restarts the device, for `FaultKind.RESTART`; it listens on the same port when
            this returns.
        own_port: where to listen instead; 0 lets the system choose.
    """

    def __init__(
        self,
        port: int,
        schedule: FaultSchedule,
        *,
        host: str = _LOOPBACK,
        framing: MakeFraming = chunks,
        restart: Callable[[], None] = lambda: None,
        own_port: int = 0,
    ) -> None:
        super().__init__(schedule, framing, restart)
        self._device = host, port
        self._own_port = own_port
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        """Where the host connects."""
        return self._own_port

    @property
    def address(self) -> str:
        """VISA resource name of a raw socket."""
        return f"TCPIP0::{_LOOPBACK}::{self._own_port}::SOCKET"

    def _open(self) -> None:
        self._listener = socket.create_server((_LOOPBACK, self._own_port))
        self._listener.setblocking(False)
        self._own_port = self._listener.getsockname()[1]
        self._start(self._accept)

    def _close(self) -> None:
        # Threads start threads, but only before they end themselves.
        while self._threads:
            self._threads.pop(0).join()
        self._listener.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(
            target=self._guarded, args=(work,), name="fault proxy", daemon=True
        )
        self._threads = [t for t in self._threads if t.is_alive()]
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        while True:
            wait(self._stop, self._listener.fileno(), select.POLLIN)
            try:
                host, _ = self._listener.accept()
            except (BlockingIOError, ConnectionError):
                continue
            self._start(lambda host=host: self._converse(host))

    def _converse(self, host: socket.socket) -> None:
        with host:
            try:
                device = socket.create_connection(self._device, _SECONDS_TO_CONNECT)
            except OSError:
                _break_off(host)
                return
            with device:
                Connection(host, device, self._injector, self._stop, self._framing).run(
                    self._restart
                )


class Connection:
    """A host's connection and that to the device behind it."""

    def __init__(
        self,
        host: socket.socket,
        device: socket.socket,
        injector: Injector,
        stop: StopSign,
        framing: MakeFraming,
    ) -> None:
        self._sockets = host, device
        self._stop = StopSign(stop)
        for end in self._sockets:
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = {Direction.TO_DEVICE: (host, device), Direction.TO_HOST: (device, host)}
        self._relays = [
            (
                Relay(direction, source.fileno(), target.fileno(), framing(), injector, self._stop),
                target,
            )
            for direction, (source, target) in ends.items()
        ]

    def run(self, restart: Callable[[], None]) -> None:
        """Until both ends have closed, one broke, or a fault broke both."""
        broken: list[LinkBroken] = []

        def back() -> None:
            with contextlib.suppress(Stopped):
                self._forward(*self._relays[1], broken)

        thread = threading.Thread(target=back, name="fault proxy", daemon=True)
        thread.start()
        try:
            self._forward(*self._relays[0], broken)
        finally:
            thread.join()
            self._stop.release()
            # First: who comes back at once must not find the old device.
            if any(fault.restart for fault in broken):
                restart()
            if broken:
                for end in self._sockets:
                    _break_off(end)

    def _forward(self, relay: Relay, target: socket.socket, broken: list[LinkBroken]) -> None:
        try:
            relay.run()
            target.shutdown(socket.SHUT_WR)
        except LinkBroken as fault:
            broken.append(fault)
            self._stop.put_up()
        except OSError:
            # One end has gone: the other learns it at once.
            self._stop.put_up()


def _break_off(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    end.close()
