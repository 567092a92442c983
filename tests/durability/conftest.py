"""Runs that are compared with ones that were never interrupted."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

import mgd_lab

EMULATED = {"driver": "emulated", "network": {"layers": [2, 2, 1]}}
# What may differ: clocks, what is due, writes made to go on, and what the chip keeps of itself.
THEIR_OWN = {"book.seconds", "book.due", "book.writes", "chip_snapshot"}
SERIES = ("costs", "window_means", "parameters", "evaluations")


class AfterSoManyLooks(threading.Event):
    """An interruption at the k-th moment at which training looks for one."""

    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0


def write_experiment(folder, chip=None, steps=400, **sections):
    """An experiment file on parity, with sections laid over its defaults."""
    mapping = {
        "name": "durable",
        "seed": 3,
        "chip": chip or EMULATED,
        "task": {"dataset": "parity", "bits": 2},
        "training": {"perturbation": {"kind": "random", "amplitude": 0.05}},
        "stop": {"steps": steps},
        "evaluate": {"every_steps": 90},
        "logging": {"parameters_every_updates": 7, "checkpoint_every_seconds": 0.05},
    }
    for section, values in sections.items():
        mapping[section] = {**mapping.get(section, {}), **values}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "experiment.yaml"
    path.write_text(json.dumps(mapping))
    return path


def differences(found, expected):
    """Names of all series, states and counters in which two runs' folders differ."""
    wrong = []
    with mgd_lab.open_run(found) as run, mgd_lab.open_run(expected) as reference:
        for name in SERIES:
            ours, theirs = getattr(run, name)(), getattr(reference, name)()
            for field in sorted({*ours._fields} - {"utc_seconds"}):
                mine, other = np.asarray(getattr(ours, field)), np.asarray(getattr(theirs, field))
                if mine.shape != other.shape or mine.tobytes() != other.tobytes():
                    wrong.append(f"{name}.{field} {mine.shape} {other.shape}")
        state, right = run.state(), reference.state()
        wrong += [
            f"state {name}"
            for name in {*state, *right} - THEIR_OWN
            if name not in state
            or name not in right
            or state[name].tobytes() != right[name].tobytes()
        ]
        counters, expected_counters = run.counters, reference.counters
        for name in ("steps", "probes", "updates", "samples"):
            if getattr(counters, name) != getattr(expected_counters, name):
                wrong.append(f"counter {name}")
        steps = run.costs().step
        if not np.array_equal(steps, np.arange(len(steps))):
            wrong.append("the log has gaps or doubles")
    return wrong


@pytest.fixture(scope="session")
def differing():
    """A function: two runs' folders → what differs."""
    return differences


@pytest.fixture(scope="session")
def experiment_file():
    """A function: folder, chip, steps, sections → the path of an experiment file."""
    return write_experiment


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """A function: as `experiment_file` without folder → the folder of a run never interrupted."""
    known = {}

    def trained(**keys):
        key = json.dumps(keys, sort_keys=True)
        if key not in known:
            folder = tmp_path_factory.mktemp("reference")
            experiment = mgd_lab.load_experiment(write_experiment(folder, **keys))
            known[key] = mgd_lab.run(experiment, runs_dir=folder / "runs").path
        return known[key]

    return trained


@pytest.fixture(scope="session")
def interrupted_after():
    """A function: looks → an interruption at the moment when training looks so many times."""
    return AfterSoManyLooks
