"""docs/project.md: its table and its hardware file are those of the program."""

import re
from pathlib import Path

from typer.testing import CliRunner

from mgd_lab.cli.app import app
from mgd_lab.projection import HardwareSettings, load_hardware

DOCUMENT = (Path(__file__).parents[2] / "docs" / "project.md").read_text(encoding="utf-8")


def test_the_published_table_is_what_the_program_prints():
    (table,) = re.findall(r"```\n(McCaughan.*?)```", DOCUMENT, re.DOTALL)
    assert CliRunner().invoke(app, ["project", "--paper"]).stdout == table


def test_the_hardware_file_holds_every_key(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    hardware = load_hardware(file)
    assert hardware.name == "my photonic chip"
    assert all(f"{key}:" in text for key in HardwareSettings.model_fields)
