"""`mgd-lab run` against an emulated chip in a process of its own, which tells how it was left."""

from __future__ import annotations

import json
import os
import pty
import resource as limits
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from drivers.scpi import DRIVER
from drivers.scpi_settings import ScpiSettings
from mgd_lab import open_run
from mgd_lab.chip import SwitchesOutputs
from mgd_lab.errors import NOT_VERIFIED, MgdLabError

MGD_LAB = [sys.executable, "-c", "from mgd_lab.cli import main; main()"]
SERVED = "driver: emulated\nname: served chip\nnetwork: {layers: [2, 2, 1]}\n"
SAFE = 0.125
EXPERIMENT = {
    "name": "safety",
    "seed": 3,
    "task": {"dataset": "parity", "bits": 2},
    "training": {"update": {"learning_rate": 0.5}},
    "logging": {"checkpoint_every_seconds": 0.05},
}
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def serve(folder):
    (folder / "served.yaml").write_text(SERVED)
    command = [*MGD_LAB, "emulate", str(folder / "served.yaml"), "--tcp", "0"]
    process = subprocess.Popen(command, **PIPES)
    return process, process.stdout.readline().strip()


@pytest.fixture(scope="module")
def resource(tmp_path_factory):
    """Where an emulated chip answers."""
    process, found = serve(tmp_path_factory.mktemp("served"))
    yield found
    process.kill()
    process.communicate()


def left_safe(resource):
    """As the chip itself tells whoever asks next."""
    with DRIVER.build(ScpiSettings(driver="scpi", resource=resource), None) as chip:
        assert np.array_equal(chip.read_parameters(), np.full(9, SAFE))
        if "output_switch" in chip.description.features and isinstance(chip, SwitchesOutputs):
            assert not chip.outputs_are_on()
    return True


@pytest.fixture
def start(tmp_path):
    """Starts a run, or what else, and waits until it trains where it never ends by itself."""
    processes = []

    def make(resource, *arguments, command="run", stop=None, chip=None, training=None, **options):
        (tmp_path / "chip.yaml").write_text(
            json.dumps(
                {
                    "driver": "scpi",
                    "resource": resource,
                    "timeout_seconds": 0.5,
                    "retries": {"per_block": 1, "backoff_seconds": 0.05},
                    "rung": "signs",
                    "limits": {"parameters": {"low": -50, "high": 50, "safe": SAFE}},
                    **(chip or {}),
                }
            )
        )
        experiment = {
            **EXPERIMENT,
            "chip": "chip.yaml",
            "stop": stop or {"seconds": 600},
            "training": {**EXPERIMENT["training"], **(training or {})},
        }
        (tmp_path / "safety.yaml").write_text(json.dumps(experiment))
        process = subprocess.Popen(
            [*MGD_LAB, command, "safety.yaml", *arguments],
            cwd=tmp_path,
            **{**PIPES, **options},
        )
        processes.append(process)
        limit = time.monotonic() + 100
        while stop is None and command == "run" and steps(tmp_path) == 0 and process.poll() is None:
            assert time.monotonic() < limit
            time.sleep(0.02)
        return process

    yield make
    for process in processes:
        process.kill()
        process.communicate()


def runs(folder):
    return sorted(path for path in (folder / "runs").iterdir() if path.is_dir())


def steps(folder):
    try:
        with open_run(runs(folder)[-1]) as run:
            return run.counters.steps
    except (MgdLabError, OSError, IndexError):
        return 0


def ended(process, folder):
    out, err = process.communicate(timeout=100)
    assert "Traceback" not in (out or "") + (err or "")
    with open_run(runs(folder)[-1]) as run:
        events = run.events()
        return SimpleNamespace(
            code=process.returncode,
            out=out or "",
            err=err or "",
            status=run.summary["status"],
            steps=run.counters.steps,
            kinds=list(events.kind),
            details=list(events.details),
        )


def test_the_end_of_training(resource, start, tmp_path):
    found = ended(start(resource, stop={"steps": 200}), tmp_path)
    assert (found.code, found.steps) == (0, 200)
    assert left_safe(resource)
    assert found.kinds[0] == "armed"
    assert found.kinds[-1] == "made_safe"
    assert found.details[-1]["parameters"] == [SAFE] * 9


def test_sigterm(resource, start, tmp_path):
    process = start(resource)
    process.terminate()
    found = ended(process, tmp_path)
    assert (found.code, found.status) == (130, "interrupted")
    assert left_safe(resource)
    assert found.kinds[-2:] == ["interrupted", "made_safe"]


def test_ctrl_c_twice_and_more(resource, start, tmp_path):
    process = start(resource)
    for _ in range(6):
        process.send_signal(signal.SIGINT)
        time.sleep(0.005)
    found = ended(process, tmp_path)
    assert (found.code, found.status) == (130, "interrupted")
    # The instrument's own word. The log may have been torn while it was handed over, and then ends
    # with its last checkpoint.
    assert left_safe(resource)
    assert found.kinds[0] == "armed"


def test_a_closed_terminal(resource, start, tmp_path):
    master, slave = pty.openpty()
    terminal = {"stdin": slave, "stdout": slave, "stderr": slave, "start_new_session": True}
    process = start(resource, **terminal)
    os.close(slave)
    os.close(master)
    process.send_signal(signal.SIGHUP)
    found = ended(process, tmp_path)
    assert (found.code, found.status) == (130, "interrupted")
    assert left_safe(resource)
    assert found.kinds[-1] == "made_safe"


def test_a_full_disk(resource, start, tmp_path):
    """No file may grow beyond what the log soon needs."""
    process = start(
        resource,
        preexec_fn=lambda: limits.setrlimit(limits.RLIMIT_FSIZE, (600_000, 600_000)),
    )
    out, err = process.communicate(timeout=100)
    assert process.returncode == 3, out + err
    assert "cannot write" in err
    assert NOT_VERIFIED not in err
    assert left_safe(resource)


def test_a_lost_link(start, tmp_path):
    server, resource = serve(tmp_path)
    try:
        process = start(resource)
        server.kill()
        found = ended(process, tmp_path)
    finally:
        server.kill()
        server.communicate()
    assert (found.code, found.status) == (3, "failed")
    assert found.err.count(NOT_VERIFIED) == 1, found.err
    assert found.kinds[-1] == "not_made_safe"


def test_one_controller_at_a_time(resource, start, tmp_path):
    first = start(resource)
    others = [start(resource, command=name, stop={"steps": 10}) for name in ("run", "check")]
    for other in others:
        out, err = other.communicate(timeout=100)
        assert other.returncode == 3, out + err
        assert f"is in use by process {first.pid} (" in err
    first.send_signal(signal.SIGINT)
    assert first.wait(60) == 130
    assert left_safe(resource)


def test_a_dead_controller_is_no_controller(resource, start, tmp_path):
    start(resource).kill()
    found = ended(start(resource, stop={"steps": 50}), tmp_path)
    assert found.code == 0
    assert left_safe(resource)
