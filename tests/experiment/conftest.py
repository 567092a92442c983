from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment import ChipSettings, EmulationSettings, LoadedExperiment, load_experiment


class EmulatedSettings(ChipSettings, EmulationSettings):
    pass


class InstrumentSettings(ChipSettings):
    resource: str
    timeout_seconds: float = Field(default=2.0, gt=0)


DRIVERS: dict[str, type[ChipSettings]] = {"emulated": EmulatedSettings, "scpi": InstrumentSettings}

CHIP = """\
driver: emulated
name: tiny
network:
  layers: [2, 2, 1]
"""

EXPERIMENT = """\
name: tiny
chip: chip.yaml
task: {dataset: parity, bits: 2}
"""


class Bench:
    """A folder with a chip file, in which experiment files are written and loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "tiny.yaml"
        self.write(CHIP, "chip.yaml")

    def write(self, text: str | bytes, name: str = "tiny.yaml") -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load(self, text: str | bytes | None = None, **options: Any) -> LoadedExperiment:
        if text is not None:
            self.write(text)
        return load_experiment(self.path, drivers=DRIVERS, **options)

    def problems(self, text: str | bytes | None = None, **options: Any) -> list[str]:
        """Lines of the error, without the folder in front of file names."""
        with pytest.raises(ExperimentFileError) as caught:
            self.load(text, **options)
        assert caught.value.exit_code == 2
        return str(caught.value).replace(f"{self.folder}/", "").splitlines()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def drivers() -> dict[str, type[ChipSettings]]:
    return DRIVERS


@pytest.fixture
def base() -> str:
    return EXPERIMENT
