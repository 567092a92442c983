"""Trainings on emulated chips, and ways to spoil what they left behind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import mgd_lab
from mgd_lab.run_store.checksums import row_crc

CHIP: dict[str, Any] = {
    "driver": "emulated",
    "name": "2-2-1 chip",
    "network": {"layers": [2, 2, 1], "activation": "sigmoid", "output_activation": "sigmoid"},
}
EXPERIMENT: dict[str, Any] = {
    "name": "parity",
    "seed": 3,
    "chip": CHIP,
    "task": {"dataset": "parity"},
    "training": {"update": {"rule": "sgd", "learning_rate": 0.5}},
    "stop": {"steps": 610},
    "evaluate": {"every_steps": 500},
    "logging": {"parameters_every_updates": 25},
}

Train = Callable[..., Path]
Crc = Literal["as written", "forgotten", "forged"]


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Trains an emulated chip; keyword arguments replace sections of the experiment."""

    def train_with(**sections: Any) -> Path:
        folder = tmp_path_factory.mktemp("experiment")
        file = folder / "experiment.yaml"
        # JSON is YAML.
        file.write_text(json.dumps({**EXPERIMENT, **sections}), encoding="utf-8")
        path = mgd_lab.run(mgd_lab.load_experiment(file), runs_dir=folder / "runs").path
        assert path is not None
        return path

    return train_with


class Log:
    """A run's log, open for forgery."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def change_step(
        self, step: int, column: str, change: Callable[[Any], Any], crc: Crc = "as written"
    ) -> None:
        """Rewrites one number of `samples`, `costs` or `baselines`."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT first_step, count, batch, sample_bytes, samples, costs, baselines"
                " FROM step_blocks WHERE first_step <= ? ORDER BY first_step DESC LIMIT 1",
                (step,),
            ).fetchone()
            layout, blobs = (
                row[:4],
                dict(zip(("samples", "costs", "baselines"), row[4:], strict=True)),
            )
            kind = f"<u{layout[3]}" if column == "samples" else "<f8"
            values = np.frombuffer(blobs[column], kind).copy()
            place = step - layout[0]
            values[place] = change(values[place])
            blobs[column] = values.tobytes()
            connection.execute(
                f"UPDATE step_blocks SET {column} = ? WHERE first_step = ?",
                (blobs[column], layout[0]),
            )
            self._mark(connection, "first_step", layout[0], crc, row_crc(layout, *blobs.values()))

    def change_snapshot(
        self, number: int, parameter: int, change: Callable[[float], float]
    ) -> None:
        """Rewrites one parameter of the first row of snapshots, forging its checksum."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT id, first_step, last_step, count, parameters, steps, updates, theta"
                " FROM parameter_blocks ORDER BY id LIMIT 1"
            ).fetchone()
            identity, *layout = row[:5]
            theta = np.frombuffer(row[7], "<f8").reshape(layout[2], layout[3]).copy()
            theta[number, parameter] = change(theta[number, parameter])
            connection.execute(
                "UPDATE parameter_blocks SET theta = ?, crc = ? WHERE id = ?",
                (theta.tobytes(), row_crc(tuple(layout), *row[5:7], theta.tobytes()), identity),
            )

    def change_state(self, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
        """Rewrites an array of the last checkpoint."""
        with self._open() as connection:
            dtype, data = connection.execute(
                "SELECT dtype, data FROM state WHERE name = ?", (name,)
            ).fetchone()
            changed = change(np.frombuffer(data, dtype).copy()).astype(dtype).tobytes()
            connection.execute(
                "UPDATE state SET data = ?, crc = NULL WHERE name = ?", (changed, name)
            )

    def execute(self, statement: str) -> None:
        with self._open() as connection:
            connection.execute(statement)

    def block_of(self, step: int) -> tuple[int, int]:
        """First step and number of steps of the block that holds a step."""
        with self._open() as connection:
            return connection.execute(
                "SELECT first_step, count FROM step_blocks WHERE first_step <= ?"
                " ORDER BY first_step DESC LIMIT 1",
                (step,),
            ).fetchone()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path / "log.sqlite")

    @staticmethod
    def _mark(connection: sqlite3.Connection, key: str, value: int, crc: Crc, forged: int) -> None:
        if crc != "as written":
            connection.execute(
                f"UPDATE step_blocks SET crc = ? WHERE {key} = ?",
                (forged if crc == "forged" else None, value),
            )


def flip_last_bit(value: float) -> float:
    bits = np.array([value]).view(np.int64) ^ 1
    return float(bits.view(np.float64)[0])


class _Forge:
    """Opens logs for forgery."""

    flip_last_bit = staticmethod(flip_last_bit)

    def __call__(self, path: Path) -> Log:
        return Log(path)


@pytest.fixture(scope="session")
def forge() -> _Forge:
    return _Forge()
