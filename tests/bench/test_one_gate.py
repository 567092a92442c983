"""Whatever reaches an open chip in a run or a check comes through the gate."""

import sys

import pytest

from mgd_lab import run
from mgd_lab.bench import check, checking
from sim_instruments.emulated import EmulatedChip

SENDING = (
    "write_parameters",
    "outputs",
    "costs",
    "load_samples",
    "measure_dense",
    "measure_nodes",
    "set_amplitudes",
    "measure_signs",
    "configure_probes",
    "measure_generated",
    "configure_learning",
    "advance",
    "restore",
    "write_limits",
    "switch_outputs",
    "watch_host",
)


@pytest.fixture
def senders(monkeypatch):
    """Name of a method → modules that called it."""
    monkeypatch.setattr(checking, "_REHEARSAL_SECONDS", 0.01)
    found: dict[str, set[str]] = {}
    for name in SENDING:
        original = getattr(EmulatedChip, name)

        def watched(self, *arguments, original=original, name=name):
            found.setdefault(name, set()).add(sys._getframe(1).f_globals["__name__"])
            return original(self, *arguments)

        monkeypatch.setattr(EmulatedChip, name, watched)
    return found


@pytest.mark.parametrize("limits", [{}, {"slew_per_second": 1000.0, "writes_budget": 10_000}])
@pytest.mark.parametrize("rung", ["forward", "cost", "dense", "signs", "generated", "learns"])
@pytest.mark.parametrize("action", [run, check])
def test_nobody_speaks_to_the_chip_directly(load, tmp_path, senders, rung, limits, action):
    if limits and rung not in ("forward", "cost"):
        limits = {"writes_budget": 10_000}
    loaded = load(
        chip={"rung": rung, "limits": {"parameters": limits}},
        training={"finish": "best"},
        logging={"costs": "none"},
        evaluate={"every_steps": 10},
    )
    action(loaded, runs_dir=tmp_path / "runs")
    if action is run:
        assert "mgd_lab.controller.gate_capabilities" in set().union(*senders.values())
    for name, modules in senders.items():
        # The chip's own, on the way out or from one of its methods to another.
        rest = {module for module in modules if not module.startswith("sim_instruments.")}
        assert rest <= {"mgd_lab.controller.gate_capabilities", "mgd_lab.controller.gate_motion"}, (
            name
        )


@pytest.mark.parametrize("action", [run, check])
def test_nobody_perturbs_nodes_directly(load, tmp_path, senders, action):
    action(load(training={"perturbation": {"target": "nodes"}}), runs_dir=tmp_path / "runs")
    assert senders["measure_nodes"] == {"mgd_lab.controller.gate_capabilities"}
