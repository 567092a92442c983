"""Costs and networks of the user's own, from the command line: run, resume, replay."""

import json

import pytest

COST = "import numpy as np\n\ndef own(y, t):\n    return np.abs(y[:, 0] - t[:, 0])\n"
WITH_COST = ("--set", "task.cost={file: my_cost.py, function: own}")

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self, hidden=2):
        super().__init__()
        self.a, self.b = nn.Linear(2, hidden), nn.Linear(hidden, 1)

    def forward(self, x):
        return self.b(self.a(x).tanh()).sigmoid()
"""
CHIP = """\
driver: emulated
name: mine
network: {kind: torch, module: nets/my_net.py:Net, arguments: {hidden: 3}, input: [2]}
device: cpu
"""


@pytest.fixture
def costly(desk):
    desk.write("my_cost.py", COST)
    return desk


def test_a_cost_is_run_resumed_and_replayed(costly):
    ended = costly.call("run", "tiny.yaml", *WITH_COST, "--json")
    assert ended.code == 0, ended.err
    run = costly.run
    assert ended.last["cost"] > 0
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    assert len(environment["cost"]["sha256"]) == 64
    again = costly.call("resume", run, "--set", "stop.steps=300", "--json")
    assert (again.code, again.last["steps"]) == (0, 300), again.err
    # A replay takes costs from the log: it needs no function.
    (costly.folder / "my_cost.py").unlink()
    replay = costly.call("replay", run)
    assert replay.code == 0, replay.err
    assert "bit for bit" in replay.out


def test_a_cost_whose_file_has_changed_is_not_gone_on_with(costly):
    costly.call("run", "tiny.yaml", *WITH_COST)
    costly.write("my_cost.py", COST.replace("np.abs", "2.0 * np.abs"))
    ended = costly.call("resume", costly.run, "--set", "stop.steps=300")
    assert ended.code == 2
    assert "cost.sha256: was " in ended.err
    meant = ("resume", costly.run, "--set", "stop.steps=300", "--accept-changes")
    assert costly.call(*meant).code == 0


def test_code_that_ends_the_program_is_an_error(costly):
    for text in ("raise SystemExit(0)\n", "def own(y, t):\n    raise SystemExit(0)\n"):
        costly.write("my_cost.py", text)
        ended = costly.call("check", "tiny.yaml", *WITH_COST)
        assert ended.code == 2
        assert "error: task.cost: " in ended.err
        assert "SystemExit: 0" in ended.err


def test_another_cost_is_another_run(costly):
    costly.call("run", "tiny.yaml", *WITH_COST)
    ended = costly.call("resume", costly.run, "--set", "task.cost=mse")
    assert ended.code == 2
    assert "task.cost" in ended.err


def test_a_file_that_only_moved_is_accepted(costly):
    costly.call("run", "tiny.yaml", *WITH_COST)
    (costly.folder / "my_cost.py").rename(costly.folder / "moved.py")
    keys = ("--set", "stop.steps=300", "--set", "task.cost.file=moved.py", "--accept-changes")
    ended = costly.call("resume", costly.run, *keys)
    assert ended.code == 0, ended.err


@pytest.fixture
def networked(desk):
    pytest.importorskip("torch", reason="needs the extra torch")
    (desk.folder / "chips" / "nets").mkdir(parents=True)
    desk.write("chips/nets/my_net.py", NET)
    desk.write("chips/mine.yaml", CHIP)
    return desk


def test_a_module_is_found_beside_its_chip_file(networked):
    ended = networked.call("run", "tiny.yaml", "--chip", "chips/mine.yaml", "--json")
    assert ended.code == 0, ended.err
    run = networked.run
    again = networked.call("resume", run, "--set", "stop.steps=300", "--json")
    assert (again.code, again.last["steps"]) == (0, 300), again.err
    assert networked.call("replay", run).code == 0
    whole = networked.call(
        "run", "tiny.yaml", "--chip", "chips/mine.yaml", "--json", "--set", "stop.steps=300"
    )
    assert whole.last["cost"] == again.last["cost"]


def test_a_module_whose_file_has_changed_is_not_gone_on_with(networked):
    networked.call("run", "tiny.yaml", "--chip", "chips/mine.yaml")
    networked.write("chips/nets/my_net.py", NET.replace("tanh", "relu"))
    ended = networked.call("resume", networked.run, "--set", "stop.steps=300")
    assert ended.code == 2
    assert "chip identity model: was emulated chip Net 2-1 sha256" in ended.err


def test_probes_together_are_no_exact_way_to_go_on(networked):
    networked.write("chips/mine.yaml", CHIP + "probes_together: 8\n")
    checked = networked.call("check", "tiny.yaml", "--chip", "chips/mine.yaml")
    assert "computes 8 probes together (engine torch)" in checked.err + checked.out
    networked.call("run", "tiny.yaml", "--chip", "chips/mine.yaml")
    keys = ("resume", networked.run, "--set", "stop.steps=300")
    ended = networked.call(*keys)
    assert ended.code == 2
    assert "computes 8 probes together" in ended.err
    assert networked.call(*keys, "--accept-changes").code == 0


def test_a_module_that_is_not_there(networked):
    ended = networked.call(
        "check", "tiny.yaml", "--chip", "chips/mine.yaml", "--set", "chip.network.module=a.py:Net"
    )
    assert ended.code == 2
    assert "chip.network.module: " in ended.err
    assert "a.py cannot be imported: FileNotFoundError" in ended.err
