"""`kill -9` at random moments: of trainings, and of the server of an emulated chip."""

from __future__ import annotations

import os
import random
import selectors
import signal
import subprocess
import sys
import time

import pytest

CODE = "from mgd_lab.cli import main; main()"
PATIENCE_SECONDS = 60.0
LONGEST_SECONDS = 1.2
EMULATED = {"driver": "emulated", "network": {"layers": [2, 2, 1]}}
WINDOWS = {"time_constants": {"tau_p": 2, "tau_x": 12, "tau_theta": 50}}
ADAM = {"update": {"rule": "adam", "scale": "mean", "learning_rate": 0.01}}
LEARNS = {"logging": {"costs": "none", "checkpoint_every_seconds": 0.05}}


class Program:
    """`mgd-lab`, as a process."""

    def __init__(self, *arguments, cwd):
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment,
        )  # fmt: skip

    def first_line(self):
        """What it says first; "" where it ends before."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(PATIENCE_SECONDS), "it says nothing"
        return self.process.stdout.readline().strip()

    def kill_after(self, seconds):
        """Whether it was still alive then."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            return True
        self.process.communicate()
        return False

    def end(self):
        """Exit code and what it wrote to stderr."""
        _, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, errors


@pytest.fixture
def program(tmp_path):
    """Starts `mgd-lab`; whatever is left is killed."""
    started = []

    def start(*arguments):
        started.append(Program(*arguments, cwd=tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait(PATIENCE_SECONDS)
        each.process.stdout.close()
        each.process.stderr.close()


@pytest.fixture
def server(tmp_path, program):
    """A function: kind → an emulated chip behind it, and the keys of a chip file."""

    def start(kind):
        chip = tmp_path / "emulated.yaml"
        chip.write_text("driver: emulated\nnetwork: {layers: [2, 2, 1]}\n")
        if kind == "tcp":
            served = program("emulate", chip, "--tcp", "0")
            return served, {"driver": "scpi", "resource": served.first_line()}
        link = tmp_path / "board"
        served = program("emulate", chip, "--serial", link)
        assert served.first_line()
        return served, {"driver": "serial", "port": str(link), "baud_rate": 4_000_000}

    return start


def killed_again_and_again(program, folder, path, kills, seed):
    """A training that is killed so many times, and then left to its end; its folder."""
    rng = random.Random(seed)
    first = program("run", path, "--runs-dir", folder / "runs")
    assert first.first_line().startswith("run ")
    done = first.kill_after(rng.uniform(0.0, LONGEST_SECONDS / 2))
    assert done, "the training ended before it could be killed"
    [run] = (folder / "runs").iterdir()
    while True:
        again = program("resume", run)
        # From the start of the process: opening, arming and reading the log are hit too.
        if done >= kills:
            code, errors = again.end()
            # The last kill may have come when the run had ended, and its process had not.
            assert code == 0 or "has ended (finished)" in errors, errors
            return run, done
        if not again.kill_after(rng.uniform(0.2, LONGEST_SECONDS)):
            return run, done
        done += 1


CASES = {
    "memory, every step": ("memory", {}),
    "memory, windows": ("memory", {"training": WINDOWS}),
    "memory, learns": ("memory", {"training": WINDOWS, **LEARNS}),
    "tcp, adam": ("tcp", {"training": {**WINDOWS, **ADAM}}),
    "pty, windows": ("pty", {"training": WINDOWS}),
}

# The others are done too soon to be killed.
STEPS = {"memory, every step": 12_000, "memory, learns": 120_000}


def check(
    tmp_path, program, server, experiment_file, reference, differing, case, kills, steps, seed
):
    way, sections = CASES[case]
    # The same chip is in memory: where it is served from must not matter.
    chip = EMULATED if way == "memory" else server(way)[1]
    path = experiment_file(tmp_path, chip=chip, steps=steps, **sections)
    run, done = killed_again_and_again(program, tmp_path, path, kills, seed)
    assert differing(run, reference(steps=steps, **sections)) == []
    return done


@pytest.mark.parametrize("case", CASES)
def test_killed_trainings_end_as_if_never_killed(
    tmp_path, program, server, experiment_file, reference, differing, case
):
    done = check(
        tmp_path, program, server, experiment_file, reference, differing, case,
        kills=4, steps=STEPS.get(case, 40_000), seed=1,
    )  # fmt: skip
    assert done >= 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", CASES)
def test_trainings_killed_forty_times_end_as_if_never_killed(
    tmp_path, program, server, experiment_file, reference, differing, case
):
    done, seed = 0, 100
    while done < 40:
        seed += 1
        folder = tmp_path / str(seed)
        folder.mkdir()
        done += check(
            folder, program, server, experiment_file, reference, differing, case,
            kills=40 - done, steps=60_000, seed=seed,
        )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_training_that_is_told_to_stop_goes_on_exactly(
    tmp_path, program, experiment_file, reference, differing, number
):
    path = experiment_file(tmp_path, steps=40_000, training=WINDOWS)
    first = program("run", path, "--runs-dir", tmp_path / "runs")
    assert first.first_line().startswith("run ")
    first.process.send_signal(number)
    code, errors = first.end()
    assert code == 130, errors
    [run] = (tmp_path / "runs").iterdir()
    code, errors = program("resume", run).end()
    assert code == 0, errors
    assert differing(run, reference(steps=40_000, training=WINDOWS)) == []


def test_a_run_whose_chip_dies_goes_on_with_one_like_it(
    tmp_path, program, server, experiment_file, reference, differing
):
    served, chip = server("tcp")
    chip["timeout_seconds"] = 0.5
    chip["retries"] = {"per_block": 1, "backoff_seconds": 0.01}
    path = experiment_file(tmp_path, chip=chip, steps=30_000, training=WINDOWS)
    first = program("run", path, "--runs-dir", tmp_path / "runs")
    assert first.first_line().startswith("run ")
    time.sleep(0.1)  # somewhere in the training; where does not matter
    served.process.kill()
    code, errors = first.end()
    assert code == 3, errors
    assert "could not be verified" in errors
    [run] = (tmp_path / "runs").iterdir()
    _, another = server("tcp")
    code, errors = program("resume", run, "--set", f"chip.resource={another['resource']}").end()
    assert code == 0, errors
    assert differing(run, reference(steps=30_000, training=WINDOWS)) == []
