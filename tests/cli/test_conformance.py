"""`mgd-lab conformance`: the report and its exit codes."""

import json
import signal

import pytest

from mgd_lab.cli import conformance
from sim_instruments.emulated import EmulatedChip

FEW = ("--check", "registers", "--check", "limits", "--check", "safe_state")


def test_report(desk):
    ended = desk.call("conformance", "chip.yaml", *FEW)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["passed", "registers"],
        ["n/a", "limits"],
        ["passed", "safe_state"],
    ]
    assert lines[-1] == "chip.yaml: 2 passed, 0 failed, 1 not applicable"


def test_failures_end_with_3(desk, monkeypatch):
    monkeypatch.setattr(EmulatedChip, "__exit__", lambda *_: None)
    ended = desk.call("conformance", "chip.yaml", "--json", *FEW)
    assert ended.code == 3
    assert "FAILED  safe_state" in ended.out
    assert ended.last["status"] == "failed"
    assert [check["status"] for check in ended.last["checks"]] == [
        "passed",
        "not_applicable",
        "failed",
    ]


@pytest.mark.parametrize(
    "arguments",
    [("nowhere.yaml",), ("chip.yaml", "--set", "chip.rungs=3"), ("chip.yaml", "--check", "speed")],
)
def test_wrong_calls_end_with_2(desk, arguments):
    ended = desk.call("conformance", *arguments, "--json")
    assert ended.code == 2
    assert ended.err.startswith("error: ")
    assert ended.last["status"] == "failed"
    assert ended.last["message"] in ended.err


def test_a_chip_that_cannot_be_opened_ends_with_3(desk):
    desk.write(
        "far.yaml",
        "driver: scpi\nresource: TCPIP::127.0.0.1::1::SOCKET\ntimeout_seconds: 1\n",
    )
    ended = desk.call("conformance", "far.yaml", "--json")
    assert ended.code == 3
    assert json.loads(ended.out)["checks"] == []


def test_signals_make_the_chip_safe_and_end_with_130(desk, monkeypatch):
    made_safe = []
    leave = EmulatedChip.__exit__

    def left(chip, *ending):
        leave(chip, *ending)
        made_safe.append(ending[0])

    monkeypatch.setattr(EmulatedChip, "__exit__", left)
    monkeypatch.setattr(
        EmulatedChip, "read_parameters", lambda _: signal.raise_signal(signal.SIGTERM)
    )
    before = signal.getsignal(signal.SIGTERM)
    ended = desk.call("conformance", "chip.yaml", *FEW)
    assert ended.code == 130
    assert made_safe[-1] is KeyboardInterrupt
    assert signal.getsignal(signal.SIGTERM) is before


def test_layout_of_the_report():
    assert max(map(len, conformance._WORDS.values())) <= 7
