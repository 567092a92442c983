"""`mgd-lab replay` on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mgd_lab.cli.app import app


@pytest.fixture(scope="session")
def recorded(train) -> Path:
    return train()


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(app, ["replay", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_reproduced(recorded: Path) -> None:
    result = call(recorded, "--json")
    assert result.exit_code == 0
    assert (
        "all 26 snapshots of the parameters, and the state after 610 steps, are reproduced bit "
        "for bit" in result.stdout
    )
    assert "(simulated)" in result.stdout
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["reproduced"] is True
    assert summary["first_difference"] is None
    assert summary["explored"] is None
    assert (summary["steps"], summary["snapshots"]) == (610, 26)
    assert Path(summary["run"]) == recorded


def test_not_reproduced(recorded: Path, forge, tmp_path: Path) -> None:
    path = Path(shutil.copytree(recorded, tmp_path / "run"))
    forge(path).change_step(333, "costs", lambda cost: cost + 0.01, crc="forged")
    result = call(path, "--json")
    assert result.exit_code == 3
    assert "NOT reproduced: 14 of 26 snapshots of the parameters agree" in result.stdout
    assert "steps 325 to 349: the snapshot after step 350 is not reproduced" in result.stdout
    assert "step 333 (recorded cost off by +0.01)" in result.stdout
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["reproduced"] is False
    assert summary["first_difference"]["first_step"] == 325


def test_exploring(recorded: Path) -> None:
    result = call(recorded, "--set", "training.update.learning_rate=0.4", "--json")
    assert result.exit_code == 0
    assert "stops to mean something at step" in result.stdout
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["explored"]["stops_at"] > 0
    # The angle of no change is no number, and JSON has none for it.
    assert summary["explored"]["deviations"][0]["angle_degrees"] is None


def test_refused(recorded: Path, tmp_path: Path) -> None:
    result = call(recorded, "--set", "seed=4")
    assert result.exit_code == 2
    assert "error: --set seed: it decided what was measured" in result.stderr
    assert call(tmp_path / "nowhere").exit_code == 2
