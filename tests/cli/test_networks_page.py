"""What docs/networks.md shows, works."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


@pytest.fixture
def shown(desk):
    """The files of the page, in the folder of the command line."""
    blocks = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for name, text in blocks:
        desk.write(name, text)
    assert {name for name, _ in blocks} == {
        "my_net.py",
        "chip.yaml",
        "my_cost.py",
        "experiment.yaml",
    }
    return desk


def test_a_module_and_a_cost_of_ones_own(shown):
    pytest.importorskip("torch", reason="needs the extra torch")
    costs: list[float] = []
    for steps in (1, 1000):
        ended = shown.call("run", "experiment.yaml", "--json", "--set", f"stop.steps={steps}")
        assert ended.code == 0, ended.err
        assert ended.last["steps"] == steps
        assert ended.last["accuracy"] is not None
        costs.append(ended.last["cost"])
    assert costs[1] < 0.7 * costs[0]


def test_a_cost_of_ones_own_without_pytorch(shown):
    network = "chip={driver: emulated, network: {layers: [49, 4]}}"
    settings = ("--set", network, "--set", "stop.steps=200")
    ended = shown.call("run", "experiment.yaml", "--json", *settings)
    assert ended.code == 0, ended.err
