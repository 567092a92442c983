from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mgd_lab.cli.app import app

EXPERIMENT = """\
name: tiny
seed: 3
chip: chip.yaml
task: {dataset: parity, bits: 2}
training:
  update: {learning_rate: 0.5}
stop: {steps: 200}
"""

CHIP = """\
driver: emulated
name: tiny chip
rung: signs
network:
  layers: [2, 2, 1]
"""


@dataclass
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> dict[str, Any]:
        return json.loads(self.out.splitlines()[-1])


class Desk:
    """A folder with an experiment and a chip file, and a command line in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []
        self.write("tiny.yaml", EXPERIMENT)
        self.write("chip.yaml", CHIP)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def call(self, *arguments: Any) -> Ended:
        """In this process."""
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    def start(self, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
        """As a process of its own."""
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, "-c", "from mgd_lab.cli import main; main()"]
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            **{**pipes, **options},
        )
        self._started.append(process)
        return process

    def clear(self) -> None:
        """No run without end is left behind by a test that failed."""
        for process in self._started:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def training(self, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
        """A run without end, in the middle of its training when this returns."""
        process = self.start(
            "run",
            "tiny.yaml",
            "--set",
            "stop={seconds: 3600}",
            "--set",
            "logging.checkpoint_every_seconds=0.05",
            *arguments,
            **options,
        )
        self.wait_for(lambda: self._steps() > 0 or process.poll() is not None)
        return process

    def _steps(self) -> int:
        from mgd_lab import open_run
        from mgd_lab.errors import MgdLabError

        try:
            with open_run(self.run) as run:
                return run.counters.steps
        except (MgdLabError, IndexError, OSError):
            return 0

    @staticmethod
    def wait_for(condition: Callable[[], bool], seconds: float = 100.0) -> None:
        limit = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < limit, "it did not happen in time"
            time.sleep(0.01)

    @property
    def run(self) -> Path:
        """The newest run."""
        return sorted(p for p in (self.folder / "runs").iterdir() if p.is_dir())[-1]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    desk = Desk(tmp_path)
    yield desk
    desk.clear()
