"""Networks of chips in PyTorch, and experiments to train them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mgd_lab
from mgd_lab.experiment import NetworkSettings
from mgd_lab.reference import ReferenceResult, run_reference
from sim_instruments.emulated_network import network_of
from sim_instruments.engines import Network

NETWORKS: dict[str, dict[str, Any]] = {
    "sigmoid": {"layers": [3, 4, 2]},
    "tanh, linear": {"layers": [3, 5, 4, 2], "activation": "tanh", "output_activation": "linear"},
    "relu, softmax": {"layers": [3, 6, 3], "activation": "relu", "output_activation": "softmax"},
    "chain": {
        "kind": "chain",
        "input": [2, 9, 8],
        "layers": [
            {"kind": "conv", "out_channels": 3, "kernel": [3, 2]},
            {"kind": "relu"},
            {"kind": "max_pool", "size": 2},
            {"kind": "conv", "out_channels": 4, "kernel": [2, 2]},
            {"kind": "tanh"},
            {"kind": "dense", "outputs": 3},
            {"kind": "softmax"},
        ],
    },
}

EXPERIMENT: dict[str, Any] = {
    "name": "parity",
    "seed": 10,
    "chip": {"driver": "emulated", "network": {"layers": [2, 2, 1]}},
    "task": {"dataset": "parity"},
    "training": {"initial": {"low": -2.0, "high": 2.0}},
    "stop": {"steps": 200},
    "reference": {"learning_rate": 0.05, "steps": 40, "threads": 1, "device": "cpu"},
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Network:
    """One of each sort."""
    text = json.dumps(NETWORKS[request.param])
    return network_of(NetworkSettings.model_validate_json(text))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Many threads of many workers on few cores would only wait for one another."""
    if find_spec("torch") is None:
        yield
        return
    torch: Any = import_module("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def experiment(tmp_path: Path) -> Callable[..., Any]:
    """A loaded experiment; keyword arguments replace sections."""

    def loaded(**sections: Any) -> Any:
        file = tmp_path / "experiment.yaml"
        # JSON is YAML.
        file.write_text(json.dumps({**EXPERIMENT, **sections}), encoding="utf-8")
        return mgd_lab.load_experiment(file)

    return loaded


@pytest.fixture
def train(experiment: Callable[..., Any], tmp_path: Path) -> Callable[..., ReferenceResult]:
    """Trains; keyword arguments replace sections of the experiment, or keys of `reference`."""

    def trained(reference: dict[str, Any] | None = None, **sections: Any) -> ReferenceResult:
        sections["reference"] = {**EXPERIMENT["reference"], **(reference or {})}
        return run_reference(experiment(**sections), runs_dir=tmp_path / "runs")

    return trained
