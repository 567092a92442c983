"""A training through bad links ends with exactly what it ends with through good ones."""

from __future__ import annotations

import contextlib
import functools
import json
from collections import Counter

import numpy as np
import pytest

import mgd_lab
from mgd_lab.errors import LinkError
from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import emulated_chip
from sim_instruments.faults import (
    Direction,
    Fault,
    FaultKind,
    FaultSchedule,
    PtyFaultProxy,
    TcpFaultProxy,
    chunks,
    framed,
    hislip_messages,
    messages_of_text,
    random_faults,
)
from sim_instruments.frames_chip import FramesDevice
from sim_instruments.hislip_server import HislipServer
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.serial_server import SerialServer
from sim_instruments.socket_server import SocketServer

NETWORK = {"layers": [2, 2, 1]}
TIMEOUT_SECONDS = 0.05
MESSAGES_BEFORE_TRAINING = 60
RECOVERIES = {"timeout", "link_fault", "restarted", "not_restored"}
SURELY_NOTICED = {FaultKind.DROP, FaultKind.TRUNCATE, FaultKind.RESET, FaultKind.RESTART}


def fresh_chip():
    return emulated_chip(EmulationSettings(network=NETWORK))


class RestartableCore:
    """A device core that a power failure replaces by another like it."""

    def __init__(self):
        self.restart()

    def restart(self):
        self._core = ScpiChipDevice(fresh_chip(), serial="1")

    def __getattr__(self, name):
        return getattr(self._core, name)


@contextlib.contextmanager
def tcp_bench(schedule, folder, framing=messages_of_text):
    """Keys of a chip file, and the proxy before a device behind a socket."""
    core = RestartableCore()
    server = SocketServer(core, "127.0.0.1", 0, Occupancy())
    server.start()
    port = int(server.resource.split("::")[2])
    try:
        with TcpFaultProxy(port, schedule, framing=framing, restart=core.restart) as proxy:
            yield {"driver": "scpi", "resource": proxy.address}, proxy
    finally:
        server.close()


@contextlib.contextmanager
def hislip_bench(schedule, folder, framing=hislip_messages):
    """Keys of a chip file, and the proxy before both connections of a device behind HiSLIP."""
    core = RestartableCore()
    server = HislipServer(core, "127.0.0.1", 0, Occupancy())
    server.start()
    port = int(server.resource.split("::")[2].removeprefix("hislip0,"))
    try:
        with TcpFaultProxy(port, schedule, framing=framing, restart=core.restart) as proxy:
            resource = f"TCPIP0::127.0.0.1::hislip0,{proxy.port}::INSTR"
            yield {"driver": "scpi", "resource": resource}, proxy
    finally:
        server.close()


@contextlib.contextmanager
def pty_bench(schedule, folder, framing=framed):
    """Keys of a chip file, and the proxy before a device behind a serial port."""
    server = SerialServer(FramesDevice(fresh_chip()), folder / "device")

    def restart():
        server.close()
        server.start()

    server.start()
    try:
        with PtyFaultProxy(server.resource, schedule, framing=framing, restart=restart) as proxy:
            yield {"driver": "serial", "port": proxy.address, "baud_rate": 4_000_000}, proxy
    finally:
        server.close()


@pytest.fixture(params=[tcp_bench, pty_bench], ids=["tcp", "pty"])
def bench(request):
    return request.param


def patient(chip, per_block=12, timeout_seconds=TIMEOUT_SECONDS):
    retries = {"per_block": per_block, "backoff_seconds": 0.002}
    return {**chip, "timeout_seconds": timeout_seconds, "retries": retries}


def trained(folder, chip, steps, rung):
    """What becomes of a training of `steps` steps."""
    experiment = {
        "name": "faults",
        "seed": 5,
        "chip": {**chip, "rung": rung},
        "task": {"dataset": "parity", "bits": 2},
        "training": {
            "perturbation": {"kind": "random", "amplitude": 0.05},
            "time_constants": {"tau_p": 1, "tau_x": 1, "tau_theta": 4},
            "update": {"rule": "sgd", "learning_rate": 0.1},
            "initial": {"distribution": "uniform", "low": -1.0, "high": 1.0},
        },
        "stop": {"steps": steps},
        "evaluate": {"every_steps": max(100, steps // 100)},
        "logging": {"parameters_every_updates": 1},
    }
    folder.mkdir()
    path = folder / "experiment.yaml"
    path.write_text(json.dumps(experiment))
    return mgd_lab.run(mgd_lab.load_experiment(path), runs_dir=folder / "runs")


def check_same(result, expected):
    """Costs, parameters and evaluations are the same, bit for bit."""
    assert result.status == expected.status == "finished"
    with mgd_lab.open_run(result.path) as run, mgd_lab.open_run(expected.path) as reference:
        for name in ("costs", "parameters", "evaluations"):
            found, right = getattr(run, name)(), getattr(reference, name)()
            assert found.step.tolist() == right.step.tolist()
            for field in sorted({*found._fields} - {"step", "utc_seconds"}):
                ours, theirs = np.asarray(getattr(found, field)), np.asarray(getattr(right, field))
                assert ours.dtype == theirs.dtype
                if ours.tobytes() != theirs.tobytes():
                    rows = np.flatnonzero((ours != theirs).reshape(len(ours), -1).any(1))
                    pytest.fail(
                        f"{name}.{field} differs in {len(rows)} rows, first at step "
                        f"{found.step[rows[0]]}: {ours[rows[0]]}, {theirs[rows[0]]}; "
                        f"last {ours[-1] - theirs[-1]}"
                    )
        assert len(run.parameters().step) > 1
        assert run.counters.probes == reference.counters.probes


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory):
    """A function: steps, rung → what becomes of the training in the process."""

    @functools.cache
    def train(steps, rung):
        folder = tmp_path_factory.mktemp("in_memory") / "training"
        return trained(folder, {"driver": "emulated", "network": NETWORK}, steps, rung)

    return train


def recoveries(result):
    """How many events of each kind tell of the link."""
    with mgd_lab.open_run(result.path) as run:
        kinds = Counter(str(kind) for kind in run.events().kind)
    return {kind: count for kind, count in kinds.items() if kind in RECOVERIES}


def train_through_random_faults(folder, bench, in_memory, seed, faults, steps, rung, **keys):
    # From the first message on: the opening is disturbed as well.
    schedule = random_faults(seed, faults, 8 * faults, longest_seconds=0.08)
    with bench(schedule, folder, **keys) as (chip, proxy):
        result = trained(folder / "faulty", patient(chip), steps, rung)
    assert proxy.pending == 0, f"of {faults} faults, {proxy.pending} did not happen"
    check_same(result, in_memory(steps, rung))
    done = Counter(injection.fault.kind for injection in proxy.injections)
    assert set(done) == set(FaultKind)
    told = recoveries(result)
    assert set(told) == RECOVERIES
    assert sum(told.values()) >= sum(done[kind] for kind in SURELY_NOTICED)
    assert told["restarted"] <= done[FaultKind.RESTART]


@pytest.mark.parametrize("rung", ["signs", "learns"])
def test_fifty_random_faults_change_nothing(tmp_path, bench, in_memory, rung):
    train_through_random_faults(tmp_path, bench, in_memory, 1, 50, steps=2_000, rung=rung)


def test_random_faults_on_both_connections_of_hislip_change_nothing(tmp_path, in_memory):
    train_through_random_faults(tmp_path, hislip_bench, in_memory, 1, 20, 2_000, "signs")


@pytest.mark.slow
@pytest.mark.parametrize("framing", [hislip_messages, chunks])
@pytest.mark.parametrize("rung", ["dense", "learns"])
def test_more_random_faults_on_hislip_change_nothing(tmp_path, in_memory, rung, framing):
    train_through_random_faults(
        tmp_path, hislip_bench, in_memory, 7, 50, 2_000, rung, framing=framing
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_random_faults_in_a_long_training_change_nothing(tmp_path, bench, in_memory):
    train_through_random_faults(tmp_path, bench, in_memory, 2, 1_000, steps=100_000, rung="signs")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4, 5])
@pytest.mark.parametrize("rung", ["forward", "cost", "dense", "signs", "generated", "learns"])
def test_random_faults_change_nothing_on_any_rung(tmp_path, bench, in_memory, rung, seed):
    train_through_random_faults(tmp_path, bench, in_memory, seed, 50, steps=2_000, rung=rung)


@pytest.mark.slow
def test_random_faults_to_whatever_is_read_at_once_change_nothing(tmp_path, bench, in_memory):
    train_through_random_faults(tmp_path, bench, in_memory, 6, 50, 2_000, "signs", framing=chunks)


LATE = 1.6 * TIMEOUT_SECONDS
NEVER = 60.0


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.SPLIT])
def test_each_fault_is_told_and_changes_nothing(tmp_path, bench, in_memory, kind, direction):
    seconds = NEVER if kind is FaultKind.REORDER else LATE
    fault = Fault(kind, direction, MESSAGES_BEFORE_TRAINING, seconds)
    told = train_through(tmp_path, bench, in_memory, fault)
    assert sum(told.values()) >= 1
    assert ("restarted" in told) == (kind is FaultKind.RESTART)


@pytest.mark.parametrize("direction", list(Direction))
def test_parts_that_come_in_time_are_no_fault(tmp_path, bench, in_memory, direction):
    fault = Fault(FaultKind.SPLIT, direction, MESSAGES_BEFORE_TRAINING, seconds=0.02)
    assert train_through(tmp_path, bench, in_memory, fault, timeout_seconds=10.0) == {}


def train_through(folder, bench, in_memory, fault, **keys):
    steps = 5 * MESSAGES_BEFORE_TRAINING
    with bench(FaultSchedule((fault,)), folder) as (chip, proxy):
        result = trained(folder / "faulty", patient(chip, **keys), steps, "signs")
    assert [injection.fault for injection in proxy.injections] == [fault]
    check_same(result, in_memory(steps, "signs"))
    return recoveries(result)


def test_a_link_that_stays_dead_ends_the_run_and_keeps_it(tmp_path, bench):
    dead = range(MESSAGES_BEFORE_TRAINING, MESSAGES_BEFORE_TRAINING + 1_000)
    schedule = FaultSchedule(
        tuple(Fault(FaultKind.DROP, Direction.TO_HOST, message) for message in dead)
    )
    with bench(schedule, tmp_path) as (chip, _), pytest.raises(LinkError) as caught:
        trained(tmp_path / "dead", patient(chip, per_block=2), 1_000, "signs")
    assert "2 repeats" in str(caught.value)
    assert any("by hand" in note for note in caught.value.__notes__)
    [folder] = (tmp_path / "dead" / "runs").iterdir()
    with mgd_lab.open_run(folder) as run:
        assert run.summary["status"] == "failed"
        assert 0 < run.counters.steps < 1_000
