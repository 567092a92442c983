"""What does not fit is refused before a folder is made or a value sent; messages say why."""

import json
import math
import zipfile

import numpy as np
import pytest

from mgd_lab import load_experiment, run
from mgd_lab.bench import check, checking
from mgd_lab.bench.amplitudes import amplitudes_of
from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.errors import ConfigurationError, LimitError, MgdLabError
from mgd_lab.experiment import Limits, narrowed

CHIP = ChipDescription(
    name="bench chip",
    groups=(
        ParameterGroup("weights", 3, low=-2.0, high=2.0, resolution=0.01),
        ParameterGroup("biases", 2, low=-1.0, high=1.0, safe=0.5, perturbation_resolution=0.005),
    ),
    inputs=2,
    outputs=1,
    input_low=-5.0,
    input_high=5.0,
)


@pytest.fixture(autouse=True)
def short_rehearsal(monkeypatch):
    monkeypatch.setattr(checking, "_REHEARSAL_SECONDS", 0.01)


def _narrowed(**limits):
    return narrowed(CHIP, Limits.model_validate(limits))


def test_no_limits_change_nothing():
    assert _narrowed() == CHIP


def test_limits_narrow_and_those_of_a_group_win():
    got = _narrowed(
        parameters={"low": -0.75, "high": 0.75, "safe": 0.0, "resolution": 0.02},
        groups={"biases": {"high": 0.25, "safe": 0.125}},
        inputs={"low": -1.0},
    )
    weights, biases = got.groups
    assert (weights.low, weights.high, weights.safe, weights.resolution) == (-0.75, 0.75, 0, 0.02)
    assert (biases.low, biases.high, biases.safe, biases.resolution) == (-0.75, 0.25, 0.125, 0.02)
    assert biases.perturbation_resolution == 0.005
    assert (got.input_low, got.input_high) == (-1.0, 5.0)
    assert narrowed(got, Limits()) == got


def test_limits_can_be_laid_over_a_description_twice():
    limits = Limits.model_validate(
        {
            "parameters": {"low": -0.75, "high": 0.75, "writes_budget": 9, "slew_per_second": 5.0},
            "groups": {"biases": {"low": 0.0, "high": 0.5, "writes_budget": 3}},
        }
    )
    once = narrowed(CHIP, limits)
    assert narrowed(once, limits) == once
    assert [group.writes_budget for group in once.groups] == [9, 3]


@pytest.mark.parametrize(
    ("limits", "parts"),
    [
        ({"groups": {"weigths": {"low": 0}}}, ("chip.limits.groups", "weigths", "weights, biases")),
        ({"groups": {"weights": {"low": -3}}}, ("chip.limits.groups.weights.low", "-3", "-2")),
        ({"groups": {"weights": {"high": 3}}}, ("chip.limits.groups.weights.high", "3", "2")),
        ({"parameters": {"low": -1.5}}, ("chip.limits.parameters.low", "-1.5", "biases", "-1")),
        ({"parameters": {"resolution": 0.001}}, ("chip.limits.parameters.resolution", "0.001")),
        ({"parameters": {"perturbation_resolution": 0}}, ("perturbation_resolution", "0.005")),
        ({"parameters": {"high": 0.25}}, ("0.5", "biases", "[-1, 0.25]", "safe")),
        ({"inputs": {"high": 6}}, ("chip.limits.inputs", "6", "5")),
        ({"parameters": {"safe": 7}}, ("7", "[-2.0, 2.0]")),
    ],
)
def test_limits_that_widen_or_name_nothing(limits, parts):
    with pytest.raises(ConfigurationError) as caught:
        _narrowed(**limits)
    for part in ("weights" if "groups" in limits else "", *parts):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"inputs": {"low": 2, "high": 1}}, r"low \(2\) must be below high \(1\)"),
        ({"parameters": {"low": 0.5, "high": 0.5}}, r"low \(0\.5\) must be below high"),
        ({"parameters": {"low": 0, "safe": -1}}, r"safe value -1 lies beyond low \(0\)"),
        ({"groups": {"weights": {"high": 0, "safe": 1}}}, r"safe value 1 lies beyond high \(0\)"),
    ],
)
def test_limits_that_contradict_themselves(limits, text):
    with pytest.raises(ValueError, match=text):
        _narrowed(**limits)


def test_forms_of_amplitude():
    np.testing.assert_array_equal(amplitudes_of(0.1, CHIP), np.full(5, np.float32(0.1)))
    got = amplitudes_of({"biases": 0.5, "weights": 0.25}, CHIP)
    np.testing.assert_array_equal(got, [0.25] * 3 + [0.5] * 2)
    got = amplitudes_of((0.1, 0.2, 0.3, 0.4, 0.5), CHIP)
    np.testing.assert_array_equal(got, np.float32([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert got.dtype == np.float32


@pytest.mark.parametrize(
    ("amplitude", "part"),
    [
        ((0.1, 0.2), "lists 2 numbers; chip 'bench chip' has 5 parameters"),
        ({"weights": 0.1}, "lacks biases"),
        ({"weights": 0.1, "biases": 0.1, "gains": 0.1}, "names gains"),
        ({"weights": 1e-60, "biases": 0.1}, "1e-60 for weights[0]"),
        (1e39, "1e+39 for weights[0]"),
        (1e-39, "1e-39 for weights[0]"),
    ],
)
def test_amplitudes_that_do_not_fit(amplitude, part):
    with pytest.raises(ConfigurationError) as caught:
        amplitudes_of(amplitude, CHIP)
    assert str(caught.value).startswith("training.perturbation.amplitude")
    assert part in str(caught.value)


def _arrays(tmp_path, inputs, targets):
    np.savez(tmp_path / "data.npz", inputs=np.float32(inputs), targets=np.float32(targets))
    return {"dataset": "arrays", "file": "data.npz"}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"task": {"bits": 3}}, ("task.dataset", "3 inputs", "'bench chip' has 2")),
        (
            {"chip": {"network": {"layers": [2, 3]}}},
            ("task.dataset", "1 targets", "has 3 outputs"),
        ),
        ({"task": {"cost": "cross_entropy"}}, ("task.cost", "cross_entropy", "parity", "mse")),
        (
            {
                "training": {
                    "perturbation": {"kind": "walsh"},
                    "time_constants": {"tau_theta": 16},
                    "samples": {"order": "cyclic"},
                }
            },
            ("training.samples.order", "locks", "walsh", "shuffled", "tau_x: 32", "tau_p: 4"),
        ),
        ({"training": {"perturbation": {"amplitude": [0.1]}}}, ("lists 1 numbers", "9")),
        ({"training": {"perturbation": {"amplitude": {"weights9": 0.1}}}}, ("names weights9",)),
        (
            {"chip": {"limits": {"parameters": {"perturbation_resolution": 0.02}}}},
            ("training.perturbation.amplitude", "weights1[0]", "0.05", "0.02", "choose 0.0"),
        ),
        ({"evaluate": {"samples": 5}}, ("evaluate.samples", "5", "train", "4")),
        (
            {"chip": {"rung": "signs"}, "training": {"perturbation": {"kind": "sinusoidal"}}},
            ("rung signs", "sinusoidal"),
        ),
        ({"task": {"split": {"test": 0.1}}, "evaluate": {"split": "test"}}, ("task.split.test",)),
        ({"training": {"initial": {"from": "file", "path": "none.npy"}}}, ("none.npy",)),
        ({"training": {"initial": {"from": "run", "path": "none"}}}, ("none",)),
    ],
)
@pytest.mark.parametrize("action", ["run", "check"])
def test_experiments_that_do_not_fit(load, tmp_path, changes, parts, action):
    loaded = load(**changes)
    with pytest.raises(MgdLabError) as caught:
        check(loaded) if action == "check" else run(loaded, runs_dir=tmp_path / "runs")
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"chip": {"limits": {"parameters": {"low": -0.5, "high": 0.5}}}},
        {"chip": {"limits": {"groups": {"biases1": {"low": -0.04, "high": 0.04}}}}},
    ],
)
def test_starts_and_perturbations_outside_the_limits(load, tmp_path, changes):
    with pytest.raises(LimitError, match=r"'bench chip', parameter .*amplitude"):
        run(load(**changes), runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("action", ["run", "check"])
def test_inputs_outside_the_limits(load, tmp_path, action):
    loaded = load(chip={"limits": {"inputs": {"high": 0.5}}})
    with pytest.raises(LimitError, match=r"inputs of .* \[0, 1\].*'bench chip'.*0\.5.*scale them"):
        check(loaded) if action == "check" else run(loaded, runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("file", ["theta.npy", "theta.npz", "theta.csv", "theta.txt"])
def test_a_start_from_a_file(load, tmp_path, file):
    theta = np.linspace(-1, 1, 9)
    path = tmp_path / file
    if file.endswith("npy"):
        np.save(path, theta)
    elif file.endswith("npz"):
        np.savez(path, theta=theta)
    else:
        path.write_text(("," if file.endswith("csv") else "\n").join(map(repr, theta.tolist())))
    result = run(
        load(training={"initial": {"from": "file", "path": file}}), runs_dir=tmp_path / "runs"
    )
    np.testing.assert_array_equal(_start(result), theta)


def _start(result):
    from mgd_lab import open_run

    with open_run(result.path) as log:
        return log.parameters().theta[0]


def test_a_start_from_a_run_and_from_the_chip(load, tmp_path):
    from mgd_lab import open_run

    first = run(load(), runs_dir=tmp_path / "runs")
    again = load(training={"initial": {"from": "run", "path": str(first.path)}})
    with open_run(first.path) as log:
        expected = log.parameters().theta[-1]
    np.testing.assert_array_equal(_start(run(again, runs_dir=tmp_path / "runs")), expected)
    chip = load(
        training={"initial": {"from": "chip"}},
        chip={"limits": {"parameters": {"safe": 0.25}}},
    )
    np.testing.assert_array_equal(_start(run(chip, runs_dir=tmp_path / "runs")), np.full(9, 0.25))


def _damaged_files():
    numbers = np.zeros(9)
    yield "short.npy", lambda p: np.save(p, numbers[:5])
    yield "wide.npy", lambda p: np.save(p, numbers[None])
    yield "nan.csv", lambda p: p.write_text("1,2,nan,4,5,6,7,8,9")
    yield "inf.txt", lambda p: p.write_text("inf " * 9)
    yield "empty.npy", lambda p: p.write_bytes(b"")
    yield "empty.txt", lambda p: p.write_bytes(b"")
    yield "binary.txt", lambda p: p.write_bytes(bytes(range(256)))
    yield "words.csv", lambda p: p.write_text("a,b,c")
    yield "complex.npy", lambda p: np.save(p, numbers * 1j)
    yield "structured.npy", lambda p: np.save(p, np.zeros(9, [("a", "f8"), ("b", "i4")]))
    yield "objects.npy", lambda p: np.save(p, np.array([{}] * 9, object))
    yield "other.npz", lambda p: np.savez(p, weights=numbers)
    yield "cut.npy", lambda p: (np.save(p, numbers), p.write_bytes(p.read_bytes()[:100]))
    yield "zip.npz", lambda p: zipfile.ZipFile(p, "w").writestr("theta.npy", b"no numbers")
    yield "single.npz", lambda p: p.write_bytes(_bytes_of_npy(p))


def _bytes_of_npy(path):
    np.save(path.with_suffix(".npy"), np.zeros(9))
    return path.with_suffix(".npy").read_bytes()


@pytest.mark.parametrize(("name", "write"), list(_damaged_files()))
def test_a_start_from_a_damaged_file(load, tmp_path, name, write):
    write(tmp_path / name)
    loaded = load(training={"initial": {"from": "file", "path": name}})
    with pytest.raises(ConfigurationError) as caught:
        run(loaded, runs_dir=tmp_path / "runs")
    assert name in str(caught.value)
    assert "training.initial" in str(caught.value)


def test_a_start_from_a_run_that_never_came_to_a_checkpoint(load, tmp_path):
    from mgd_lab.run_store import create_run

    folder = create_run(tmp_path, "crashed", files={}, resolved={}, environment={}, simulated=True)
    loaded = load(training={"initial": {"from": "run", "path": str(folder.path)}})
    with pytest.raises(ConfigurationError, match="before its first checkpoint"):
        run(loaded, runs_dir=tmp_path / "runs")


def test_a_start_from_a_run_of_another_chip(load, tmp_path):
    other = load(chip={"network": {"layers": [2, 3, 1]}})
    first = run(other, runs_dir=tmp_path / "runs")
    loaded = load(training={"initial": {"from": "run", "path": str(first.path)}})
    with pytest.raises(ConfigurationError, match=r"shape \(13,\); the chip has 9"):
        run(loaded, runs_dir=tmp_path / "runs")


def test_targets_outside_the_classes(load, tmp_path):
    task = _arrays(tmp_path, [[0, 0], [1, 1]], [[0.2], [0.7]])
    report = check(load(task=task, stop={"accuracy_at_least": 0.9}))
    assert any("stop.accuracy_at_least" in warning for warning in report.warnings)


@pytest.mark.parametrize(("tau_x", "warned"), [(2, True), (5, True), (6, False), (100, False)])
def test_a_short_hold_of_samples_in_the_analog_algorithm(load, tau_x, warned):
    times = {"tau_x": tau_x, "tau_hp": 2.0, "tau_theta": 10}
    report = check(load(training={"algorithm": "analog", "time_constants": times}))
    assert any("tau_x" in warning for warning in report.warnings) == warned


def test_a_run_that_ends_before_its_first_update(load):
    report = check(load(training={"time_constants": {"tau_theta": 51}}))
    assert any("before the first update" in warning for warning in report.warnings)


def test_json_of_the_summary_has_no_infinities(load, tmp_path):
    result = run(load(), runs_dir=tmp_path / "runs")
    json.dumps({k: str(v) for k, v in result.summary.items()}, allow_nan=False)
    assert math.isfinite(result.wall_seconds)


def test_amplitudes_that_float32_would_drown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chip = {"driver": "emulated", "network": {"layers": [2, 2, 1]}, "precision": "float32"}
    path = tmp_path / "fine.yaml"
    for rung in ("forward", "dense", "signs"):
        experiment = {
            "chip": {**chip, "rung": rung},
            "task": {"dataset": "parity"},
            "training": {"perturbation": {"kind": "random", "amplitude": 5e-5}},
            "stop": {"steps": 2},
        }
        path.write_text(json.dumps(experiment))
        with pytest.raises(ConfigurationError, match=r"5e-05, and chip\.precision float32"):
            run(load_experiment(path), runs_dir=tmp_path / "runs")
