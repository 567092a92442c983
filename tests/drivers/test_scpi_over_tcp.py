"""The driver over pyvisa-py's sockets, with the device core behind a loopback server."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest

from drivers.scpi import DRIVER, scpi_chip
from drivers.visa_session import VisaSession
from mgd_lab.costs import CostFunction
from mgd_lab.errors import LinkError
from mgd_lab.experiment.emulation import EmulationSettings
from mgd_lab.wire import message_end
from sim_instruments.emulated import emulated_chip
from sim_instruments.scpi_chip import ScpiChipDevice

EMULATION = EmulationSettings(network={"layers": (2, 2, 1)})


def serve(listener, core, silent):
    """Answers one connection after another until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        received = bytearray()
        with connection:
            while data := connection.recv(65536):
                received += data
                while (end := message_end(received)) is not None:
                    message = bytes(received[:end])
                    del received[:end]
                    if not silent.is_set():
                        connection.sendall(core.respond(message))


@pytest.fixture
def server():
    """The port of a served device core, and an event that makes it silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    silent = threading.Event()
    core = ScpiChipDevice(emulated_chip(EMULATION))
    thread = threading.Thread(target=serve, args=(listener, core, silent), daemon=True)
    thread.start()
    yield listener.getsockname()[1], silent
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
    assert not thread.is_alive()


def chip_at(port, **keys):
    resource = f"TCPIP::127.0.0.1::{port}::SOCKET"
    return scpi_chip(DRIVER.settings(driver="scpi", resource=resource, **keys))


def test_costs_over_sockets_equal_those_of_the_chip_in_the_process(server):
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(9_000, 2)).astype(np.float32)
    moves = rng.normal(size=(500, 9)).astype(np.float32)
    samples = rng.integers(0, 9_000, 500).astype(np.uint32)
    theta = np.ones(9, np.float32)
    with emulated_chip(EMULATION) as here, chip_at(server[0]) as there:
        for chip in (here, there):
            chip.set_cost(CostFunction())
            chip.load_samples(inputs, inputs[:, :1])
        expected = here.measure_dense(theta, samples, moves)
        assert there.measure_dense(theta, samples, moves).tobytes() == expected.tobytes()


def test_small_messages_are_sent_at_once(server):
    session = VisaSession("@py", f"TCPIP::127.0.0.1::{server[0]}::SOCKET", 5.0, "chip")
    session.open()
    resource = session._resource
    interface = resource.visalib.sessions[resource.session].interface
    option = interface.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    session.close()
    assert option
    with pytest.raises(LinkError, match="not open"):
        session.write(b"*IDN?\n")


def test_silent_device_times_out_and_the_first_error_is_told(server):
    port, silent = server
    with (  # noqa: PT012 (silence begins inside)
        pytest.raises(LinkError, match="timed out") as caught,
        chip_at(port, timeout_seconds=0.2, retries={"per_block": 1, "backoff_seconds": 0}) as chip,
    ):
        silent.set()
        chip.read_parameters()
    assert any("by hand" in note for note in caught.value.__notes__)
