"""The host's VISA need not be pyvisa-py: pyvisa-rs, written by others, gives the same numbers."""

from __future__ import annotations

import pytest

import mgd_lab
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.socket_server import SocketServer


@pytest.fixture
def resource():
    device = ScpiChipDevice(EmulatedChip(MultilayerPerceptron((2, 2, 1))))
    server = SocketServer(device, "127.0.0.1", 0, Occupancy())
    server.start()
    yield server.resource
    server.close()


def last_theta(folder, chip):
    path = folder / "experiment.yaml"
    path.write_text(
        "chip: {driver: emulated, network: {layers: [2, 2, 1]}}\ntask: {dataset: parity}\n"
    )
    loaded = mgd_lab.load_experiment(path, {"chip": chip, "stop.steps": 300})
    result = mgd_lab.run(loaded, runs_dir=folder / "runs")
    with mgd_lab.open_run(result.path) as run:
        return run.parameters().theta[-1].tobytes()


@pytest.mark.parametrize("rung", ["forward", "signs", "generated"])
def test_pyvisa_rs(tmp_path, resource, rung):
    pytest.importorskip(
        "pyvisa_rs",
        reason="pyvisa-rs, or the libusb it needs, is not installed",
        exc_type=ImportError,
    )
    here = {"driver": "emulated", "network": {"layers": [2, 2, 1]}, "rung": rung}
    there = {"driver": "scpi", "resource": resource, "visa_library": "@rs", "rung": rung}
    assert last_theta(tmp_path, there) == last_theta(tmp_path, here)
