import sqlite3
from pathlib import Path

import pytest

from mgd_lab.run_store import RunFolder, create_run


@pytest.fixture
def make_run(tmp_path: Path):
    def make(name: str = "parity2", **options) -> RunFolder:
        given = {
            "files": {"experiment.yaml": "name: parity2  # as given\n"},
            "resolved": {"name": name, "seed": 3},
            "environment": {"python": "3"},
            "simulated": True,
        }
        return create_run(tmp_path / "runs", name, **{**given, **options})

    return make


@pytest.fixture
def change():
    """Something else than this program wrote into a log."""

    def change(folder: RunFolder, *statements: str) -> None:
        with sqlite3.connect(folder.log) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return change
