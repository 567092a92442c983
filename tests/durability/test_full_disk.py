"""A disk that is full ends a run, and the run goes on when there is room again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

CODE = "from mgd_lab.cli import main; main()"
WINDOWS = {"training": {"time_constants": {"tau_theta": 50}}}
STEPS = 60_000


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes, and a function that makes it larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None or os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    mounted = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")

    def enlarge():
        subprocess.run([mount, "-o", "remount,size=40m", str(disk)], check=True)

    yield disk, enlarge
    subprocess.run([umount, "-l", str(disk)], check=True)


def program(*arguments):
    return subprocess.run(
        [sys.executable, "-c", CODE, *map(str, arguments)],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip


@pytest.mark.parametrize("guard", [{}, {"disk": {"free_bytes": 0}}])
def test_a_full_disk_ends_the_run_and_it_goes_on_when_there_is_room(
    tmp_path, small_disk, experiment_file, reference, differing, guard
):
    disk, enlarge = small_disk
    path = experiment_file(tmp_path, steps=STEPS, guards=guard, **WINDOWS)
    ended = program("run", path, "--runs-dir", disk / "runs", "--json")
    assert ended.returncode == 3, ended.stderr
    assert "disk" in ended.stderr
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert summary["status"] == "failed"
    enlarge()
    again = program("resume", summary["run"])
    assert again.returncode == 0, again.stderr
    assert differing(summary["run"], reference(steps=STEPS, **WINDOWS)) == []
