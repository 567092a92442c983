"""Whatever a training does, the chip never sees a value beyond its limits: it tells itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mgd_lab
from mgd_lab.bench import running
from mgd_lab.errors import MgdLabError

RUNGS = ("forward", "cost", "dense", "signs", "generated", "learns")
EDGES = st.sampled_from([0.1, 1 / 3, 0.7, 1.0, 1.5, 2.0, 3.3])


@st.composite
def experiments(draw):
    """Trainings that push hard against limits that differ by group and are no round numbers."""
    rung = draw(st.sampled_from(RUNGS))
    kinds = (
        ("random", "walsh") if rung == "signs" else ("sequential", "random", "walsh", "sinusoidal")
    )
    limits = {
        "parameters": {"low": -draw(EDGES), "high": draw(EDGES)},
        "groups": {"biases1": {"low": -draw(EDGES), "high": draw(EDGES)}},
        "on_update": draw(st.sampled_from(["refuse", "project", "project"])),
    }
    if rung != "learns" and draw(st.booleans()):
        limits["parameters"]["resolution"] = draw(st.sampled_from([0.01, 1 / 64, 0.05]))
    analog = draw(st.booleans())
    times = {"tau_theta": draw(st.sampled_from([1, 3, 8]))}
    if analog:
        times |= {"tau_x": 6, "tau_hp": 2}
    rule = draw(st.sampled_from(["sgd", "momentum", "adam"]))
    return {
        "seed": draw(st.integers(0, 5)),
        "chip": {
            "driver": "emulated",
            "network": {"layers": [2, 2, 1]},
            "rung": rung,
            "record_extremes": True,
            "limits": limits,
        },
        "task": {"dataset": "parity", "bits": 2},
        "training": {
            "algorithm": "analog" if analog else "discrete",
            "perturbation": {
                "kind": draw(st.sampled_from(kinds)),
                "amplitude": draw(st.sampled_from([0.05, 0.0123456789])),
            },
            "time_constants": times,
            "update": {"rule": rule, "learning_rate": draw(st.sampled_from([0.1, 3.0, 50.0]))},
            "initial": {"distribution": "uniform", "low": -0.1, "high": 0.1},
        },
        "stop": {"steps": 60},
        "logging": {"costs": "none" if rung == "learns" else "all"},
    }


@pytest.mark.timeout(200)
def test_no_training_shows_the_chip_a_value_beyond_its_limits(tmp_path_factory, monkeypatch):
    chips = []
    build = running.build_chip

    def kept(keys):
        chips.append(build(keys))
        return chips[-1]

    monkeypatch.setattr(running, "build_chip", kept)
    moved, refused = [], []

    @settings(max_examples=40)
    @given(experiments())
    def check(mapping):
        folder = tmp_path_factory.mktemp("run")
        (folder / "e.yaml").write_text(json.dumps(mapping))
        try:
            result = mgd_lab.run(mgd_lab.load_experiment(folder / "e.yaml"), runs_dir=folder)
        except MgdLabError as error:
            refused.append(error)
        else:
            with mgd_lab.open_run(result.path) as run:
                moved.append(int(run.state()["projected"]))
        low, high = chips[-1].extremes()
        description = chips[-1].description
        assert (low >= description.low).all()
        assert (high <= description.high).all()
        assert np.isfinite(low).all()
        assert np.isfinite(high).all()

    check()
    # The limits were really reached, and both ways out were taken.
    assert sum(moved) > 0
    assert refused
