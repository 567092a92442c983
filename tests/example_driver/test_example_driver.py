"""The example driver: installed from its own package, found, tested for conformance, trained."""

import configparser
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "docs" / "example-driver"
CODE = "from mgd_lab.cli import main; main()"


def wheel(folder: Path) -> Path:
    """What a build backend makes of the package's pyproject.toml, without asking a registry."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    entries = configparser.ConfigParser(delimiters="=")
    entries.read_dict(project["entry-points"])
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for module in sorted((PACKAGE / "example_board").glob("*.py")):
            archive.write(module, f"example_board/{module.name}")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        with archive.open(f"{info}/entry_points.txt", "w") as file:
            lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries[group].items())
                     for group in entries.sections()]  # fmt: skip
            file.write("".join(lines).encode())
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The command line, in an environment where the package is installed."""
    folder = tmp_path_factory.mktemp("example")
    target = folder / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--disable-pip-version-check", "--target", target, wheel(folder)],
        check=True, timeout=100,
    )  # fmt: skip
    paths = [str(target), str(PACKAGE.parents[1])]

    def call(*arguments) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", CODE, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            cwd=folder, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    return call


def test_it_trains(installed):
    ended = installed("run", PACKAGE / "parity2.yaml", "--json", "--set", "stop={steps: 60}")
    assert ended.returncode == 0, ended.stderr
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert summary["steps"] == 60
    assert summary["simulated"]


def test_it_conforms(installed):
    ended = installed("conformance", PACKAGE / "chip.yaml", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = json.loads(ended.stdout.splitlines()[-1])
    passed = {check["name"] for check in summary["checks"] if check["status"] == "passed"}
    assert {"registers", "limits", "pairing[forward]", "grouping[forward]", "safe_state"} <= passed


def test_it_is_not_found_where_it_is_not_installed(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", CODE, "conformance", str(PACKAGE / "chip.yaml")],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parents[1])},
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "example_board" in ended.stderr


def test_it_is_short():
    assert len((PACKAGE / "example_board" / "driver.py").read_text().splitlines()) < 100
