"""A reference from an experiment file to a run that the store reads."""

import json
import threading

import numpy as np
import pytest

import mgd_lab
from mgd_lab.errors import CapabilityError, ConfigurationError
from mgd_lab.reference import execute_reference, run_reference
from mgd_lab.replay import replay_run

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")

DIGITS = {
    "chip": {"driver": "emulated", "network": {"layers": [64, 16, 10]}},
    "task": {"dataset": "digits", "split": {"validation": 0.1, "test": 0.1}},
    "evaluate": {"split": "validation"},
    "stop": {"accuracy_at_least": 0.85},
}


def test_it_begins_where_the_chip_begins(train, experiment, tmp_path):
    reference = train({"steps": 3})
    measured = mgd_lab.run(experiment(), runs_dir=tmp_path / "measured")
    with mgd_lab.open_run(reference.path) as one, mgd_lab.open_run(measured.path) as other:
        np.testing.assert_allclose(
            one.parameters().theta[0], other.parameters().theta[0], rtol=1e-7
        )
        assert one.parameters().step[0] == other.parameters().step[0] == 0
        first, second = one.evaluations(), other.evaluations()
        assert first.cost[0] == pytest.approx(second.cost[0], rel=1e-6)
        assert first.accuracy[0] == second.accuracy[0]
        assert one.environment["data"] == other.environment["data"]


def test_it_is_kept_as_a_run_and_marked(train):
    result = train()
    with mgd_lab.open_run(result.path) as run:
        assert run.reference == "backpropagation"
        assert run.simulated
        assert run.environment["reference"]["method"] == "backpropagation"
        assert run.summary == result.summary
        assert run.summary["reference"] == "backpropagation"
        assert run.evaluations().step.tolist() == list(range(41))
        assert run.parameters().theta.shape == (41, 9)
        assert run.parameters().step[-1] == 40
        counters = run.counters
        assert (counters.steps, counters.updates, counters.samples) == (40, 40, 160)
        assert (counters.probes, counters.evaluation_probes) == (0, 41 * 4)
        assert run.state()["training_seconds"] == result.training_seconds > 0
    assert result.epochs == 40
    assert result.seconds_per_epoch == pytest.approx(result.training_seconds / 40)


def test_the_same_seed_gives_the_same_parameters(train):
    theta = []
    for seed in (3, 3, 4):
        with mgd_lab.open_run(train({"batch_size": 3}, seed=seed).path) as run:
            theta.append(run.parameters().theta[-1])
    np.testing.assert_array_equal(theta[0], theta[1])
    assert (theta[0] != theta[2]).any()


def test_it_learns_and_stops_at_the_target(train):
    result = train({"epochs": 30, "steps": None, "learning_rate": 0.01, "batch_size": 32}, **DIGITS)
    assert result.status == "target_reached"
    assert result.accuracy >= 0.85
    with mgd_lab.open_run(result.path) as run:
        assert set(run.evaluations().split) == {"validation"}
        assert run.evaluations().accuracy[-1] == result.accuracy
        assert (run.evaluations().accuracy[:-1] < 0.85).all()


def test_a_target_that_is_missed(train):
    result = train({"steps": 2}, stop={"cost_below": 1e-9})
    assert result.status == "target_missed"


def test_seconds_end_it(train):
    result = train({"steps": 10**9, "evaluate_every_steps": 10**9}, stop={"seconds": 0.3})
    assert result.status == "finished"
    assert 0 < result.counters.steps < 10**7
    with mgd_lab.open_run(result.path) as run:
        assert run.evaluations().step[-1] == result.counters.steps


def test_the_best_parameters_are_kept_where_wanted(train):
    result = train({"rule": "sgd", "learning_rate": 40.0, "steps": 37}, training={"finish": "best"})
    with mgd_lab.open_run(result.path) as run:
        evaluations = run.evaluations()
        best = int(evaluations.cost.argmin())
        assert best < len(evaluations.cost) - 1
        assert result.cost == evaluations.cost[best]
        np.testing.assert_array_equal(run.parameters().theta[-1], run.parameters().theta[best])


def test_an_interruption_keeps_the_run(experiment, tmp_path):
    interrupt = threading.Event()

    def observe(progress):
        if progress.counters.steps:
            interrupt.set()

    loaded = experiment(reference={"steps": 10**7, "threads": 1, "device": "cpu"})
    result, error = execute_reference(
        loaded, runs_dir=tmp_path / "runs", observe=observe, interrupt=interrupt
    )
    assert error is None
    assert result.status == "interrupted"
    with mgd_lab.open_run(result.path) as run:
        assert run.counters.steps == result.counters.steps > 0
        assert run.parameters().step[-1] == result.counters.steps
        assert run.events().kind[-1] == "interrupted"


def test_a_run_that_diverges_tells_why(experiment, tmp_path):
    loaded = experiment(
        reference={"rule": "sgd", "learning_rate": 1e38, "steps": 50, "device": "cpu"},
        chip={
            "driver": "emulated",
            "network": {"layers": [2, 2, 1], "output_activation": "linear"},
        },
    )
    result, error = execute_reference(loaded, runs_dir=tmp_path / "runs")
    assert error is not None
    assert error.exit_code == 3
    assert result.status == "failed"
    assert "diverged" in result.message
    with mgd_lab.open_run(result.path) as run:
        assert run.events().kind[-1] == "error"
        assert run.checkpoints().final[-1] == "failed"


def test_a_chip_can_go_on_from_it(train, experiment, tmp_path):
    reference = train()
    loaded = experiment(
        training={"initial": {"from": "run", "path": str(reference.path)}}, stop={"steps": 1}
    )
    measured = mgd_lab.run(loaded, runs_dir=tmp_path / "measured")
    with mgd_lab.open_run(reference.path) as one, mgd_lab.open_run(measured.path) as other:
        np.testing.assert_array_equal(one.parameters().theta[-1], other.parameters().theta[0])


def test_neither_resumed_nor_replayed(train):
    path = train({"steps": 1}).path
    for command in (mgd_lab.resume, replay_run):
        with pytest.raises(ConfigurationError, match=r"is a reference \(backpropagation\)"):
            command(path)


def test_a_summary_rebuilt_after_a_crash_says_what_it_was(train):
    path = train({"steps": 1}).path
    (path / "summary.json").unlink()
    with mgd_lab.open_run(path) as run:
        assert run.summary["reference"] == "backpropagation"


@pytest.mark.parametrize(
    ("sections", "error", "message"),
    [
        (
            {"reference": {"batch_size": 5}},
            ConfigurationError,
            "reference.batch_size: 5 is more than the 4 samples",
        ),
        (
            {"training": {"initial": {"from": "chip"}}},
            CapabilityError,
            "training.initial.from: chip",
        ),
        (
            {"chip": {"driver": "scpi", "resource": "TCPIP0::10.0.0.1::5025::SOCKET"}},
            ConfigurationError,
            "needs the key network, which driver 'scpi' does not",
        ),
        (
            {"chip": {"driver": "emulated", "network": {"layers": [3, 1]}}},
            ConfigurationError,
            "parity has 2 inputs a sample",
        ),
    ],
)
def test_what_does_not_fit_is_refused_without_a_folder(
    experiment, tmp_path, sections, error, message
):
    with pytest.raises(error, match=message.replace(".", r"\.")):
        run_reference(experiment(**sections), runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_gpu_that_is_not_there(train):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ConfigurationError, match=r"reference\.device: cuda asks for a GPU"):
        train({"device": "cuda"})


def test_threads_are_as_before(train):
    torch.set_num_threads(2)
    train({"steps": 1, "threads": 1})
    assert torch.get_num_threads() == 2


def test_the_resolved_experiment_holds_no_keys_of_other_rules(train):
    path = train({"steps": 1}).path
    resolved = json.loads((path / "resolved.json").read_text())["reference"]
    assert resolved["rule"] == "adam"
    assert resolved["beta1"] == 0.9
    assert "momentum" not in resolved


MODULE = """\
import torch


class Small(torch.nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.first, self.second = torch.nn.Linear(64, hidden), torch.nn.Linear(hidden, 10)

    def forward(self, inputs):
        return self.second(torch.relu(self.first(inputs))).softmax(1)
"""


def test_a_module_of_ones_own(train, tmp_path):
    file = tmp_path / "small.py"
    file.write_text(MODULE)
    network = {
        "kind": "torch",
        "input": [64],
        "module": f"{file}:Small",
        "arguments": {"hidden": 16},
        "output": "probabilities",
    }
    sections = {
        **DIGITS,
        "chip": {"driver": "emulated", "network": network},
        "task": {**DIGITS["task"], "cost": "cross_entropy"},
    }
    result = train({"steps": 400, "learning_rate": 0.01}, **sections)
    assert result.status == "target_reached"
    with mgd_lab.open_run(result.path) as run:
        names = [group["name"] for group in run.environment["chip"]["description"]["groups"]]
        assert names == ["first.weight", "first.bias", "second.weight", "second.bias"]
        assert run.parameters().theta.shape[1] == 65 * 16 + 17 * 10


def test_a_cost_of_ones_own_has_no_gradient(experiment, tmp_path):
    file = tmp_path / "cost.py"
    file.write_text("def cost(outputs, targets):\n    return abs(outputs - targets).mean(1)\n")
    loaded = experiment(task={"dataset": "parity", "cost": {"file": str(file), "function": "cost"}})
    with pytest.raises(CapabilityError, match=r"task\.cost: reference needs a cost that PyTorch"):
        run_reference(loaded, runs_dir=tmp_path / "runs")


def test_what_pytorch_says_is_passed_on(experiment, tmp_path, monkeypatch):
    def step(_learner, _samples):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("mgd_lab.reference.backpropagation.Backpropagation.step", step)
    result, error = execute_reference(experiment(), runs_dir=tmp_path / "runs")
    assert isinstance(error, ConfigurationError)
    assert str(error) == "reference: PyTorch says: out of memory"
    assert (result.status, result.counters.steps) == ("failed", 0)


def test_torn_out_of_an_update_the_run_is_kept(experiment, tmp_path, monkeypatch):
    def step(_learner, _samples):
        raise KeyboardInterrupt

    monkeypatch.setattr("mgd_lab.reference.backpropagation.Backpropagation.step", step)
    with pytest.raises(KeyboardInterrupt):
        execute_reference(experiment(), runs_dir=tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()
    with mgd_lab.open_run(path) as run:
        assert run.summary["status"] == "interrupted"
        assert run.summary["reference"] == "backpropagation"
