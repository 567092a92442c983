"""Runs with logs of known numbers, and references beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mgd_lab
from mgd_lab.experiment import resolved_mapping
from mgd_lab.records import Checkpoint, Counters, Evaluation
from mgd_lab.run_store import RunWriter, create_run

EXPERIMENT: dict[str, Any] = {
    "name": "parity",
    "chip": {"driver": "emulated", "network": {"layers": [2, 2, 1]}},
    "task": {"dataset": "parity"},
}


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """A run of 1000 steps with evaluations (step, cost, accuracy), without training anything."""

    def write(
        evaluations: tuple[tuple[int, float, float | None], ...] = (),
        *,
        steps: int = 1000,
        probes_a_step: float = 2,
        reference: dict[str, Any] | None = None,
        **sections: Any,
    ) -> Path:
        file = tmp_path / "experiment.yaml"
        # JSON is YAML.
        file.write_text(json.dumps({**EXPERIMENT, **sections}), encoding="utf-8")
        loaded = mgd_lab.load_experiment(file)
        how = {"reference": reference, "data": {"training_samples": 100}} if reference else {}
        folder = create_run(
            tmp_path / "runs",
            loaded.experiment.name,
            files={},
            resolved=resolved_mapping(loaded.experiment),
            environment=how,
            simulated=True,
            reference="backpropagation" if reference else "",
        )
        with RunWriter(folder) as writer:
            writer.write(Checkpoint(Counters(), 0.0, 0.0, {}))
            for step, cost, accuracy in evaluations:
                writer.write(Evaluation(step, step, "validation", 4, cost, accuracy, 0.0))
            counters = Counters(
                steps=steps,
                probes=0 if reference else round(probes_a_step * steps),
                samples=10 * steps,
                updates=steps,
            )
            state = {"training_seconds": np.array(50.0)}
            writer.write(Checkpoint(counters, 0.0, 0.0, state, "finished"))
        return folder.path

    return write
