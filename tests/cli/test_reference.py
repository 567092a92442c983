"""`mgd-lab reference`: from the command line to the run, and what it refuses."""

import re
import signal
import sys
from pathlib import Path

import pytest

from mgd_lab import load_experiment, open_run
from mgd_lab.errors import MgdLabError
from mgd_lab.experiment import Reference

NEEDS_TORCH = "PyTorch is not installed (extra torch)"
QUICK = ("--set", "reference={steps: 60, learning_rate: 0.05, threads: 1, device: cpu}")


@pytest.fixture
def trained(desk):
    pytest.importorskip("torch", reason=NEEDS_TORCH)
    ended = desk.call("reference", "tiny.yaml", *QUICK, "--json")
    assert ended.code == 0, ended.err
    return ended


def test_it_tells_what_it_did(desk, trained):
    path = trained.last["run"]
    assert trained.out.splitlines()[0] == f"run {path} (simulated)"
    assert "tiny: finished after 60 updates by backpropagation" in trained.out
    assert "240 samples, 60 epochs in " in trained.out
    assert "(cpu, 1 thread), " in trained.out
    assert "an epoch" in trained.out
    keys = ["steps", "probes", "evaluation_probes", "remeasured_probes", "samples", "updates"]
    assert [trained.last[key] for key in keys] == [60, 0, 61 * 4, 0, 240, 60]
    assert (trained.last["status"], trained.last["reference"]) == ("finished", "backpropagation")
    assert trained.last["simulated"] is True
    assert trained.last["seed"] == 3
    assert 0 < trained.last["seconds_per_epoch"] < 10
    assert trained.last["wall_seconds"] > trained.last["training_seconds"] > 0


def test_it_is_a_run_among_others(desk, trained):
    path = trained.last["run"]
    assert "backpropagation" in desk.call("runs").out
    shown = desk.call("show", path).out
    assert "  training        backpropagation, adam at learning rate 0.05, batches of 4" in shown
    assert "  computed        float32 on cpu, 1 thread, PyTorch " in shown
    assert "of training alone" in shown
    assert desk.call("export", path, "--to", "log.csv").code == 0
    desk.call("run", "tiny.yaml")
    measured = next(p for p in (desk.folder / "runs").iterdir() if "reference" not in p.name)
    assert desk.call("plot", measured, path, "-o", "both.svg").code == 0
    assert desk.call("plot", measured, path, "-o", "both.svg", "--x", "steps").code == 0
    table = desk.call("project", measured, path, "--json")
    assert table.last["backpropagation"][0]["run"] == str(desk.folder / path)
    assert table.last["backpropagation"][0]["seconds"] == trained.last["training_seconds"]


def test_it_is_neither_resumed_nor_replayed(desk, trained):
    for command in ("resume", "replay"):
        ended = desk.call(command, trained.last["run"])
        assert ended.code == 2
        assert "is a reference (backpropagation)" in ended.err


def test_a_missed_target_is_exit_code_5(desk):
    pytest.importorskip("torch", reason=NEEDS_TORCH)
    ended = desk.call("reference", "tiny.yaml", *QUICK, "--set", "stop={cost_below: 1.0e-9}")
    assert ended.code == 5
    assert "the target of stop was not reached; try more epochs" in ended.out


def test_without_pytorch(desk, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    ended = desk.call("reference", "tiny.yaml", "--json")
    assert ended.code == 2
    assert 'pip install "mgd-lab[torch]"' in ended.err
    assert ended.last["status"] == "failed"
    assert ended.last["run"] is None
    assert not (desk.folder / "runs").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("reference.learning_rat=1", "unknown key; did you mean 'reference.learning_rate'?"),
        ("reference.batch_size=0", "expected a value of at least 1, got 0"),
        ("reference.momentum=0.5", "momentum belongs to rule momentum, not to adam"),
        ("reference.device=tpu", "expected 'auto', 'cpu' or 'cuda', got the text 'tpu'"),
    ],
)
def test_wrong_keys(desk, change, message):
    ended = desk.call("reference", "tiny.yaml", "--set", change, "--json")
    assert ended.code == 2
    assert message in ended.err
    assert ended.last["reference"] == "backpropagation"


def test_ctrl_c_keeps_the_run(desk):
    pytest.importorskip("torch", reason=NEEDS_TORCH)
    settings = "reference={steps: 100000000, threads: 1, device: cpu}"
    often = "logging.checkpoint_every_seconds=0.05"
    process = desk.start("reference", "tiny.yaml", "--set", settings, "--set", often, "--json")
    desk.wait_for(lambda: (desk.folder / "runs").is_dir() and _steps(desk) > 0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    assert '"status": "interrupted"' in out.splitlines()[-1]
    assert "interrupted" in desk.call("show", desk.run).out


def _steps(desk):
    try:
        with open_run(desk.run) as run:
            return run.counters.steps
    except (MgdLabError, IndexError, OSError):
        return 0


def test_the_section_of_the_document_is_read(desk):
    document = Path(__file__).parents[2] / "docs" / "reference.md"
    (section,) = re.findall(r"```yaml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    desk.write("documented.yaml", (desk.folder / "tiny.yaml").read_text() + section)
    reference = load_experiment(desk.folder / "documented.yaml").experiment.reference
    assert (reference.epochs, reference.batch_size, reference.threads) == (20, 64, 2)
    # The others are the defaults, which is what the page says of them.
    others = reference.model_dump(exclude={"epochs", "batch_size", "threads"})
    assert others == {
        **Reference().model_dump(exclude={"epochs", "batch_size", "threads"}),
        "evaluate_every_steps": 938,
    }
