"""Every wrong turn ends with its exit code and a message that says where and what to do."""

import json

import numpy as np
import pytest

from mgd_lab.bench import running
from mgd_lab.cli import run as run_command
from sim_instruments.emulated import EmulatedChip


def _ending(desk, *arguments):
    ended = desk.call(*arguments)
    assert "Traceback" not in ended.out + ended.err
    return ended


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("seed: 3", "sede: 3", ("tiny.yaml:2", "sede", "seed")),
        ("seed: 3", "seed: three", ("tiny.yaml:2", "seed", "whole number")),
        ("seed: 3", "seed: 3\nseed: 4", ("tiny.yaml:3", "seed")),
        ("seed: 3", "seed: !!python/name:os.system 3", ("tiny.yaml:2",)),
        ("seed: 3", "seed: {3", ("tiny.yaml:",)),
        ("seed: 3", "\tseed: 3", ("tiny.yaml:2",)),
        ("learning_rate: 0.5", "learning_rat: 0.5", ("tiny.yaml:6", "learning_rate")),
        ("learning_rate: 0.5", "learning_rate: .nan", ("tiny.yaml:6", "learning_rate")),
        ("learning_rate: 0.5", "learning_rate: -1", ("tiny.yaml:6", "learning_rate", "-1")),
        ("update:", "perturbation: {amplitude: .inf}\n  update:", ("tiny.yaml:6", "amplitude")),
        ("update:", "perturbation: {amplitude: .nan}\n  update:", ("tiny.yaml:6", "amplitude")),
        ("update:", "perturbation: {amplitude: 0}\n  update:", ("tiny.yaml:6", "amplitude")),
        ("update:", "perturbation: {amplitude: [0.1]}\n  update:", ("amplitude", "9 parameters")),
        ("bits: 2", "bits: 3", ("task.dataset", "3 inputs", "tiny chip", "2")),
        ("chip: chip.yaml", "chip: none.yaml", ("tiny.yaml:3", "chip", "none.yaml")),
        ("chip: chip.yaml\n", "", ("tiny.yaml", "chip")),
    ],
)
def test_experiment_files(desk, old, new, parts):
    text = (desk.folder / "tiny.yaml").read_text()
    assert old in text
    desk.write("tiny.yaml", text.replace(old, new))
    for command in ("run", "check"):
        ended = _ending(desk, command, "tiny.yaml")
        assert ended.code == 2
        assert ended.out == ""
        for part in parts:
            assert part in ended.err
    assert not (desk.folder / "runs").exists()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("driver: emulatd\n", ("chip.yaml:1", "driver", "emulated")),
        ("driver: emulated\n", ("chip.yaml", "network")),
        ("driver: emulated\nnetwork: {layers: [2, 2.5, 1]}\n", ("chip.yaml:2", "layers")),
        ("driver: emulated\nnetwork: {layers: [2, 0, 1]}\n", ("chip.yaml:2", "layers")),
        ("driver: emulated\nnetwork: {layers: [2, -3, 1]}\n", ("chip.yaml:2", "layers")),
        ("driver: emulated\nnetwork: {layers: [2]}\n", ("chip.yaml:2", "layers")),
        ("", ("chip.yaml", "empty")),
    ],
)
def test_chip_files(desk, text, parts):
    desk.write("chip.yaml", text)
    ended = _ending(desk, "run", "tiny.yaml")
    assert ended.code == 2
    for part in parts:
        assert part in ended.err


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe\x80" * 40, b"\n\n", b"- a\n- b\n", b"7"])
def test_files_that_are_no_experiment(desk, content):
    desk.write("tiny.yaml", content)
    ended = _ending(desk, "run", "tiny.yaml")
    assert ended.code == 2
    assert "tiny.yaml" in ended.err


def test_files_that_are_not_there(desk):
    for arguments in (("none.yaml",), ("tiny.yaml", "--chip", "none.yaml"), (".",)):
        ended = _ending(desk, "run", *arguments)
        assert ended.code == 2
        assert arguments[-1] in ended.err


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("trainng.batch=2", "training"),
        ("training.batch", "="),
        ("training.batch=two", "training.batch"),
        ("training.batch=[", "training.batch"),
        ("chip.limits.groups={nothing: {low: 0}}", "nothing"),
        ("=3", "="),
        ("stop.seconds=.inf", "stop.seconds"),
    ],
)
def test_changes(desk, change, part):
    ended = _ending(desk, "run", "tiny.yaml", "--set", change)
    assert ended.code == 2
    assert part in ended.err


def test_a_folder_for_runs_that_cannot_be_written(desk):
    desk.write("runs", "a file")
    for folder in ("runs", "runs/deeper", "/proc/none"):
        ended = _ending(desk, "run", "tiny.yaml", "--runs-dir", folder)
        assert ended.code == 2
        assert folder in ended.err
        assert "--runs-dir" in ended.err


def test_a_start_outside_the_limits(desk):
    limits = "chip.limits={parameters: {low: -0.5, high: 0.5}}"
    ended = _ending(desk, "run", "tiny.yaml", "--json", "--set", limits)
    assert ended.code == 4
    for part in ("tiny chip", "weights1[", "amplitude 0.05", "[-0.5, 0.5]"):
        assert part in ended.err
    assert ended.last["status"] == "refused"
    assert ended.last["run"] is None


def test_an_update_outside_the_limits(desk):
    ended = _ending(
        *(desk, "run", "tiny.yaml", "--json", "--set", "training.update.learning_rate=50"),
        *("--set", "chip.limits={parameters: {low: -1.5, high: 1.5}}"),
    )
    assert ended.code == 4
    assert ended.last["status"] == "refused"
    assert 0 < ended.last["steps"] < 200
    assert "on_update" in ended.err
    assert json.loads((desk.run / "summary.json").read_text())["status"] == "refused"
    assert "refused" in desk.call("runs").out


class _Faulty(EmulatedChip):
    fault = staticmethod(lambda costs: costs)
    safe = None

    def _measure(self, *arguments):
        return self._spoiled(super()._measure(*arguments))

    def _measure_many(self, *arguments):
        return self._spoiled(super()._measure_many(*arguments))

    def _spoiled(self, costs):
        self.asked = getattr(self, "asked", 0) + 1
        return type(self).fault(costs) if self.asked > 50 else costs

    def __exit__(self, *ending):
        super().__exit__(*ending)
        type(self).safe = self.read_parameters()


def _with_fault(monkeypatch, fault):
    monkeypatch.setattr(_Faulty, "fault", staticmethod(fault))
    monkeypatch.setattr(_Faulty, "safe", None)
    real = running.build_chip

    def build(settings):
        chip = real(settings)
        chip.__class__ = _Faulty
        return chip

    monkeypatch.setattr(running, "build_chip", build)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_cost_that_is_no_number(desk, monkeypatch, value):
    _with_fault(monkeypatch, lambda costs: costs * value)
    ended = _ending(desk, "run", "tiny.yaml", "--json")
    assert ended.code == 3
    assert "tiny chip" in ended.err
    assert "at step 50 (sample" in ended.err
    assert ended.last.items() >= {"status": "failed", "steps": 50, "updates": 50}.items()
    assert "at step 50" in ended.last["message"]
    np.testing.assert_array_equal(_Faulty.safe, np.zeros(9))
    shown = desk.call("show", desk.run)
    assert "failed" in shown.out
    assert "step 50: error: chip 'tiny chip'" in shown.out


def test_a_fault_of_ours(desk, monkeypatch):
    def fault(costs):
        raise ZeroDivisionError("nobody thought of this")

    _with_fault(monkeypatch, fault)
    ended = _ending(desk, "run", "tiny.yaml")
    assert ended.code == 1
    assert "internal error: ZeroDivisionError: nobody thought of this" in ended.err
    assert "--debug" in ended.err
    np.testing.assert_array_equal(_Faulty.safe, np.zeros(9))
    assert "failed" in desk.call("show", desk.run).out
    debugged = desk.call("--debug", "run", "tiny.yaml")
    assert debugged.code == 1
    assert "Traceback" in debugged.err
    assert "in fault" in debugged.err


def test_debug_shows_where_an_error_comes_from(desk):
    ended = desk.call("--debug", "run", "none.yaml")
    assert ended.code == 2
    assert "Traceback" in ended.err
    assert "Traceback" not in desk.call("run", "none.yaml").err


def test_json_of_a_file_that_cannot_be_read(desk):
    ended = _ending(desk, "run", "none.yaml", "--json")
    assert ended.code == 2
    assert ended.last["status"] == "failed"
    assert ended.last["run"] is None
    assert "none.yaml" in ended.last["message"]
    for key in ("steps", "cost", "accuracy", "wall_seconds", "seed", "simulated"):
        assert key in ended.last


def test_a_second_control_c(desk, monkeypatch):
    def impatient(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command, "execute", impatient)
    ended = _ending(desk, "run", "tiny.yaml")
    assert ended.code == 130


def test_limits_that_cannot_be_name_their_place(desk):
    ended = desk.call("check", "tiny.yaml", "--set", "chip.limits.parameters={low: 1, high: 0}")
    assert ended.code == 2
    assert "chip.limits.parameters" in ended.err
    assert "low (1) must be below high (0)" in ended.err


def test_a_slew_that_would_take_for_ever_is_refused_by_check_too(desk):
    slow = "chip.limits.parameters={low: -9, high: 9, slew_per_second: 1.0e-30}"
    ended = desk.call("check", "tiny.yaml", "--set", slow, "--set", "chip.rung=cost")
    assert ended.code == 4
    assert "slew_per_second" in ended.err
