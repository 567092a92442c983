"""Keys of networks and costs of the user's own; no file is opened for them."""

import re

import pytest

TORCH = "driver: emulated\nnetwork: {kind: torch, module: nets/my.py:Net, input: [1, 4, 4]}\n"


def test_a_module_lies_beside_the_chip_file(bench):
    (bench.folder / "chips").mkdir()
    bench.write(TORCH, "chips/mine.yaml")
    loaded = bench.load("chip: chips/mine.yaml\ntask: {dataset: parity}\n")
    assert loaded.experiment.chip.network.module == f"{bench.folder}/chips/nets/my.py:Net"
    assert loaded.experiment.chip.network.input == (1, 4, 4)


def test_in_place_it_lies_beside_the_experiment_file(bench):
    network = "{kind: torch, module: my.py:Net, arguments: {a: [1, {b: text}]}, input: [4]}"
    chip = f"chip: {{driver: emulated, network: {network}}}\n"
    network = bench.load(f"{chip}task: {{dataset: parity}}\n").experiment.chip.network
    assert network.module == f"{bench.folder}/my.py:Net"
    assert network.arguments == {"a": [1, {"b": "text"}]}


def test_what_python_imports_has_no_folder(bench, base):
    bench.write(TORCH.replace("nets/my.py:Net", "my.nets:Net"), "chip.yaml")
    assert bench.load(base).experiment.chip.network.module == "my.nets:Net"


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("{kind: torch, input: [4]}", "module: a network of kind torch needs FILE.py:CLASS"),
        ("{kind: torch, module: my.py, input: [4]}", "module: .*CLASS; got 'my.py'"),
        ("{kind: torch, module: my.py:Net}", "input: .*needs the shape of one sample"),
        ("{kind: torch, module: my.py:Net, input: [4], layers: [2]}", "layers belongs to kind mlp"),
        ("{kind: torch, module: a.py:N, input: [4], activation: relu}", "belongs to kind mlp, not"),
        ("{layers: [2, 1], module: my.py:Net}", "module belongs to kind torch, not to mlp"),
        ("{kind: mlp}", "layers: a network of kind mlp needs its widths"),
        ("{kind: chain, input: [1, 2, 2]}", "layers: a network of kind chain needs its layers"),
        ("{kind: torch, module: my.py:Net, input: [4], argument: {}}", "did you mean '.*arguments"),
    ],
)
def test_networks_that_are_refused(bench, base, network, message):
    bench.write(f"driver: emulated\nnetwork: {network}\n", "chip.yaml")
    (problem,) = bench.problems(base)
    assert re.search(message, problem), problem


@pytest.mark.parametrize(
    ("cost", "problem"),
    [
        ("{file: my.py}", "tiny.yaml:3: task.cost.function: a required key is missing: its name"),
        ("{file: my.txt, function: f}", "expected a Python file (.py), got 'my.txt'"),
        ("{file: my.py, functoin: f}", "did you mean 'task.cost.function'?"),
        ("msee", "expected 'mse' or 'cross_entropy', got the text 'msee'; did you mean 'mse'?"),
        ("3", "expected 'mse' or 'cross_entropy', got 3"),
    ],
)
def test_costs_that_are_refused(bench, cost, problem):
    text = f"name: tiny\nchip: chip.yaml\ntask: {{dataset: parity, cost: {cost}}}\n"
    problems = bench.problems(text)
    assert any(problem in each for each in problems), problems


def test_label_smoothing_is_not_for_a_cost_of_ones_own(bench):
    task = "{dataset: parity, cost: {file: my.py, function: f}, label_smoothing: 0.1}"
    (problem,) = bench.problems(f"chip: chip.yaml\ntask: {task}\n")
    assert "label_smoothing belongs to cross_entropy, not a function of your own" in problem
