"""Every rung, block size and chunk size gives the same costs and parameters, bit for bit."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from mgd_lab.bench import chip_drivers
from mgd_lab.bench.assembly import fit
from mgd_lab.bench.task import data_set
from mgd_lab.codes import SIGN_KINDS
from mgd_lab.controller import ChunkSource, choose_rung
from mgd_lab.errors import CapabilityError

ALGORITHMS: dict[str, dict[str, Any]] = {
    "measured": {"baseline_refresh_steps": 2},
    "paired": {"baseline": "paired"},
    "analog": {"algorithm": "analog"},
}


def _training(kind: str, algorithm: str, batch: int) -> dict[str, Any]:
    times = {"tau_p": 3, "tau_x": 5, "tau_theta": 7}
    if algorithm == "analog":
        times["tau_hp"] = 1.5
    return {
        "perturbation": {"kind": kind, "amplitude": [0.01 * k for k in range(1, 10)]},
        "time_constants": times,
        "batch": batch,
        **ALGORITHMS[algorithm],
    }


def _identical(one: Any, other: Any) -> None:
    for column in ("costs", "baselines", "samples"):
        np.testing.assert_array_equal(one.column(column), other.column(column))
    np.testing.assert_array_equal(one.theta, other.theta)
    assert one.state.counters(0) == other.state.counters(0)
    assert one.outcome.cost == other.outcome.cost


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", ["sequential", "random", "walsh", "sinusoidal"])
def test_rungs_and_blocks_change_nothing(train, kind, algorithm, batch):
    training = _training(kind, algorithm, batch)
    reference = train(training=training, stop={"steps": 60})
    assert len(np.unique(reference.theta, axis=0)) > 0.9 * reference.state.updates
    rungs = ["forward", "cost", "dense"] + ["signs"] * (kind in SIGN_KINDS)
    for rung in rungs:
        for block in (1, 7, 64, None):
            other = train(
                training=training,
                stop={"steps": 60},
                chip={"rung": rung, "max_block_probes": block},
            )
            assert other.fitted.rung == rung
            _identical(reference, other)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("steps", [1, 3, 64])
def test_chunks_change_nothing(train, monkeypatch, algorithm, steps):
    training = _training("random", algorithm, 3)
    reference = train(training=training, stop={"steps": 100})
    monkeypatch.setattr(ChunkSource, "most_steps", lambda _: steps)
    _identical(reference, train(training=training, stop={"steps": 100}))


def test_a_window_longer_than_a_chunk_and_a_page(train, monkeypatch):
    changes = {
        "chip": {"network": {"layers": [4, 4, 1]}},
        "task": {"bits": 4},
        "training": {"time_constants": {"tau_theta": 3000}},
        "stop": {"steps": 6100},
    }
    reference = train(**changes)
    monkeypatch.setattr(ChunkSource, "most_steps", lambda _: 700)
    _identical(reference, train(**changes))


@pytest.mark.parametrize("layers", [(4, 4, 1), (49, 4, 4)])
def test_rungs_agree_on_larger_networks(train, layers):
    task = {"dataset": "nist7x7"} if layers[0] == 49 else {"dataset": "parity", "bits": 4}
    runs = [
        train(
            chip={"network": {"layers": list(layers)}, "rung": rung, "max_block_probes": block},
            task=task,
            training={"time_constants": {"tau_theta": 130}, "update": {"learning_rate": 0.01}},
            stop={"steps": 300},
            evaluate={"samples": 4, "every_steps": 1000},
        )
        for rung in ("forward", "dense", "signs")
        for block in (None, 97)
    ]
    for other in runs[1:]:
        _identical(runs[0], other)


NEEDED = {
    "signs": {"samples", "signs"},
    "dense": {"samples", "dense"},
    "cost": {"cost"},
    "forward": {"outputs"},
}


def test_the_highest_possible_rung_is_chosen(double):
    names = ("outputs", "cost", "samples", "dense", "signs")
    for count in range(len(names) + 1):
        for subset in combinations(names, count):
            chip = double(*subset)
            for kind in ("random", "walsh", "sequential", "sinusoidal"):
                possible = [
                    rung
                    for rung, needed in NEEDED.items()
                    if needed <= set(subset) and (rung != "signs" or kind in SIGN_KINDS)
                ]
                if possible:
                    assert choose_rung(chip, "auto", kind, 4) == possible[0]
                    continue
                with pytest.raises(CapabilityError) as caught:
                    choose_rung(chip, "auto", kind, 4)
                for rung in NEEDED:
                    assert f"{rung}: " in str(caught.value)


@pytest.mark.parametrize(
    ("capabilities", "asked", "kind", "reason"),
    [
        (("outputs",), "cost", "random", "lacks the capability MeasuresCost"),
        (("cost",), "forward", "random", "lacks the capability MeasuresOutputs"),
        (("samples", "signs"), "dense", "random", "lacks the capability MeasuresDense"),
        (("dense",), "dense", "random", "lacks the capability HoldsSamples"),
        (("samples", "dense"), "signs", "random", "lacks the capability MeasuresSigns"),
        (("samples", "signs"), "signs", "sinusoidal", "codes of kind sinusoidal are not ±1"),
    ],
)
def test_a_rung_asked_for_is_refused_with_its_reason(double, capabilities, asked, kind, reason):
    with pytest.raises(CapabilityError, match=reason) as caught:
        choose_rung(double(*capabilities), asked, kind, 4)
    assert f"'double': rung {asked}" in str(caught.value)


@pytest.mark.parametrize(
    ("update", "key"),
    [
        ({"compensate": True}, "compensate"),
        ({"clamp": 3.0}, "clamp"),
        ({"float_copy": False}, "float_copy"),
        ({"rounding": "stochastic"}, "rounding"),
    ],
)
def test_a_chip_that_learns_by_itself_does_not_know_every_update(experiment, update, key):
    def fitted(rung, chosen):
        made = experiment(
            chip={"rung": rung}, training={"update": chosen}, logging={"costs": "none"}
        )
        with chip_drivers()["emulated"].build(made.chip, None) as chip:
            return fit(made, data_set(made.task, made.seed), chip).rung

    assert fitted("auto", {}) == "learns"
    assert fitted("auto", update) == "generated"
    with pytest.raises(
        CapabilityError, match=rf"rung learns is not possible.*training\.update\.{key}"
    ):
        fitted("learns", update)


def test_a_sample_memory_that_is_too_small(double, monkeypatch):
    chip = double("samples", "dense", "cost")
    assert choose_rung(chip, "auto", "random", chip.description.sample_memory) == "dense"
    assert choose_rung(chip, "auto", "random", chip.description.sample_memory + 1) == "cost"
    with pytest.raises(CapabilityError, match="memory holds 4294967295 samples, 4294967296 are"):
        choose_rung(chip, "dense", "random", 2**32)


@pytest.mark.parametrize(
    ("capabilities", "rung"),
    [
        (("outputs",), "forward"),
        (("cost",), "cost"),
        (("samples", "dense"), "dense"),
        (("samples", "signs"), "signs"),
        (("samples", "signs", "outputs"), "signs"),
    ],
)
def test_chips_with_few_capabilities_train_alike(train, double, capabilities, rung):
    reference = train(evaluate={"every_steps": 10})
    other = train(on=double(*capabilities), evaluate={"every_steps": 10})
    assert other.fitted.rung == rung
    _identical(reference, other)
    assert (other.outcome.accuracy is None) == ("outputs" not in capabilities)
    assert other.evaluations == reference.evaluations
