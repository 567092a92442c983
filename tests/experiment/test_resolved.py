"""What is stored with a run gives the same experiment again."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError
from ruamel.yaml import YAML

from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment import (
    ChipSettings,
    EmulationSettings,
    Experiment,
    experiment_from_mapping,
    resolved_mapping,
)


class EmulatedSettings(ChipSettings, EmulationSettings):
    pass


class InstrumentSettings(ChipSettings):
    resource: str
    timeout_seconds: float = Field(default=2.0, gt=0)


DRIVERS = {"emulated": EmulatedSettings, "scpi": InstrumentSettings}

positive = st.floats(1e-9, 1e9)
steps = st.integers(1, 10**12)
fractions = st.floats(0, 0.49)
# Without control characters: YAML writers do not keep all of them.
text = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\"), min_size=1, max_size=8
)
names = text.filter(lambda name: name.strip("."))


def mappings(required=None, **optional):
    return st.fixed_dictionaries(required or {}, optional=optional)


schedules = st.one_of(
    mappings(kind=st.just("constant")),
    mappings(
        {"kind": st.sampled_from(["cosine", "linear"]), "steps": steps}, final_fraction=fractions
    ),
    mappings({"kind": st.just("exponential"), "steps": steps, "final_fraction": positive}),
)
updates = st.one_of(
    mappings(rule=st.just("sgd"), learning_rate=positive, schedule=schedules),
    mappings({"rule": st.just("momentum")}, momentum=fractions, scale=st.just("mean")),
    mappings({"rule": st.just("adam")}, beta1=fractions, beta2=fractions, epsilon=positive),
)
initials = st.one_of(
    mappings(low=st.floats(-9, 0), high=st.floats(0, 9)),
    mappings(
        {"distribution": st.just("normal")}, mean=st.floats(-9, 9), standard_deviation=positive
    ),
    mappings({"from": st.just("chip")}),
    mappings({"from": st.sampled_from(["run", "file"]), "path": st.just("/data/start")}),
)
perturbations = mappings(
    kind=st.sampled_from(["sequential", "random", "walsh", "sinusoidal"]),
    amplitude=st.one_of(
        positive,
        st.lists(positive, min_size=1, max_size=4),
        st.dictionaries(text, positive, min_size=1, max_size=3),
    ),
)
trainings = st.one_of(
    mappings(
        perturbation=perturbations,
        time_constants=mappings(tau_p=steps, tau_x=steps, tau_theta=steps),
        baseline_refresh_steps=steps,
        batch=steps,
        update=updates,
        initial=initials,
        samples=mappings(order=st.sampled_from(["random", "cyclic"])),
    ),
    mappings({"baseline": st.just("paired")}, update=updates),
    mappings(
        {
            "algorithm": st.just("analog"),
            "time_constants": mappings(
                {"tau_x": st.integers(2, 99), "tau_hp": positive}, tau_theta=positive
            ),
        },
        initial=initials,
    ),
)
tasks = st.one_of(
    mappings({"dataset": st.just("parity")}, bits=st.integers(1, 16)),
    mappings({"dataset": st.just("nist7x7")}, split=mappings(validation=fractions, test=fractions)),
    mappings(
        {
            "dataset": st.just("arrays"),
            "file": st.just("/data/x.csv"),
            "cost": st.just("cross_entropy"),
        },
        targets=st.one_of(st.integers(1, 9), st.lists(text, min_size=1, max_size=3)),
        label_smoothing=fractions,
    ),
    mappings({"dataset": st.just("digits")}, split=mappings(validation=fractions, test=fractions)),
    mappings(
        {"dataset": st.just("cifar10")},
        train_batches=st.integers(1, 5),
        folder=st.just("/data"),
        checksums=st.sampled_from(["official", "any"]),
        split=mappings(validation=fractions),
    ),
    mappings(
        {
            "dataset": st.just("idx"),
            "files": mappings(
                {"train_images": st.just("/data/a"), "train_labels": st.just("/data/b")}
            ),
        },
        split=mappings(validation=fractions, test=fractions),
    ),
)
chips = st.one_of(
    mappings(
        {
            "driver": st.just("emulated"),
            "network": mappings({"layers": st.lists(st.integers(1, 9), min_size=2, max_size=4)}),
        },
        latency_seconds=positive,
        rung=st.sampled_from(["auto", "cost", "signs"]),
    ),
    mappings(
        {"driver": st.just("scpi"), "resource": text},
        limits=mappings(groups=st.dictionaries(text, mappings(high=positive), max_size=2)),
    ),
)
experiments = mappings(
    {"chip": chips, "task": tasks},
    name=names,
    seed=st.integers(0, 2**64 - 1),
    training=trainings,
    stop=mappings(steps=steps, probes=steps, seconds=positive, cost_below=positive),
    evaluate=mappings(every_steps=steps, samples=st.one_of(st.just("all"), steps)),
    logging=mappings(
        costs=st.sampled_from(["window_mean", "none"]), checkpoint_every_seconds=positive
    ),
)


@given(mapping=experiments)
@settings(deadline=None, derandomize=True)
def test_round_trip(mapping):
    from_file = experiment_from_mapping(mapping, drivers=DRIVERS)
    resolved = resolved_mapping(from_file)
    assert experiment_from_mapping(json.loads(json.dumps(resolved)), drivers=DRIVERS) == from_file
    yaml = YAML(typ="safe", pure=True)
    stream = io.StringIO()
    yaml.dump(resolved, stream)
    assert experiment_from_mapping(yaml.load(stream.getvalue()), drivers=DRIVERS) == from_file


def test_resolved_values_are_the_ones_in_use():
    mapping = {
        "chip": {"driver": "scpi", "resource": "X"},
        "task": {"dataset": "nist7x7", "split": {"validation": 0.1}},
    }
    resolved = resolved_mapping(experiment_from_mapping(mapping, drivers=DRIVERS))
    assert resolved["task"]["split"] == {"validation": 0.1, "test": 0.1}
    assert resolved["stop"]["steps"] == 100_000
    assert resolved["chip"]["timeout_seconds"] == 2.0
    assert "momentum" not in resolved["training"]["update"]
    assert "bits" not in resolved["task"]


def test_problems_of_a_mapping_name_its_origin():
    with pytest.raises(ExperimentFileError, match=r"^run 7: task: a required key is missing"):
        experiment_from_mapping(
            {"chip": {"driver": "scpi", "resource": "X"}}, drivers=DRIVERS, origin="run 7"
        )


def test_the_mapping_given_is_left_alone():
    mapping = {"chip": {"driver": "scpi", "resource": "X"}, "task": {"dataset": "parity"}}
    experiment = experiment_from_mapping(mapping, drivers=DRIVERS)
    assert mapping == {"chip": {"driver": "scpi", "resource": "X"}, "task": {"dataset": "parity"}}
    with pytest.raises(ValidationError, match="frozen"):
        experiment.seed = 3
    assert isinstance(experiment, Experiment)
