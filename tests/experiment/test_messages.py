# ruff: noqa: E501 (messages stand as one line each, as they are shown)
"""Every wrong value is told at its line, in plain words."""

import pytest


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("sead: 3", "4: sead: unknown key; did you mean 'seed'?"),
        (
            "learning_rate: 3",
            "4: learning_rate: unknown key; did you mean 'training.update.learning_rate'?",
        ),
        (
            "xyzzy: 3",
            "4: xyzzy: unknown key; the keys here are name, seed, chip, task, training, stop, evaluate, logging, guards, reference",
        ),
        ("seed: -1", "4: seed: expected a value of at least 0, got -1"),
        (
            "seed: 18446744073709551616",
            "4: seed: expected a value below 18446744073709551616, got 18446744073709551616",
        ),
        ("seed: 1.5", "4: seed: expected a whole number, got 1.5"),
        ("seed: true", "4: seed: expected a whole number, got true"),
        (
            "seed: '3'",
            "4: seed: expected a whole number, got the text '3' in quotes; remove the quotes",
        ),
        ("seed: .inf", "4: seed: expected a whole number, got .inf"),
        ("seed:", "4: seed: expected a whole number, got nothing (null)"),
        ("stop: 300", "4: stop: expected a mapping (key: value), got 300"),
        ("stop: {steps: 0}", "4: stop.steps: expected a value of at least 1, got 0"),
        ("stop: {cost_below: .nan}", "4: stop.cost_below: expected a finite number, got .nan"),
        (
            "stop: {accuracy_at_least: 95}",
            "4: stop.accuracy_at_least: expected a value of at most 1, got 95",
        ),
        (
            "stop:\n  steps: 3\n  secnds: 3",
            "6: stop.secnds: unknown key; did you mean 'stop.seconds'?",
        ),
        (
            "evaluate: {samples: many}",
            "4: evaluate.samples: expected a whole number or 'all', got the text 'many'",
        ),
        (
            "evaluate: {split: tset}",
            "4: evaluate.split: expected 'train', 'validation' or 'test', got the text 'tset'; did you mean 'test'?",
        ),
        (
            "evaluate: {split: test}",
            "4: evaluate.split: parity has no test split here; set task.split.test above 0",
        ),
        (
            "logging: {checkpoint_every_seconds: 0}",
            "4: logging.checkpoint_every_seconds: expected a value above 0, got 0",
        ),
        (
            "logging: {costs: [all]}",
            "4: logging.costs: expected 'all', 'window_mean' or 'none', got a list",
        ),
    ],
)
def test_top_sections(bench, base, section, line):
    assert bench.problems(base + section) == [f"tiny.yaml:{line}"]


@pytest.mark.parametrize(
    ("training", "key", "text"),
    [
        ("batch: 0", "batch", "expected a value of at least 1, got 0"),
        ("perturbation: {kind: walch}", "perturbation.kind", "expected 'sequential', 'random', 'walsh' or 'sinusoidal', got the text 'walch'; did you mean 'walsh'?"),
        ("perturbation: {amplitude: .nan}", "perturbation.amplitude", "expected a finite number, got .nan"),
        ("perturbation: {amplitude: -.inf}", "perturbation.amplitude", "expected a finite number, got -.inf"),
        ("perturbation: {amplitude: 0}", "perturbation.amplitude", "expected a value above 0, got 0"),
        ("perturbation: {amplitude: [0.1, .inf]}", "perturbation.amplitude.1", "expected a finite number, got .inf"),
        ("perturbation: {amplitude: {w: .nan}}", "perturbation.amplitude.w", "expected a finite number, got .nan"),
        ("perturbation: {amplitude: {w: true}}", "perturbation.amplitude.w", "expected a number, got true"),
        ("perturbation: {amplitude: []}", "perturbation.amplitude", "expected a length of at least 1, got 0"),
        ("perturbation: {amplitude: big}", "perturbation.amplitude", "expected a number, a list of numbers, or a mapping {group: number}, got the text 'big'"),
        ("perturbation: {target: node}", "perturbation.target", "expected 'parameters' or 'nodes', got the text 'node'; did you mean 'nodes'?"),
        ("perturbation: {target: nodes, amplitude: {weights1: 0.1}}", "perturbation.amplitude", "expected a number, or a list with one for each layer with parameters: target nodes has no parameter groups"),
        ("perturbation: {target: nodes}, batch: 2", "batch", "expected 1 with perturbation.target: nodes, got 2: each sample has layer inputs of its own; use time_constants.tau_theta to average over samples"),
        ("algorithm: analog, perturbation: {target: nodes}, time_constants: {tau_x: 9, tau_hp: 3}", "perturbation.target", "algorithm analog perturbs parameters only; use algorithm: discrete, or target: parameters"),
        ("time_constants: {tau_p: 0}", "time_constants.tau_p", "expected a value of at least 1, got 0"),
        ("time_constants: {tau_theta: 0}", "time_constants.tau_theta", "expected a whole number of steps of at least 1 for algorithm discrete, got 0"),
        ("time_constants: {tau_theta: 2.5}", "time_constants.tau_theta", "expected a whole number of steps of at least 1 for algorithm discrete, got 2.5"),
        ("time_constants: {tau_theta: x}", "time_constants.tau_theta", "expected a number, got the text 'x'"),
        ("time_constants: {tau_theta: .nan}", "time_constants.tau_theta", "expected a finite number, got .nan"),
        ("time_constants: {tau_hp: 3}", "time_constants.tau_hp", "tau_hp belongs to algorithm analog, not to discrete; remove it"),
        ("algorithm: analog, time_constants: {tau_x: 5}", "time_constants.tau_hp", "algorithm analog needs the time constant of the cost's high-pass, in steps"),
        ("algorithm: analog, time_constants: {tau_x: 1, tau_hp: 3}", "time_constants.tau_x", "expected at least 2 for algorithm analog, got 1: the high-pass is reset when the sample changes, so tau_x = 1 learns nothing"),
        ("algorithm: analog, baseline: paired, time_constants: {tau_x: 9, tau_hp: 3}", "baseline", "algorithm analog has no baseline; remove baseline: paired"),
        ("algorithm: analog, baseline_refresh_steps: 3, time_constants: {tau_x: 9, tau_hp: 3}", "baseline_refresh_steps", "baseline_refresh_steps has no meaning for algorithm analog, which has no baseline; remove it"),
        ("baseline: paired, baseline_refresh_steps: 3", "baseline_refresh_steps", "baseline_refresh_steps has no meaning for baseline paired, which measures none; remove it"),
        ("update: {learning_rate: 0}", "update.learning_rate", "expected a value above 0, got 0"),
        ("update: {momentum: 0.5}", "update.momentum", "momentum belongs to rule momentum, not to sgd; remove it"),
        ("update: {rule: momentum, beta1: 0.5}", "update.beta1", "beta1 belongs to rule adam, not to momentum; remove it"),
        ("update: {rule: adam, beta2: 1}", "update.beta2", "expected a value below 1, got 1"),
        ("update: {clamp: 1}", "update.clamp", "expected a value above 1, got 1"),
        ("update: {clmap: 2}", "update.clmap", "unknown key; did you mean 'training.update.clamp'?"),
        ("update: {rounding: stochastc}", "update.rounding", "expected 'nearest' or 'stochastic', got the text 'stochastc'; did you mean 'stochastic'?"),
        ("update: {rule: adam, compensate: true}", "update.compensate", "compensate has no meaning for rule adam, which divides the gradient by its own root mean square; remove it"),
        ("update: {compensate: true}, perturbation: {kind: walsh}", "update.compensate", "compensate goes with perturbation.kind: random, not with walsh, whose codes are not independent; remove it"),
        ("update: {compensate: true}, perturbation: {target: nodes}", "update.compensate", "compensate goes with perturbation.target: parameters, not with nodes; remove it"),
        ("update: {clamp: 3}, perturbation: {target: nodes}", "update.clamp", "clamp goes with perturbation.target: parameters, not with nodes; remove it"),
        ("update: {clamp: 3}, algorithm: analog, time_constants: {tau_x: 9, tau_hp: 3}", "update.clamp", "clamp belongs to algorithm discrete, not to analog, which has no windows; remove it"),
        ("update: {schedule: {kind: cosine}}", "update.schedule.steps", "kind cosine needs the number of steps it lasts"),
        ("update: {schedule: {kind: exponential, steps: 9}}", "update.schedule.final_fraction", "kind exponential needs a factor above 0, reached after `steps`"),
        ("update: {schedule: {steps: 9}}", "update.schedule.steps", "steps has no meaning for kind constant; remove it"),
        ("initial: {low: 1, high: 0}", "initial.low", "expected a value of at most high (0), got 1"),
        ("initial: {mean: 1}", "initial.mean", "mean belongs to distribution normal, not to uniform; remove it"),
        ("initial: {distribution: normal, high: 1}", "initial.high", "high belongs to distribution uniform, not to normal; remove it"),
        ("initial: {from: file}", "initial.path", "from: file needs a path"),
        ("initial: {from: chip, path: x}", "initial.path", "path has no meaning with from: chip; remove it"),
        ("initial: {from: chip, low: 0}", "initial.low", "low has no meaning with from: chip; remove it"),
        ("initial: {path: x}", "initial.path", "path needs from: file or from: run beside it; remove it"),
        ("initial: {source: chip}", "initial.source", "unknown key; the keys here are distribution, low, high, mean, standard_deviation, from, path"),
    ],
)  # fmt: skip
def test_training(bench, base, training, key, text):
    assert bench.problems(f"{base}training: {{{training}}}") == [
        f"tiny.yaml:4: training.{key}: {text}"
    ]


@pytest.mark.parametrize(
    ("task", "key", "text"),
    [
        ("bits: 2", "dataset", "a required key is missing: parity, nist7x7, digits, fashion_mnist, cifar10, or a file or files of your own: arrays, idx"),
        ("dataset: paritty", "dataset", "expected 'parity', 'nist7x7', 'digits', 'fashion_mnist', 'cifar10', 'arrays' or 'idx', got the text 'paritty'; did you mean 'parity'?"),
        ("dataset: parity, bits: 17", "bits", "expected a value of at most 16, got 17"),
        ("dataset: nist7x7, bits: 2", "bits", "bits belongs to dataset parity, not to nist7x7; remove it"),
        ("dataset: parity, file: x.npz", "file", "file belongs to dataset arrays, not to parity; remove it"),
        ("dataset: arrays", "file", "dataset arrays needs the path of a .npz or .csv file"),
        ("dataset: arrays, file: 3", "file", "expected text, got 3"),
        ("dataset: arrays, file: x.csv, targets: 0", "targets", "expected at least 1 target column, got 0"),
        ("dataset: arrays, file: x.csv, targets: []", "targets", "expected at least 1 target column, got an empty list"),
        ("dataset: parity, label_smoothing: 0.1", "label_smoothing", "label_smoothing belongs to cross_entropy, not mse; remove it"),
        ("dataset: parity, split: {test: 1}", "split.test", "expected a value below 1, got 1"),
        ("dataset: parity, split: {test: 0.5, validation: 0.5}", "split", "validation (0.5) and test (0.5) leave nothing to train on; their sum must stay below 1"),
        ("dataset: nist7x7, split: {validation: 0.95}", "split.validation", "validation (0.95) and nist7x7's test fraction (0.1) leave nothing to train on; set split.test as well"),
        ("dataset: digits, split: {validation: 0.9}", "split.validation", "validation (0.9) and digits's test fraction (0.2) leave nothing to train on; set split.test as well"),
        ("dataset: fashion_mnist, split: {test: 0.1}", "split.test", "fashion_mnist has an official test split, which is for reporting; choose on split.validation, and remove split.test"),
        ("dataset: fashion_mnist, train_batches: 2", "train_batches", "train_batches belongs to dataset cifar10, not to fashion_mnist; remove it"),
        ("dataset: cifar10, train_batches: 6", "train_batches", "expected a value of at most 5, got 6"),
        ("dataset: cifar10, checksums: none", "checksums", "expected 'official' or 'any', got the text 'none'"),
        ("dataset: digits, folder: x", "folder", "folder belongs to dataset fashion_mnist and cifar10, not to digits; remove it"),
        ("dataset: idx", "files", "dataset idx needs train_images and train_labels, paths of IDX files"),
        ("dataset: idx, files: {train_images: a}", "files.train_labels", "a required key is missing: their labels, whole numbers from 0"),
        ("dataset: idx, files: {train_images: a, train_labels: b, test_images: c}", "files", "an official test split needs both test_images and test_labels"),
        ("dataset: idx, files: {train_images: a, train_labels: b, test_images: c, test_labels: d}, split: {test: 0.1}", "split.test", "idx has an official test split, which is for reporting; choose on split.validation, and remove split.test"),
        ("dataset: nist7x7, files: {train_images: a, train_labels: b}", "files", "files belongs to dataset idx, not to nist7x7; remove it"),
    ],
)  # fmt: skip
def test_task(bench, task, key, text):
    assert bench.problems(f"chip: chip.yaml\ntask: {{{task}}}") == [
        f"tiny.yaml:2: task.{key}: {text}"
    ]


def test_all_problems_of_a_file_are_told_together(bench, base):
    lines = bench.problems(
        base
        + "seed: x\nstop: {steps: -1, stpes: 3}\ntraining:\n  batch: 0\n  update: {rule: sdg}\n"
    )
    assert [line.split(": ")[:2] for line in lines] == [
        ["tiny.yaml:4", "seed"],
        ["tiny.yaml:5", "stop.steps"],
        ["tiny.yaml:5", "stop.stpes"],
        ["tiny.yaml:7", "training.batch"],
        ["tiny.yaml:8", "training.update.rule"],
    ]


def test_messages_hold_nothing_of_pydantic(bench, base):
    text = "\n".join(bench.problems(base + "seed: {a: 1}\nstop: [1]\nevaluate: {samples: 0.5}"))
    for word in ("Input should", "type=", "https://", "pydantic", "literal["):
        assert word not in text


def test_a_group_of_limits_keeps_its_name_in_the_key(bench, base):
    chip = "{driver: scpi, resource: X, limits: {groups: {weights: {hihg: 3}}}}"
    assert bench.problems(base.replace("chip.yaml", chip)) == [
        "tiny.yaml:2: chip.limits.groups.weights.hihg: unknown key; "
        "did you mean 'chip.limits.groups.weights.high'?"
    ]


@pytest.mark.parametrize("name", ["a/b", "..", "a\\b", '"a\\nb"', "' '"])
def test_names_that_no_folder_can_have(bench, base, name):
    (line,) = bench.problems(base.replace("tiny", name))
    assert line.startswith("tiny.yaml:1: name: expected a name that a folder can have")
