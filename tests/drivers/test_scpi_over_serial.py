"""The driver `scpi` on a serial line, by pyvisa-py: lines, blocks, and what a line does to them."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.scpi import DRIVER
from mgd_lab.costs import CostFunction
from mgd_lab.errors import LinkTimeoutError
from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import emulated_chip
from sim_instruments.messages_on_line import MessagesOnLine
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.serial_server import SerialServer

EMULATION = EmulationSettings(network={"layers": (2, 2, 1)})


class Losing(MessagesOnLine):
    """A line whose k-th answer is lost."""

    lost_at = 0
    answers = 0

    def receive(self, data):
        answer = super().receive(data)
        self.answers += bool(answer)
        return b"" if answer and self.answers == self.lost_at else answer


@pytest.fixture
def line(tmp_path):
    device = Losing(ScpiChipDevice(emulated_chip(EMULATION)))
    server = SerialServer(device, tmp_path / "board")
    server.start()
    yield device, server
    server.close()


def chip_at(port, **keys):
    settings = DRIVER.settings(driver="scpi", resource=f"ASRL{port}::INSTR", **keys)
    return DRIVER.build(settings, None)


def measured(chip):
    chip.set_cost(CostFunction())
    chip.load_samples(np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32))
    theta, found = np.ones(9, np.float32), []
    for k in range(6):
        # Every value of a byte comes to stand in a block, line feeds among them.
        moves = np.random.default_rng(k).normal(0, 0.1, (300, 9)).astype(np.float32)
        samples = (np.arange(300) % 2).astype(np.uint32)
        found += chip.measure_dense(theta, samples, moves).tolist()
    return found


def expected():
    with emulated_chip(EMULATION) as here:
        return measured(here)


def test_it_gives_the_costs_of_a_chip_in_this_process(line):
    _, server = line
    with chip_at(server.resource) as chip:
        assert measured(chip) == expected()
        assert chip.take_recoveries() == []


@pytest.mark.parametrize("lost", [2, 8])
def test_an_answer_that_is_lost_is_asked_for_again(line, lost):
    device, server = line
    keys = {"timeout_seconds": 0.3, "retries": {"backoff_seconds": 0}}
    with chip_at(server.resource, **keys) as chip:
        device.lost_at = device.answers + lost
        assert measured(chip) == expected()
        assert [each.kind for each in chip.take_recoveries()] == ["timeout"]


def test_a_line_that_stays_silent(line):
    device, server = line
    device.receive = lambda data: b""
    with (
        pytest.raises(LinkTimeoutError, match="timed out"),
        chip_at(server.resource, timeout_seconds=0.2, retries={"per_block": 0}),
    ):
        pass
