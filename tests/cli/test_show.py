"""What `show` tells of telemetry, events and arming."""

import numpy as np
import pytest

from mgd_lab.records import Checkpoint, Counters, Event, Telemetry
from mgd_lab.run_store import RunWriter, create_run

CHANNELS = [{"name": "supply", "unit": "V"}, {"name": "die", "unit": "°C"}]


@pytest.fixture
def show(desk):
    """Shows a run that holds these records."""

    def show(*records, options=()):
        folder = create_run(
            desk.folder, "r", files={}, resolved={"seed": 1}, simulated=True,
            environment={"chip": {"description": {"name": "chip", "telemetry": CHANNELS}}},
        )  # fmt: skip
        with RunWriter(folder) as writer:
            for record in records:
                writer.write(record)
            writer.write(Checkpoint(Counters(9), 0.0, 0.0, {}))
        return desk.call("show", folder.path, *options).out.splitlines()

    return show


def reading(step, *values, names=("supply", "die")):
    return Telemetry(step, names, np.array(values, dtype=float), 0.0)


def test_each_channel_has_its_last_and_its_extremes(show):
    lines = show(
        reading(0, 3.3, np.nan), reading(1, 3.5, 21.0), reading(2, 3.25, np.nan),
        reading(3, np.nan, 7.0, names=("spare", "current")),
    )  # fmt: skip
    at = lines.index("  telemetry       4 readings a channel")
    assert lines[at + 1 :] == [
        "    supply   3.25 V, 3.25 … 3.5 V",
        "    die      none, 21 … 21 °C",
        "    spare    no reading",
        "    current  7, 7 … 7",
    ]


def test_a_run_without_them_says_nothing(show):
    assert not any("telemetry" in line or "events" in line for line in show())


def test_events_are_counted_by_kind_and_the_last_ten_are_told(show):
    events = [Event(k, "timeout" if k % 3 else "projected", f"no. {k}", 0.0) for k in range(14)]
    lines = show(*events)
    assert "  events          projected 5, timeout 9" in lines
    assert "  last 10 of 14 events:" in lines
    assert lines[-10:] == [
        f"  step {k}: {'timeout' if k % 3 else 'projected'}: no. {k}" for k in range(4, 14)
    ]


def test_all_events_on_request(show):
    lines = show(*(Event(k, "timeout", "", 0.0) for k in range(14)), options=["--events"])
    assert sum(": timeout:" in line for line in lines) == 14
    assert not any(line.startswith("  last") for line in lines)


def test_arming_is_told_with_what_was_read_back(show):
    details = {
        "limits": {"low": {"w": -1.0, "b": [-2.0, -3.0]}, "high": {"w": 1.0, "b": np.inf}},
        "parameters": np.array([0.25, -0.5, 0.125]),
        "found_outside": ["w[0]"],
    }
    lines = show(Event(0, "armed", "limits set", 0.0, details))
    assert lines[-4:] == [
        "  step 0: armed: limits set",
        "    limits as read back: w -1 … 1, b -3 … inf",
        "    parameters as found: 3, -0.5 … 0.25",
        "    found beyond their limits: w[0]",
    ]


def test_many_groups_are_cut(show):
    sides = {side: {f"g{k}": 1.0 for k in range(11)} for side in ("low", "high")}
    lines = show(Event(0, "armed", "", 0.0, {"limits": sides}))
    assert lines[-1].endswith("g7 1 … 1 and 3 more")
