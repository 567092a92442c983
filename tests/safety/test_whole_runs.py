"""A short run with one fault at each use of the chip, of every kind, at every stage."""

from __future__ import annotations

import json
from contextlib import contextmanager

import numpy as np
import pytest

from drivers.link_settings import RetrySettings
from drivers.remote_chip import RemoteChip
from drivers.scpi_link import ScpiLink
from drivers.visa_session import VisaSession
from mgd_lab import load_experiment, open_run
from mgd_lab.bench import execute, running
from mgd_lab.errors import (
    NOT_VERIFIED,
    InstrumentError,
    LimitError,
    LinkError,
    MgdLabError,
)
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.socket_server import SocketServer

ERRORS = (
    LinkError,
    InstrumentError,
    LimitError,
    KeyboardInterrupt,
    MemoryError,
    SystemExit,
    RuntimeError,
)
STATUS = {LimitError: "refused", KeyboardInterrupt: "interrupted"}


@pytest.fixture
def carry_out(tmp_path, monkeypatch):
    """A run of a few steps on the chip given; what ended it, and its summary."""
    # Durability is tested elsewhere, and these are many runs.
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    monkeypatch.setattr("mgd_lab.bench.beginning.environment_record", lambda folder: {})
    file = tmp_path / "experiment.yaml"
    experiment = {
        "name": "short",
        "seed": 3,
        "chip": {"driver": "emulated", "network": {"layers": [2, 2, 1]}},
        "task": {"dataset": "parity"},
        "training": {"update": {"learning_rate": 0.5}},
        "stop": {"steps": 4},
    }

    def make(chip, *, changes=None, **chip_keys):
        experiment["chip"] |= chip_keys
        experiment.update(changes or {})
        experiment["logging"] = {"costs": "none" if chip_keys["rung"] == "learns" else "all"}
        file.write_text(json.dumps(experiment), encoding="utf-8")
        monkeypatch.setattr(running, "build_chip", lambda settings: chip)
        folder = tmp_path / f"runs{len(list(tmp_path.iterdir()))}"
        error = None
        try:
            _, error = execute(load_experiment(file), runs_dir=folder)
        except BaseException as raised:  # noqa: BLE001
            error = raised
        made = sorted(folder.iterdir()) if folder.exists() else []
        return error, made[-1] if made else None

    return make


def words(error):
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def judged(error, injected, run, is_safe):
    """Safe, as the instrument itself reports; or the message says what is not known to be."""
    told = words(error)
    unknown = NOT_VERIFIED in told
    assert unknown or is_safe
    if unknown:
        assert isinstance(error, MgdLabError)
        assert error.exit_code == 3
    if run is not None and (run / "summary.json").exists():
        status = json.loads((run / "summary.json").read_text())["status"]
        if error is not None and not unknown:
            assert status == STATUS.get(injected, "failed")
        with open_run(run) as opened:
            assert len(opened.costs().cost) in (0, opened.counters.steps)


@pytest.mark.parametrize(
    ("rung", "injected"),
    [("signs", error) for error in ERRORS]
    + [(rung, error) for rung in ("cost", "learns") for error in (LinkError, KeyboardInterrupt)],
)
def test_a_fault_at_every_use(instrument, carry_out, rung, injected):
    reached = 0
    # A chip that learns by itself keeps no limits of the host's.
    limits = {"low": -np.inf, "high": np.inf} if rung == "learns" else {}
    for at in range(1, 100):
        chip = instrument(**limits)

        def fault(name, number, at=at):
            if number == at:
                raise injected(f"injected into use {number}, {name}")

        chip.fault = fault
        error, run = carry_out(chip, rung=rung)
        judged(error, injected, run, chip.is_safe())
        if len(chip.told) < at:
            break
        reached = at
    assert error is None
    assert reached > 15


@pytest.mark.parametrize("injected", [LinkError, RuntimeError])
def test_everything_fails_from_some_use_on(instrument, carry_out, injected):
    """Then nothing can be made safe, and that is said, whenever there was anything to be safe."""
    for at in range(1, 100):
        chip = instrument()

        def fault(name, number, at=at):
            if number >= at:
                raise injected(f"injected into use {number}, {name}")

        chip.fault = fault
        error, run = carry_out(chip, rung="signs")
        judged(error, injected, run, chip.is_safe())
        if len(chip.told) < at:
            break


@contextmanager
def served(chip):
    server = SocketServer(ScpiChipDevice(chip), "127.0.0.1", 0, Occupancy())
    server.start()
    try:
        yield server.resource
    finally:
        server.close()


def behind(resource, kind=RemoteChip):
    """The real driver's chip."""
    link = ScpiLink(VisaSession("@py", resource, 5.0, "chip"), "chip")
    return kind(link, retries=RetrySettings(per_block=1, backoff_seconds=0))


@pytest.mark.parametrize("injected", [LinkError, KeyboardInterrupt, MemoryError])
def test_a_fault_at_every_use_over_tcp(instrument, noting, carry_out, injected):
    chip = instrument(features=("limits", "output_switch"))
    remote = noting(RemoteChip)
    reached = 0
    with served(chip) as resource:
        for at in range(1, 100):
            chip.register = np.full(9, 0.5)
            host = behind(resource, remote)

            def fault(name, number, at=at):
                if number == at:
                    raise injected(f"injected into use {number}, {name}")

            host.fault = fault
            error, run = carry_out(host, rung="signs")
            judged(error, injected, run, chip.is_safe())
            if len(host.told) < at:
                break
            reached = at
    assert error is None
    assert reached > 10


@pytest.mark.parametrize(
    ("changes", "status", "code", "words_of_it"),
    [
        ({"training": {"update": {"learning_rate": 0.01}}}, "finished", 0, ""),
        ({"training": {"update": {"learning_rate": 500.0}}}, "refused", 4, "knobs"),
        ({"guards": {"cost": {"high": 1e-9}}}, "failed", 3, "guards.cost"),
    ],
)
def test_how_runs_end_by_themselves(instrument, carry_out, changes, status, code, words_of_it):
    chip = instrument(features=("limits", "output_switch"))
    with served(chip) as resource:
        error, run = carry_out(
            behind(resource), changes={"stop": {"steps": 500}, **changes}, rung="signs"
        )
        assert (0 if error is None else error.exit_code) == code
        assert words_of_it in str(error)
        assert NOT_VERIFIED not in str(error)
        assert chip.is_safe()
    assert -2.0 <= chip.lowest < chip.highest <= 2.0
    with open_run(run) as opened:
        assert opened.summary["status"] == status
        assert [opened.events().kind[k] for k in (0, -1)] == ["armed", "made_safe"]
