"""The driver over pyvisa-py's HiSLIP: a device in use, and one that is not there."""

from __future__ import annotations

import gc
import socket
import threading
import time

import pytest

from drivers.scpi import DRIVER, scpi_chip
from mgd_lab.errors import ChipBusyError, LinkError
from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import emulated_chip
from sim_instruments.hislip_server import HislipServer
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice


@pytest.fixture
def server():
    core = ScpiChipDevice(emulated_chip(EmulationSettings(network={"layers": (2, 2, 1)})))
    served = HislipServer(core, "127.0.0.1", 0, Occupancy(0.2))
    served.start()
    yield served
    served.close()


def chip_at(resource, **retries):
    retries = {"per_block": 2, "backoff_seconds": 0, **retries}
    keys = {"resource": resource, "timeout_seconds": 2, "retries": retries}
    return scpi_chip(DRIVER.settings(driver="scpi", **keys))


def test_device_in_use_says_so_at_once_and_the_first_goes_on(server):
    with chip_at(server.resource) as chip:
        began = time.monotonic()
        with (
            pytest.raises(ChipBusyError, match=r"hislip0.*the device is in use by 127\.0\.0\.1"),
            chip_at(server.resource),
        ):
            pass
        # The server itself waits 0.2 s for the first to leave; nobody tries again.
        assert time.monotonic() - began < 1.5
        # Nothing is left open: the test would fail for a warning.
        gc.collect()
        assert chip.read_parameters().tolist() == [0.0] * 9
    with chip_at(server.resource):
        pass


def test_refused_connection_names_the_reason_and_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    resource = f"TCPIP::127.0.0.1::hislip0,{port}::INSTR"
    with pytest.raises(LinkError, match="Connection refused") as caught, chip_at(resource):
        pass
    assert "tried 3 times" in caught.value.__notes__[0]
    gc.collect()


def test_a_session_that_failed_to_open_is_closed():
    """A device that takes one client would hold it for that client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        port = listener.getsockname()[1]
        session = scpi_chip(
            DRIVER.settings(
                driver="scpi",
                resource=f"TCPIP::127.0.0.1::hislip0,{port}::INSTR",
                retries={"per_block": 0},
            )
        )
        ends = []

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                connection.recv(4096)
                connection.sendall(b"no HiSLIP header")
                ends.append(connection.recv(1))

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(LinkError, match="protocol synchronization") as caught, session:
            pass
        thread.join(5)
        assert ends == [b""]
        assert caught.value is not None
