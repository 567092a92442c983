"""What sockets do to a host: silence, late replies, closed and deaf peers, cut-off blocks."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np
import pytest

from drivers.direct_socket import DirectSocket, closing_socket
from drivers.scpi import DRIVER, scpi_chip
from drivers.visa_session import VisaSession
from mgd_lab.costs import CostFunction
from mgd_lab.errors import LinkError, LinkTimeoutError
from mgd_lab.experiment.emulation import EmulationSettings
from mgd_lab.wire import message_end
from sim_instruments.emulated import emulated_chip
from sim_instruments.scpi_chip import ScpiChipDevice

P = 9
EMULATION = EmulationSettings(network={"layers": (2, 2, 1)})


class Server:
    """A device core behind a port; what it does to the k-th message can be chosen."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.core = ScpiChipDevice(emulated_chip(EMULATION))
        self.faults = {}
        self.messages = 0
        self.connections = 0
        self.again = threading.Condition()
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.again:
                self.connections += 1
                self.again.notify_all()
            thread = threading.Thread(target=self.serve, args=(connection,))
            thread.start()
            self.threads.append(thread)

    def serve(self, connection):
        received = bytearray()
        with connection:
            try:
                while data := connection.recv(65536):
                    received += data
                    while (end := message_end(received)) is not None:
                        message = bytes(received[:end])
                        del received[:end]
                        if self.answer(connection, message):
                            return
            except OSError:
                return

    def answer(self, connection, message):
        """Answers; whether the connection ends with it."""
        self.messages += 1
        fault, answer = self.faults.get(self.messages), self.core.respond(message)
        if fault == "late":
            # Not before the host has given up and come again.
            with self.again:
                self.again.wait_for(lambda: self.connections > 1, 5)
        if fault == "cut off":
            connection.sendall(answer[: len(answer) // 2])
        if fault in ("close", "cut off"):
            return True
        connection.sendall(answer)
        return False

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def server():
    served = Server()
    yield served
    served.close()


def chip_at(port, **keys):
    resource = f"TCPIP::127.0.0.1::{port}::SOCKET"
    keys = {"retries": {"backoff_seconds": 0}, **keys}
    return scpi_chip(DRIVER.settings(driver="scpi", resource=resource, **keys), "@py")


def measured(chip):
    chip.set_cost(CostFunction())
    chip.load_samples(np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32))
    theta, found = np.ones(P, np.float32), []
    for k in range(6):
        moves = np.full((2, P), 0.01 * k, np.float32)
        found += chip.measure_dense(theta, np.arange(2, dtype=np.uint32), moves).tolist()
    return found


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("late", "timeout", "timed out after"),
        ("close", "link_fault", "closed the connection"),
        ("cut off", "link_fault", "closed the connection"),
    ],
)
def test_costs_are_those_of_a_chip_without_faults(server, fault, kind, says):
    with emulated_chip(EMULATION) as here:
        expected = measured(here)
    server.faults = {14: fault}
    started = time.monotonic()
    with chip_at(server.port, timeout_seconds=0.3) as chip:
        assert measured(chip) == expected
        (recovery,) = chip.take_recoveries()
    assert recovery.kind == kind
    assert says in recovery.message
    assert recovery.remeasured_probes == 2
    assert server.connections == 2
    # Nobody waited for a peer that had closed.
    assert time.monotonic() - started < (0.3 if kind == "link_fault" else 3)


def test_peer_that_is_gone_for_good_ends_in_an_error(server):
    with (  # noqa: PT012 (the peer goes inside)
        pytest.raises(LinkError, match=r"retries\.per_block") as caught,
        chip_at(server.port, timeout_seconds=0.2) as chip,
    ):
        server.faults = dict.fromkeys(range(1, 100), "close")
        chip.read_parameters()
    assert any("by hand" in note for note in caught.value.__notes__)


@pytest.fixture
def deaf():
    """The port of a peer that accepts and never reads."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    yield listener.getsockname()[1]
    listener.close()


def test_peer_that_stops_reading_times_out_a_write(deaf):
    session = VisaSession("@py", f"TCPIP::127.0.0.1::{deaf}::SOCKET", 0.2, "chip")
    session.open()
    started = time.monotonic()
    with pytest.raises(LinkTimeoutError, match=r"chip .*write timed out after .* s"):
        session.write(bytes(2**26))
    assert time.monotonic() - started < 2
    session.close()


def test_trickle_does_not_outlast_the_timeout():
    class Trickle:
        """A peer that gives a byte whenever it is asked."""

        def setsockopt(self, *arguments):
            pass

        def recv(self, most):
            return b"x"

    stream = DirectSocket(Trickle(), 0.05)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="pieces"):
        stream.read(10**9)
    assert time.monotonic() - started < 1
    assert stream.read(3) == b"xxx"


def test_hislip_stream_that_ends_is_told():
    here, there = socket.socketpair()
    here.settimeout(5.0)
    watched = closing_socket(here)
    assert watched.gettimeout() == 5.0
    there.sendall(b"ab")
    there.close()
    buffer = bytearray(4)
    assert watched.recv_into(buffer, 4) == 2
    with pytest.raises(ConnectionAbortedError):
        watched.recv_into(buffer, 4)
    watched.close()
