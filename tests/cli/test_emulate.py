"""`mgd-lab emulate` as a process: what it prints, whom it serves, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from typer.testing import CliRunner

import mgd_lab
from drivers.scpi import DRIVER
from drivers.serial_board import DRIVER as SERIAL
from mgd_lab.cli.app import app

MGD_LAB = [sys.executable, "-c", "from mgd_lab.cli import main; main()"]
CHIP = "driver: emulated\nname: served chip\nnetwork: {layers: [2, 2, 1]}\n"


@contextmanager
def emulator(folder, *options, endpoints, chip=CHIP):
    """The process and the resource strings that it printed."""
    path = folder / "served.yaml"
    path.write_text(chip)
    command = [*MGD_LAB, "emulate", str(path), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process, [process.stdout.readline().rstrip("\n") for _ in range(endpoints)]
    finally:
        process.kill()
        process.communicate()


def refused(folder, *options, chip=CHIP):
    path = folder / "served.yaml"
    path.write_text(chip)
    return CliRunner().invoke(app, ["emulate", str(path), *options])


def port_of(resource):
    return int(resource.split("::")[2].removeprefix("hislip0,"))


def test_endpoints_share_one_chip(tmp_path):
    link = tmp_path / "board"
    options = ("--tcp", "0", "--hislip", "0", "--serial", str(link))
    with emulator(tmp_path, *options, endpoints=3) as (process, resources):
        tcp, hislip, serial = resources
        assert tcp == f"TCPIP0::127.0.0.1::{port_of(tcp)}::SOCKET"
        assert hislip == f"TCPIP0::127.0.0.1::hislip0,{port_of(hislip)}::INSTR"
        assert serial == str(link)
        assert link.readlink().is_char_device()
        values = np.arange(9.0)
        with served_at(tcp) as chip:
            assert chip.identity["serial"] == "served chip"
            chip.write_parameters(values)
        with served_at(hislip) as chip:
            # Left at its safe values by the client before.
            assert chip.read_parameters().tolist() == [0.0] * 9
            chip.write_parameters(values)
            assert chip.read_parameters().tolist() == values.tolist()
        with SERIAL.build(SERIAL.settings(driver="serial", port=serial), None) as chip:
            assert chip.identity["serial"] == "served chip"
            chip.write_parameters(values)
            assert chip.read_parameters().tolist() == values.tolist()
        process.terminate()
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
        assert not link.exists()


def served_at(resource):
    settings = DRIVER.settings(driver="scpi", resource=resource, visa_library="@py")
    return DRIVER.build(settings, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_it_with_0_while_a_client_is_connected(tmp_path, number):
    with emulator(tmp_path, "--tcp", "0", endpoints=1) as (process, resources):
        with socket.create_connection(("127.0.0.1", port_of(resources[0])), timeout=5) as client:
            client.sendall(b"*OPC?\n")
            assert client.recv(10) == b"1\n"
            os.kill(process.pid, number)
            assert client.recv(10) == b""
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
        assert process.stdout.read() == ""


def test_every_start_is_a_new_session(tmp_path):
    epochs = set()
    for _ in range(2):
        with (
            emulator(tmp_path, "--tcp", "0", endpoints=1) as (_, resources),
            socket.create_connection(("127.0.0.1", port_of(resources[0])), 5) as client,
        ):
            client.sendall(b"CHIP:EPOC?\n")
            epochs.add(client.makefile("rb").readline())
    assert len(epochs) == 2


def test_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = refused(tmp_path, "--hislip", "0", "--tcp", port)
    assert ended.exit_code == 2
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "another port" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("chip", "options", "words"),
    [
        (CHIP, (), "--tcp 5025"),
        (CHIP, ("--tcp", "70000"), "65535"),
        (CHIP, ("--tcp", "0", "--host", "host.invalid"), "host.invalid:0"),
        ("driver: emulated\n", ("--tcp", "0"), "served.yaml:1: network"),
        ("driver: emulatd\n", ("--tcp", "0"), "emulated"),
        ("driver: scpi\nresource: A::INSTR\n", ("--tcp", "0"), "needs the key network"),
        ("driver: serial\nport: /dev/ttyX\n", ("--tcp", "0"), "needs the key network"),
        ("a: [\n", ("--tcp", "0"), "served.yaml"),
    ],
)
def test_wrong_calls(tmp_path, chip, options, words):
    ended = refused(tmp_path, *options, chip=chip)
    assert ended.exit_code == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


EXPERIMENT = """\
name: same
seed: 5
chip: chip.yaml
task: {dataset: parity, bits: 2}
training:
  perturbation: {kind: random, amplitude: 0.05}
  time_constants: {tau_p: 1, tau_x: 2, tau_theta: 4}
  update: {learning_rate: 0.5}
stop: {steps: 400}
logging: {costs: all, parameters_every_updates: 1}
"""


def trained(folder, chip):
    folder.mkdir()
    (folder / "chip.yaml").write_text(chip)
    (folder / "same.yaml").write_text(EXPERIMENT)
    experiment = mgd_lab.load_experiment(folder / "same.yaml")
    result = mgd_lab.run(experiment, runs_dir=folder / "runs")
    run = mgd_lab.open_run(result.path)
    return run.costs().cost.tobytes(), run.parameters().theta.tobytes()


@pytest.mark.parametrize("rung", ["forward", "dense", "signs", "auto"])
def test_training_over_both_protocols_equals_training_in_the_process(tmp_path, rung):
    here = trained(tmp_path / "here", f"{CHIP}rung: {rung}\n")
    with emulator(tmp_path, "--tcp", "0", "--hislip", "0", endpoints=2) as (_, resources):
        for number, resource in enumerate(resources):
            chip = f"driver: scpi\nresource: '{resource}'\nvisa_library: '@py'\nrung: {rung}\n"
            assert trained(tmp_path / f"there{number}", chip) == here


def test_pacing_slows_every_exchange(tmp_path):
    paced = f"{CHIP}latency_seconds: 0.05\n"
    with (
        emulator(tmp_path, "--tcp", "0", endpoints=1, chip=paced) as (_, resources),
        served_at(resources[0]) as chip,
    ):
        assert chip.description.exchange_seconds == 0.05
        started = time.monotonic()
        for _ in range(4):
            chip.read_parameters()
        assert time.monotonic() - started >= 0.2
