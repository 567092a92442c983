"""The driver `serial` at a device behind a pseudo-terminal."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import numpy as np
import pytest
from pydantic import ValidationError

import mgd_lab
from drivers.serial_board import DRIVER
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipBusyError, LinkError
from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import emulated_chip
from sim_instruments.frames_chip import FramesDevice
from sim_instruments.serial_server import SerialServer

P = 9
EMULATION = EmulationSettings(network={"layers": (2, 2, 1)})


class LosesAnswers(FramesDevice):
    """A device whose k-th answer comes only after the next question."""

    late_at = 0
    answers = 0
    late = b""

    def receive(self, data):
        answer = super().receive(data)
        self.answers += bool(answer)
        came, self.late = self.late, b""
        if answer and self.answers == self.late_at:
            self.late = answer
            return b""
        return came + answer


@pytest.fixture
def served(tmp_path):
    device = LosesAnswers(emulated_chip(EMULATION))
    server = SerialServer(device, tmp_path / "board")
    server.start()
    yield device, server
    server.close()


def chip_at(port, **keys):
    keys = {"retries": {"backoff_seconds": 0}, "timeout_seconds": 5.0, **keys}
    return DRIVER.build(DRIVER.settings(driver="serial", port=port, **keys), None)


def measured(chip):
    chip.set_cost(CostFunction())
    chip.load_samples(np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32))
    theta, found = np.ones(P, np.float32), []
    for k in range(6):
        moves = np.full((2, P), 0.01 * k, np.float32)
        found += chip.measure_dense(theta, np.arange(2, dtype=np.uint32), moves).tolist()
    return found


def expected():
    with emulated_chip(EMULATION) as here:
        return measured(here)


def test_stale_answer_after_a_timeout_is_never_used(served):
    device, server = served
    device.late_at = 7
    with chip_at(server.resource, timeout_seconds=0.2) as chip:
        assert measured(chip) == expected()
        (recovery,) = chip.take_recoveries()
    assert recovery.kind == "timeout"
    assert recovery.remeasured_probes == 2


def test_board_that_is_unplugged_and_comes_back_is_set_up_again(served):
    _, server = served
    with chip_at(server.resource) as chip:
        assert measured(chip) == expected()
        server.close()
        chip._recoverer._sleep = lambda seconds: server.start()
        theta, moves = np.ones(P, np.float32), np.zeros((2, P), np.float32)
        found = chip.measure_dense(theta, np.arange(2, dtype=np.uint32), moves)
        assert found.tolist() == expected()[:2]
        (recovery,) = chip.take_recoveries()
    assert recovery.kind == "restarted"


def test_board_that_stays_away_ends_in_an_error(served):
    _, server = served
    with (  # noqa: PT012 (the board goes inside)
        pytest.raises(LinkError, match=r"retries\.per_block") as caught,
        chip_at(server.resource) as chip,
    ):
        server.close()
        chip.read_parameters()
    assert any("by hand" in note for note in caught.value.__notes__)


def test_second_program_is_told_and_the_first_goes_on(served):
    _, server = served
    with chip_at(server.resource) as chip:
        with (
            pytest.raises(ChipBusyError, match="in use by another program"),
            chip_at(server.resource),
        ):
            pass
        assert measured(chip) == expected()


def run(folder, name, chip):
    folder.mkdir()
    path = folder / f"{name}.yaml"
    path.write_text(
        json.dumps(
            {
                "seed": 5,
                "chip": chip,
                "task": {"dataset": "parity", "bits": 2},
                "training": {
                    "perturbation": {"kind": "random", "amplitude": 0.05},
                    "update": {"rule": "sgd", "learning_rate": 0.5},
                },
                "stop": {"steps": 300},
                "evaluate": {"every_steps": 100},
                "logging": {"parameters_every_updates": 1},
            }
        )
    )
    result = mgd_lab.run(mgd_lab.load_experiment(path), runs_dir=folder / "runs")
    with mgd_lab.open_run(result.path) as opened:
        return opened.costs(), opened.parameters()


def same(found, wanted):
    for mine, theirs in zip(found, wanted, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.fixture
def in_process(tmp_path):
    return run(
        tmp_path / "memory", "memory", {"driver": "emulated", "network": {"layers": [2, 2, 1]}}
    )


@pytest.mark.parametrize("rung", ["dense", "signs"])
def test_training_over_the_line_is_that_in_the_process_bit_for_bit(
    served, in_process, tmp_path, rung
):
    chip = {"driver": "serial", "port": served[1].resource, "rung": rung}
    found = run(tmp_path / rung, rung, chip)
    assert len(found[0].step) == 300
    same(found, in_process)


@pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed")
def test_training_through_socat(served, in_process, tmp_path):
    link = tmp_path / "through"
    board = served[1].resource
    with subprocess.Popen(
        ["socat", f"PTY,raw,echo=0,link={link}", f"FILE:{board},raw,echo=0"]
    ) as between:
        try:
            deadline = time.monotonic() + 10
            while not link.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            found = run(tmp_path / "socat", "socat", {"driver": "serial", "port": str(link)})
        finally:
            between.terminate()
    same(found, in_process)


def test_defaults():
    plain = DRIVER.settings(driver="serial", port="/dev/ttyACM0")
    assert (plain.baud_rate, plain.timeout_seconds) == (115200, 5.0)
    assert (plain.retries.per_block, plain.retries.backoff_seconds) == (3, 0.1)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"port": ""}, "port"),
        ({"baud_rate": 0}, "baud_rate"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"retries": {"per_block": -1}}, "per_block"),
        ({"retries": {"backoff_seconds": -1}}, "backoff_seconds"),
        ({"resource": "ASRL1::INSTR"}, "resource"),
    ],
)
def test_settings_that_do_not_fit_are_refused(keys, says):
    with pytest.raises(ValidationError, match=says):
        DRIVER.settings(driver="serial", **{"port": "/dev/ttyACM0", **keys})
