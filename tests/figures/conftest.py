from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mgd_lab

EXPERIMENT: dict[str, Any] = {
    "name": "parity",
    "seed": 3,
    "chip": {
        "driver": "emulated",
        "name": "2-2-1 chip",
        "network": {"layers": [2, 2, 1], "activation": "sigmoid", "output_activation": "sigmoid"},
    },
    "task": {"dataset": "parity"},
    "training": {"update": {"rule": "sgd", "learning_rate": 0.5}},
    "stop": {"steps": 3000, "cost_below": 1e-9},
    "evaluate": {"every_steps": 500},
}

Train = Callable[..., Path]


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Trains an emulated chip; keyword arguments replace sections of the experiment."""

    def train_with(**sections: Any) -> Path:
        folder = tmp_path_factory.mktemp("experiment")
        file = folder / "experiment.yaml"
        # JSON is YAML.
        file.write_text(json.dumps({**EXPERIMENT, **sections}), encoding="utf-8")
        experiment = mgd_lab.load_experiment(file)
        path = mgd_lab.run(experiment, runs_dir=folder / "runs").path
        assert path is not None
        return path

    return train_with


@pytest.fixture(scope="session")
def parity_run(train: Train) -> Path:
    return train()


@pytest.fixture(scope="session")
def analog_run(train: Train) -> Path:
    times = {"tau_p": 1, "tau_x": 50, "tau_theta": 2, "tau_hp": 10}
    training = {"algorithm": "analog", "time_constants": times}
    return train(training=training, stop={"steps": 1000})


@pytest.fixture(scope="session")
def nodes_run(train: Train) -> Path:
    return train(training={"perturbation": {"target": "nodes"}}, stop={"steps": 1000})
