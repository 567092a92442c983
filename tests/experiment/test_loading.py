# ruff: noqa: E501 (messages stand as one line each, as they are shown)
"""What a good file becomes, and how bad files are told."""

import os
from pathlib import Path

import pytest

from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment import load_experiment

DESIGN_EXAMPLE = """\
name: parity2
seed: 1
chip: chip.yaml
task:
  dataset: parity
  bits: 2
  cost: mse
  split: {validation: 0.0, test: 0.0}
training:
  algorithm: discrete
  perturbation: {kind: random, amplitude: 0.05}
  time_constants: {tau_p: 1, tau_x: 1, tau_theta: 1}
  baseline: measured
  samples: {order: shuffled}
  batch: 1
  update: {rule: sgd, learning_rate: 0.5, scale: integral}
  initial: {distribution: uniform, low: -1.0, high: 1.0}
stop: {steps: 200000, cost_below: 0.04}
evaluate: {every_steps: 1000, split: train, samples: all}
logging: {costs: all, parameters_every_updates: 100, checkpoint_every_seconds: 1.0, telemetry_every_seconds: 10}
"""


def test_the_documented_example(bench):
    loaded = bench.load(DESIGN_EXAMPLE)
    experiment = loaded.experiment
    assert experiment.training.update.learning_rate == 0.5
    assert experiment.stop.steps == 200_000
    assert experiment.chip.network.layers == (2, 2, 1)
    assert loaded.text == DESIGN_EXAMPLE
    assert loaded.path == bench.path
    assert loaded.chip_path == bench.folder / "chip.yaml"
    assert loaded.chip_text is not None
    assert loaded.chip_text.startswith("driver: emulated")


def test_everything_but_chip_and_task_has_a_default(bench, base):
    experiment = bench.load("chip: chip.yaml\ntask: {dataset: parity}").experiment
    assert experiment.name == "experiment"
    assert experiment.seed == 1
    assert experiment.stop.steps == 100_000
    assert experiment.training.perturbation.amplitude == 0.05
    assert bench.problems("name: x") == [
        "tiny.yaml:1: chip: a required key is missing: a chip file's path relative to this file, "
        "or its content in place",
        "tiny.yaml:1: task: a required key is missing: what is to be learned",
    ]


def test_chip_in_place(bench):
    loaded = bench.load(
        "chip:\n  driver: scpi\n  resource: TCPIP::a::1::SOCKET\ntask: {dataset: parity}"
    )
    assert loaded.experiment.chip.resource == "TCPIP::a::1::SOCKET"
    assert loaded.chip_path is None
    assert loaded.chip_text is None


def test_paths_are_made_absolute_beside_the_experiment_file(bench):
    loaded = bench.load(
        "chip: chip.yaml\ntask: {dataset: arrays, file: data/x.npz}\n"
        "training: {initial: {from: file, path: start.npy}}"
    )
    assert loaded.experiment.task.file == bench.folder / "data/x.npz"
    assert loaded.experiment.training.initial.path == bench.folder / "start.npy"


def test_a_relative_experiment_path(bench, base, monkeypatch):
    bench.write(base.replace("{dataset: parity, bits: 2}", "{dataset: arrays, file: x.csv}"))
    monkeypatch.chdir(bench.folder)
    loaded = load_experiment("tiny.yaml", drivers={"emulated": type(bench.load().experiment.chip)})
    assert loaded.experiment.task.file == bench.folder / "x.csv"


def test_numbers_of_yaml_1_2(bench, base):
    experiment = bench.load(
        base.replace("name: tiny", "name: 2026-11-22")
        + "seed: 18446744073709551615\nstop: {steps: 1e5, updates: 200_000, seconds: 3}\n"
        "training: {update: {learning_rate: 1e-3}}"
    ).experiment
    assert experiment.name == "2026-11-22"
    assert experiment.seed == 2**64 - 1
    assert experiment.stop.steps == 100_000
    assert experiment.stop.updates == 200_000
    assert experiment.training.update.learning_rate == 1e-3


def test_anchors_are_fine(bench, base):
    text = base + "stop: {steps: &n 500}\nevaluate: {every_steps: *n}\n"
    assert bench.load(text).experiment.evaluate.every_steps == 500


def test_a_byte_order_mark_is_fine(bench, base):
    assert bench.load(b"\xef\xbb\xbf" + base.encode()).experiment.name == "tiny"


def test_a_missing_file_names_its_neighbour(bench, base):
    bench.write(base)
    bench.path = bench.folder / "tinny.yaml"
    assert bench.problems() == [
        "tinny.yaml: this experiment file does not exist; did you mean 'tiny.yaml'?"
    ]


def test_a_missing_chip_file_is_told_at_its_key(bench, base):
    assert bench.problems(base.replace("chip.yaml", "chap.yaml")) == [
        "tiny.yaml:2: chip: chap.yaml: this chip file does not exist; did you mean 'chip.yaml'?"
    ]


def test_a_folder(bench):
    bench.path = bench.folder
    (line,) = bench.problems()
    assert "expected an experiment file, got a folder" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(bench, base):
    bench.write(base).chmod(0)
    (line,) = bench.problems()
    assert "cannot be read: Permission denied" in line


def test_a_path_that_no_file_can_have(drivers):
    with pytest.raises(ExperimentFileError, match="cannot be read"):
        load_experiment(Path("a\0b.yaml"), drivers=drivers)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "tiny.yaml: this experiment file is empty"),
        (b"# nothing yet\n", "tiny.yaml: this experiment file is empty"),
        (b"- a\n- b\n", "tiny.yaml:1: expected a mapping (key: value) at the top"),
        (b"just text", "tiny.yaml:1: expected a mapping (key: value) at the top"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "tiny.yaml: a binary file; expected YAML text"),
        (b"name: x\nseed: \xff\n", "tiny.yaml:2: byte 0xff is not UTF-8 text"),
        (b"name: x\nseed: \x07\n", "tiny.yaml:2: character U+0007 is not allowed"),
        (b"name: x\ntask: [1, 2\nstop: 3\n", "tiny.yaml:3: YAML syntax error"),
        (b"name: x\n\tseed: 3\n", "tiny.yaml:2: YAML syntax error"),
        (b"a: 1\n---\nb: 2\n", "tiny.yaml:2: YAML syntax error"),
        (b"a: *nowhere\n", "tiny.yaml:1: YAML syntax error"),
        (b"%YAML 1.1\n---\nname: x\n", "tiny.yaml: YAML 1.1 is asked for; expected YAML 1.2"),
        (b"a: &a [*a]\n", "tiny.yaml:1: a.0: the alias contains itself"),
        (b"a: " + b"[" * 600, "tiny.yaml: nested too deeply"),
        (b'a: "\\ud800"\n', "tiny.yaml:1: a: the text holds half a character"),
    ],
)
def test_files_that_are_no_experiment(bench, content, words):
    (line,) = bench.problems(content)
    assert line.startswith(words)


def test_yaml_tags_are_refused_with_their_lines(bench):
    assert bench.problems(
        "name: !!python/object/apply:os.system ['true']\nseed: !secret 3\ntask: !!set {a}"
    ) == [
        "tiny.yaml:1: name: YAML tag !!python/object/apply:os.system is not allowed here; remove it",
        "tiny.yaml:2: seed: YAML tag !secret is not allowed here; remove it",
        "tiny.yaml:3: task: YAML tag !!set is not allowed here; remove it",
    ]


def test_keys_given_twice_keys_that_are_no_text_and_merge_keys(bench):
    assert bench.problems("seed: 1\nseed: 2\n3: x\n<<: {a: 1}\n") == [
        "tiny.yaml:2: seed: key given twice (first on line 1)",
        "tiny.yaml:3: a key must be text; put it in quotes if it is a name",
        "tiny.yaml:4: merge keys (<<) are no part of YAML 1.2",
    ]


def test_a_billion_laughs(bench):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 9)]
    (line,) = bench.problems("\n".join(lines))
    assert "aliases unfold to more than 500,000 values" in line


def test_a_file_without_end():
    with pytest.raises(ExperimentFileError, match="larger than 16 MiB"):
        load_experiment(Path("/dev/zero"), drivers={})


def test_problems_of_the_chip_file_carry_its_name_and_lines(bench, base):
    bench.write("driver: emulated\nnetwork:\n  layers: [2]\n  activaton: relu\n", "chip.yaml")
    assert bench.problems(base + "sede: 3") == [
        "chip.yaml:3: network.layers: expected a length of at least 2, got 1",
        "chip.yaml:4: network.activaton: unknown key; did you mean 'network.activation'?",
        "tiny.yaml:4: sede: unknown key; did you mean 'seed'?",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "chip.yaml: this chip file is empty"),
        ("a: [", "chip.yaml:1: YAML syntax error"),
        ("a: !x 3", "chip.yaml:1: a: YAML tag !x is not allowed"),
        (
            "name: x",
            "chip.yaml:1: driver: a required key is missing; installed drivers: emulated, scpi",
        ),
        (
            "name: x\ndriver: emulatd",
            "chip.yaml:2: driver: no driver 'emulatd' is installed; did you mean 'emulated'? "
            "(installed: emulated, scpi)",
        ),
        ("driver: 3", "chip.yaml:1: driver: no driver 3 is installed"),
        ("driver: scpi", "chip.yaml:1: resource: a required key is missing"),
    ],
)
def test_chip_files_that_are_wrong(bench, base, content, words):
    bench.write(content, "chip.yaml")
    (line,) = bench.problems(base)
    assert line.startswith(words)


def test_chip_of_a_wrong_kind(bench, base):
    assert bench.problems(base.replace("chip.yaml", "3")) == [
        "tiny.yaml:2: chip: expected a mapping (key: value), got 3"
    ]


def test_another_chip_file(bench, base):
    other = bench.write("driver: scpi\nresource: X\n", "other.yaml")
    loaded = bench.load(base, chip_file=other)
    assert loaded.experiment.chip.driver == "scpi"
    assert loaded.chip_path == other
    bench.write("driver: scpi\nresorce: X\n", "other.yaml")
    assert bench.problems(base, chip_file=other) == [
        "other.yaml:1: resource: a required key is missing",
        "other.yaml:2: resorce: unknown key; did you mean 'resource'?",
    ]
    missing = bench.folder / "zz"
    assert bench.problems(base, chip_file=missing) == ["zz: this chip file does not exist"]


def test_another_chip_file_replaces_one_that_does_not_exist(bench, base):
    loaded = bench.load(
        base.replace("chip.yaml", "nowhere.yaml"), chip_file=bench.folder / "chip.yaml"
    )
    assert loaded.experiment.chip.name == "tiny"
