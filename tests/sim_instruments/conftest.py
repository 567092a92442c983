"""Served devices, and plain clients that send literal bytes."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import emulated_chip
from sim_instruments.hislip_server import HislipServer
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.socket_server import SocketServer

EMULATION = EmulationSettings(network={"layers": (2, 2, 1)})


class Client:
    """A plain socket."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        return self.file.readline()

    def exactly(self, count):
        return self.file.read(count)

    def ask(self, message):
        self.send(message)
        return self.line()

    def message(self):
        """A HiSLIP message: type, control code, parameter, payload."""
        prologue, kind, control, parameter, length = struct.unpack("!2sBBIQ", self.exactly(16))
        assert prologue == b"HS"
        return kind, control, parameter, self.exactly(length)

    def hislip(self, kind, control=0, parameter=0, payload=b""):
        header = struct.pack("!2sBBIQ", b"HS", kind, control, parameter, len(payload))
        self.send(header + payload)

    def vanish(self):
        """The connection is reset, as by a process that is killed with data unread."""
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()


def core_of(kind=ScpiChipDevice):
    return kind(emulated_chip(EMULATION), serial="7", firmware="1.0")


def endpoint(kind, core):
    server = kind(core, "127.0.0.1", 0, Occupancy(0.2))
    server.start()
    return server


@pytest.fixture(scope="session")
def served_core():
    return core_of


@pytest.fixture(scope="session")
def endpoint_of():
    return endpoint


@pytest.fixture
def lab():
    """Serves device cores, and connects to them; all is closed in the end."""
    with ExitStack() as stack:

        def serve(core=None, kind=SocketServer, occupancy=None):
            server = kind(core or core_of(), "127.0.0.1", 0, occupancy or Occupancy(0.2))
            server.start()
            stack.callback(server.close)
            return server

        def connect(server):
            port = int(server.resource.split("::")[2].removeprefix("hislip0,"))
            client = Client(port)
            stack.callback(client.close)
            return client

        yield SimpleNamespace(
            serve=serve,
            connect=connect,
            core=core_of,
            EMULATION=EMULATION,
            Occupancy=Occupancy,
            SocketServer=SocketServer,
            HislipServer=HislipServer,
        )
