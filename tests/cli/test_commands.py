"""Each command from its words to its exit code."""

import json

import numpy as np
import pytest

from mgd_lab import open_run

KEYS = {
    "run",
    "status",
    "steps",
    "probes",
    "evaluation_probes",
    "remeasured_probes",
    "samples",
    "updates",
    "cost",
    "accuracy",
    "wall_seconds",
    "seed",
    "simulated",
}


def test_run(desk):
    ended = desk.call("run", "tiny.yaml")
    assert ended.code == 0
    assert ended.err == ""
    lines = ended.out.splitlines()
    assert lines[0].startswith("run runs/tiny-")
    assert lines[0].endswith("(simulated)")
    assert "tiny: finished after 200 steps (simulated)" in lines
    assert "400 probes, 200 updates, 8 evaluation probes" in ended.out
    with open_run(desk.run) as run:
        assert run.counters.steps == 200
        assert (run.path / "experiment.yaml").read_text() == (desk.folder / "tiny.yaml").read_text()


def test_run_with_json(desk):
    ended = desk.call("run", "tiny.yaml", "--json")
    assert ended.code == 0
    assert set(ended.last) == KEYS
    expected = {"status": "finished", "steps": 200, "probes": 400, "updates": 200, "seed": 3}
    assert ended.last.items() >= {**expected, "simulated": True, "remeasured_probes": 0}.items()
    with open_run(ended.last["run"]) as run:
        assert run.summary == ended.last


def test_changes_on_the_command_line(desk):
    desk.write("other.yaml", "driver: emulated\nname: other\nnetwork: {layers: [2, 5, 1]}\n")
    ended = desk.call(
        *("run", "tiny.yaml", "--json", "--chip", "other.yaml", "--runs-dir", "elsewhere"),
        *("--set", "seed=9", "--set", "chip.rung=cost", "--set", "stop={updates: 7}"),
    )
    assert ended.code == 0
    assert (ended.last["seed"], ended.last["updates"], ended.last["steps"]) == (9, 7, 7)
    assert ended.last["run"].startswith("elsewhere/tiny-")
    with open_run(ended.last["run"]) as run:
        assert run.parameters().theta.shape[1] == 21
        assert run.environment["chip"]["rung"] == "cost"
        assert run.experiment["stop"]["steps"] is None


def test_a_target_that_is_missed(desk):
    ended = desk.call("run", "tiny.yaml", "--json", "--set", "stop={steps: 20, cost_below: 1e-9}")
    assert ended.code == 5
    assert ended.last["status"] == "target_missed"
    assert "cost below 1e-09" in ended.out
    assert "seed" in ended.out


def test_a_target_that_is_reached(desk):
    ended = desk.call("run", "tiny.yaml", "--json", "--set", "stop={steps: 20, cost_below: 5}")
    assert ended.code == 0
    assert ended.last["status"] == "target_reached"


def test_check(desk):
    ended = desk.call("check", "tiny.yaml", "--json")
    assert ended.code == 0
    assert "tiny: experiment and chip fit (simulated)" in ended.out
    assert "tiny chip, 9 parameters" in ended.out
    assert ended.last.items() >= {"status": "ok", "steps": 200, "probes": 400}.items()
    assert not (desk.folder / "runs").exists()


def test_warnings_of_check_go_to_stderr(desk):
    change = "training.time_constants.tau_theta=1000"
    ended = desk.call("check", "tiny.yaml", "--set", change)
    assert ended.code == 0
    assert ended.err.startswith("warning: stop.steps")


def test_runs(desk):
    assert desk.call("runs").code == 2
    desk.call("run", "tiny.yaml")
    (desk.folder / "runs" / "notes").mkdir()
    ended = desk.call("runs")
    assert ended.code == 0
    assert [line.split()[:3] for line in ended.out.splitlines()[1:]] == [
        [desk.run.name, "finished", "200"]
    ]
    listed = json.loads(desk.call("runs", "--json").out)
    assert [entry["status"] for entry in listed] == ["finished"]
    (desk.folder / "empty").mkdir()
    assert desk.call("runs", "empty").out == "no runs in empty\n"


def test_show(desk):
    desk.call("run", "tiny.yaml")
    ended = desk.call("show", desk.run, "--json")
    assert ended.code == 0
    assert f"{desk.run.name}: finished (simulated)" in ended.out
    for part in ("tiny chip", "rung signs", "random codes", "sgd at learning rate 0.5"):
        assert part in ended.out
    assert set(ended.last) == KEYS


def test_export(desk):
    desk.call("run", "tiny.yaml")
    ended = desk.call("export", desk.run, "--to", "costs.csv")
    assert ended.code == 0
    written = [desk.folder / name for name in ended.out.split()]
    assert all(path.stat().st_size for path in written)
    again = desk.call("export", desk.run, "--to", "costs.csv")
    assert again.code == 2
    assert "overwrite" in again.err
    assert desk.call("export", desk.run, "--to", "costs.csv", "--overwrite").code == 0
    assert desk.call("export", desk.run, "--to", "costs.xyz").code == 2


def test_schema(desk):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(desk.call("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    chip = json.loads(desk.call("schema", "--chip").out)
    jsonschema.validate({"driver": "emulated", "network": {"layers": [2, 2, 1]}}, chip)


def test_plot(desk):
    pytest.importorskip("matplotlib")
    desk.call("run", "tiny.yaml")
    ended = desk.call("plot", desk.run, "-o", "figure.png")
    assert ended.code == 0
    assert (desk.folder / "figure.png").read_bytes()[:4] == b"\x89PNG"
    assert desk.call("plot", desk.run, "-o", "figure.doc").code == 2


@pytest.mark.parametrize("command", ["show", "export", "plot", "replay"])
def test_a_run_that_is_not_there(desk, command):
    options = {"export": ("--to", "a.csv"), "plot": ("-o", "a.png")}.get(command, ())
    ended = desk.call(command, "runs/none", *options)
    assert ended.code == 2
    assert "runs/none" in ended.err
    assert "Traceback" not in ended.err


def test_help_names_only_what_works(desk):
    ended = desk.call("--help")
    assert ended.code == 0
    for word in (
        *("run", "check", "resume", "runs", "show", "plot", "export", "replay", "schema"),
        *("emulate", "data"),
    ):
        assert f" {word} " in ended.out
    for word in ("sweep", "monitor"):
        assert word not in ended.out
    assert desk.call("--version").out.startswith("mgd-lab ")
    assert desk.call("sweep").code == 2


def test_the_same_seed_gives_the_same_run(desk):
    one = desk.call("run", "tiny.yaml", "--json").last["run"]
    two = desk.call("run", "tiny.yaml", "--json", "--set", "chip.max_block_probes=1").last["run"]
    with open_run(one) as a, open_run(two) as b:
        np.testing.assert_array_equal(a.costs().cost, b.costs().cost)
        np.testing.assert_array_equal(a.parameters().theta, b.parameters().theta)
