"""A device behind a raw SCPI socket (VISA: `TCPIP::host::port::SOCKET`)."""

from __future__ import annotations

from mgd_lab.errors import LinkError
from mgd_lab.wire import MessageStream, Status, status_text
from sim_instruments.message_exchange import PolledCore
from sim_instruments.occupancy import Occupancy
from sim_instruments.tcp_connection import TcpConnection
from sim_instruments.tcp_listener import TcpListener
from sim_instruments.watchdog import Watchdog

_SECONDS_TO_READ_A_REFUSAL = 2.0


class SocketServer:
    """An endpoint. A client while another holds the device gets one line that says so.

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

    @property
    def resource(self) -> str:
        """VISA resource name."""
        host, port = self._listener.address
        return f"TCPIP0::{host}::{port}::SOCKET"

    def start(self) -> None:
        """Listens; ConfigurationError where it cannot."""
        self._listener.start()
        self._watchdog.start()

    def close(self) -> None:
        """Ends every conversation."""
        self._listener.close()
        self._watchdog.close()

    def _serve(self, connection: TcpConnection) -> None:
        holder = self._occupancy.take(connection.client, connection.hung_up)
        if holder is not None:
            connection.send(_refusal(holder))
            connection.finish(_SECONDS_TO_READ_A_REFUSAL)
            return
        try:
            self._converse(connection)
        finally:
            self._occupancy.leave(connection.client)

    def _converse(self, connection: TcpConnection) -> None:
        core, stream = self._core, MessageStream()
        connection.on_receive = self._watchdog.heard
        while data := connection.receive():
            stream.feed(data)
            while True:
                try:
                    message = stream.take()
                except LinkError as error:
                    core.overrun(str(error))
                    continue
                if message is None:
                    break
                self._watchdog.begin()
                try:
                    response = core.respond(message)
                finally:
                    self._watchdog.end()
                if not response:
                    continue
                try:
                    connection.send(response)
                except TimeoutError as error:
                    # Both sides full, and the client does not read (IEEE 488.2, section 6).
                    core.report(Status.QUERY_DEADLOCKED, str(error))
                    return


def _refusal(holder: str) -> bytes:
    code = Status.EXECUTION_ERROR
    words = f"{status_text(code)};the device is in use by {holder}, and takes one client at a time"
    return f'{int(code)},"{words}"\n'.encode("ascii", "replace")
