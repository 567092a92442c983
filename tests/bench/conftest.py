from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mgd_lab import load_experiment
from mgd_lab.experiment import LoadedExperiment


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


BASE: dict[str, Any] = {
    "name": "test",
    "seed": 3,
    "chip": {"driver": "emulated", "name": "bench chip", "network": {"layers": [2, 2, 1]}},
    "task": {"dataset": "parity"},
    "training": {"update": {"learning_rate": 0.5}},
    "stop": {"steps": 50},
}


@pytest.fixture
def load(tmp_path: Path):
    """A small experiment with changes, through a file."""

    def make(**changes: Any) -> LoadedExperiment:
        file = tmp_path / "experiment.yaml"
        file.write_text(json.dumps(_merged(BASE, changes)), encoding="utf-8")
        return load_experiment(file)

    return make
