# ruff: noqa: E501 (messages stand as one line each, as they are shown)
"""The section `guards:`: defaults, and what it holds after a round trip."""

import pytest

from mgd_lab.experiment import (
    Guards,
    TelemetryWindow,
    experiment_from_mapping,
    resolved_mapping,
)

GOOD = {
    "chip": {"driver": "emulated", "network": {"layers": [2, 2, 1]}},
    "task": {"dataset": "parity"},
}


def test_defaults(drivers):
    guards = experiment_from_mapping(GOOD, drivers=drivers).guards
    assert guards == Guards()
    for guard in (guards.cost, guards.retries, guards.disk, guards.host_slept):
        assert guard.action == "stop"
    assert guards.retries.most is None
    assert guards.pause.chip == "hold"
    assert guards.telemetry == {}


def test_a_round_trip(drivers):
    section = {
        "cost": {"low": 0, "high": 4, "rails": [0, 4.0], "stuck_probes": None, "action": "pause"},
        "telemetry": {"heat": {"high": 40, "action": "pause"}, "supply": {"low": 3.1, "high": 3.5}},
        "retries": {"most": None},
        "host_slept": {"seconds": None, "action": "continue"},
        "pause": {"chip": "safe", "longest_seconds": 3600},
    }
    made = experiment_from_mapping({**GOOD, "guards": section}, drivers=drivers)
    assert made.guards.cost.rails == (0.0, 4.0)
    assert made.guards.telemetry["heat"] == TelemetryWindow(high=40.0, action="pause")
    assert experiment_from_mapping(resolved_mapping(made), drivers=drivers) == made


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("guards: {retries: {within_seconds: 0}}", "guards.retries.within_seconds: expected a value above 0, got 0"),
        ("guards: {telemetry: {heat: {low: 5, high: 4}}}", "guards.telemetry.heat.high: expected a value above low (5), got 4"),
        ("guards: {cost: {rails: 3}}", "guards.cost.rails: expected a list, got 3"),
        ("guards: {host_slept: {action: go on}}", "guards.host_slept.action: expected 'stop', 'pause' or 'continue', got the text 'go on'"),
    ],
)  # fmt: skip
def test_problems_are_told_at_their_line(bench, base, section, text):
    assert bench.problems(base + section) == [f"tiny.yaml:4: {text}"]
