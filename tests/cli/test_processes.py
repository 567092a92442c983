"""Signals, pipes and terminals: what only a process of its own can show."""

import os
import pty
import select
import signal
import subprocess

import numpy as np
import pytest

from mgd_lab import open_run
from sim_instruments.emulated import EmulatedChip


def _after_interruption(desk, process):
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    with open_run(desk.run) as run:
        assert run.summary["status"] == "interrupted"
        steps = run.counters.steps
        costs = run.costs()
        np.testing.assert_array_equal(costs.step, np.arange(steps))
        assert np.isfinite(costs.cost).all()
        assert run.summary["steps"] == steps > 0
        assert run.parameters().update[-1] == run.counters.updates
        assert "interrupted" in run.events().kind
    return out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_a_run_properly(desk, number):
    process = desk.training("--json")
    process.send_signal(number)
    out = _after_interruption(desk, process)
    assert '"status": "interrupted"' in out.splitlines()[-1]


@pytest.mark.parametrize(("torn", "code"), [(KeyboardInterrupt, 130), (ZeroDivisionError, 1)])
def test_a_run_that_is_torn_out_of_a_block_tells_its_summary(desk, monkeypatch, torn, code):
    measured, done = EmulatedChip.measure_signs, []

    def tearing(self, *arguments):
        done.append(1)
        if len(done) == 100:
            raise torn
        return measured(self, *arguments)

    monkeypatch.setattr(EmulatedChip, "measure_signs", tearing)
    monkeypatch.chdir(desk.folder)
    ended = desk.call("run", "tiny.yaml", "--json")
    assert ended.code == code
    assert ended.last["status"] == ("interrupted" if code == 130 else "failed")
    resumed = desk.call("resume", ended.last["run"], "--json")
    assert (resumed.code, resumed.last["steps"]) == (0, 200)


def test_nohup_outlives_the_terminal(desk):
    process = desk.training(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    with open_run(desk.run) as run:
        before = run.counters.steps
    process.send_signal(signal.SIGHUP)

    def goes_on():
        with open_run(desk.run) as run:
            return run.counters.steps > before + 1000

    desk.wait_for(goes_on)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _after_interruption(desk, process)


def test_kill_9_leaves_a_run_that_can_be_read(desk):
    process = desk.training()
    assert "running" in desk.call("show", desk.run).out
    process.kill()
    process.communicate(timeout=100)
    shown = desk.call("show", desk.run, "--json")
    assert shown.code == 0
    assert "crashed" in shown.out
    assert shown.last["status"] == "crashed"
    assert shown.last["steps"] > 0
    with open_run(desk.run) as run:
        assert len(run.costs().cost) == run.counters.steps


def test_a_pipe_that_closes_early(desk):
    for arguments in (("schema",), ("--help",)):
        process = desk.start(*arguments)
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=100)
        assert err == ""
        assert process.returncode in (0, 1)


def test_a_run_into_a_closed_pipe_still_trains(desk):
    """The last lines of a long run find nobody who reads them: it keeps its exit code."""
    read, write = os.pipe()
    process = desk.start(
        "run",
        "tiny.yaml",
        "--set",
        "stop={steps: 20000, cost_below: 1e-9}",
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert os.read(read, 10).startswith(b"run ")
    os.close(read)
    _, err = process.communicate(timeout=100)
    assert "Traceback" not in err
    assert "internal error" not in err
    with open_run(desk.run) as run:
        assert run.summary["status"] == "target_missed"
    assert process.returncode == 5


def test_quiet_where_stdout_is_no_terminal(desk):
    process = desk.start("run", "tiny.yaml")
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0
    assert "\x1b" not in out + err
    assert "\r" not in out
    assert len(out.splitlines()) == 4
    assert err == ""


def _on_a_terminal(desk, *arguments):
    master, slave = pty.openpty()
    process = desk.training(
        *arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    return master, process


def _read_until(master, words, seconds=100.0):
    seen = b""
    while words not in seen and select.select([master], [], [], seconds)[0]:
        try:
            seen += os.read(master, 4096)
        except OSError:
            break
    return seen


def test_a_progress_line_on_a_terminal(desk):
    master, process = _on_a_terminal(desk)
    seen = _read_until(master, b"steps/s")
    assert b"tiny" in seen
    assert b"step " in seen
    process.send_signal(signal.SIGINT)
    rest = _read_until(master, b"evaluation probes")
    process.wait(timeout=100)
    os.close(master)
    assert process.returncode == 130
    assert b"interrupted after" in rest
    assert b"Traceback" not in rest


def test_a_terminal_that_is_closed(desk):
    """Closing the window hangs up: SIGHUP, and writing to the terminal fails from then on."""
    master, process = _on_a_terminal(desk)
    _read_until(master, b"steps/s")
    os.close(master)
    process.send_signal(signal.SIGHUP)
    process.wait(timeout=100)
    assert process.returncode == 130
    with open_run(desk.run) as run:
        assert run.summary["status"] == "interrupted"
