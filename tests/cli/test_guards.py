"""Guards and pauses as whoever runs `mgd-lab` meets them."""

import signal
import time

import pytest

from mgd_lab import open_run


@pytest.mark.parametrize(
    ("guards", "line", "words"),
    [
        ("{cost: {hihg: 3}}", 8, "guards.cost.hihg: unknown key; did you mean 'guards.cost.high'?"),
        (
            "{cost: {stuck_probes: 1}}",
            8,
            "guards.cost.stuck_probes: expected a value of at least 2",
        ),
        ("{cost: {low: 2, high: 1}}", 8, "guards.cost.high: expected a value above low (2), got 1"),
        ("{disk: {action: continue}}", 8, "guards.disk.action: expected 'stop' or 'pause'"),
        ("{telemetry: {t: {}}}", 8, "guards.telemetry.t: expected low, high or both"),
        ("{pause: {chip: off}}", 8, "guards.pause.chip: expected 'hold' or 'safe'"),
    ],
)
def test_a_wrong_key(desk, guards, line, words):
    text = (desk.folder / "tiny.yaml").read_text()
    desk.write("tiny.yaml", f"{text}guards: {guards}\n")
    ended = desk.call("run", "tiny.yaml")
    assert ended.code == 2
    assert f"tiny.yaml:{line}: {words}" in ended.err


def test_a_channel_that_the_chip_does_not_report(desk):
    ended = desk.call("run", "tiny.yaml", "--set", "guards.telemetry={heat: {high: 40}}")
    assert ended.code == 2
    assert "guards.telemetry.heat: chip 'tiny chip' reports no such channel" in ended.err


def test_a_cost_guard_ends_the_run_with_exit_code_3(desk):
    ended = desk.call("run", "tiny.yaml", "--json", "--set", "guards.cost.high=0.2")
    assert ended.code == 3
    assert "outside guards.cost" in ended.err
    assert "Traceback" not in ended.err
    assert ended.last["status"] == "failed"
    resumed = desk.call("resume", desk.run, "--json", "--set", "guards.cost.high=null")
    assert resumed.code == 0, resumed.err
    assert resumed.last["steps"] == 200


def _events(desk):
    with open_run(desk.run) as run:
        return list(run.events().kind)


@pytest.mark.parametrize("chip", ["hold", "safe"])
def test_a_signal_pauses_and_another_goes_on(desk, chip):
    process = desk.training("--set", f"guards.pause.chip={chip}")
    process.send_signal(signal.SIGUSR1)
    desk.wait_for(lambda: "paused" in _events(desk))
    with open_run(desk.run) as run:
        steps = run.counters.steps
    assert "continued" not in _events(desk)
    process.send_signal(signal.SIGUSR1)

    def goes_on():
        with open_run(desk.run) as run:
            return run.counters.steps > steps + 1000

    desk.wait_for(goes_on)
    assert "continued" in _events(desk)
    with open_run(desk.run) as run:
        assert run.counters.steps > steps
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130
    assert f"paused: on request; kill -USR1 {process.pid} to go on, Ctrl-C to end\n" in err
    assert "going on\n" in err


def test_a_paused_run_can_be_ended_and_resumed(desk):
    process = desk.training("--json")
    process.send_signal(signal.SIGUSR1)
    desk.wait_for(lambda: "paused" in _events(desk))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=100)
    assert process.returncode == 130
    with open_run(desk.run) as run:
        assert run.summary["status"] == "interrupted"
        steps = run.counters.steps
    ended = desk.call("resume", desk.run, "--json", "--set", f"stop={{steps: {steps + 100}}}")
    assert ended.code == 0, ended.err
    assert ended.last["steps"] == steps + 100


def test_a_host_that_was_stopped(desk):
    process = desk.training("--set", "guards.host_slept.seconds=0.2")
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)  # no less is an absence: the process looks every second
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 3
    assert "guards.host_slept.seconds is 0.2" in err


def test_a_disk_that_is_short_from_the_start(desk):
    ended = desk.call(
        "run", "tiny.yaml", "--set", "guards.disk={free_bytes: 1000000000000000, action: stop}"
    )
    assert ended.code == 3
    assert "guards.disk.free_bytes" in ended.err


def test_telemetry_beyond_its_window(desk):
    """The emulated chip counts what it has presented."""
    ended = desk.call(
        "run",
        "tiny.yaml",
        *("--set", "guards.telemetry={presentations: {high: 100}}"),
        *("--set", "logging.telemetry_every_seconds=0.01"),
        *("--set", "stop={seconds: 60}"),
    )
    assert ended.code == 3
    assert "telemetry channel presentations reads" in ended.err
    assert "outside its window [-inf, 100]" in ended.err
    with open_run(desk.run) as run:
        assert run.counters.steps > 0
