"""The central promise: every rung, transport and block size gives the same costs and parameters,
bit for bit, on a noise-free chip."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mgd_lab
from mgd_lab.bench.assembly import assemble, fit, start
from mgd_lab.bench.chips import build_chip
from mgd_lab.bench.initial import initial_parameters
from mgd_lab.bench.task import data_set
from mgd_lab.controller import SystemClock
from mgd_lab.records import ParameterSnapshot, Record, StepBlock
from sim_instruments.emulated import EmulatedChip
from sim_instruments.frames_chip import FramesDevice
from sim_instruments.hislip_server import HislipServer
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.serial_server import SerialServer
from sim_instruments.socket_server import SocketServer

KINDS = ("sequential", "random", "walsh", "sinusoidal")
ALGORITHMS = ("measured", "paired", "analog")
BLOCKS = (1, 7, 64, None)
RUNGS = ("forward", "cost", "dense", "signs", "generated")


class Kept:
    """A sink that keeps what the comparison needs."""

    def __init__(self) -> None:
        self.costs: list[Any] = []
        self.baselines: list[Any] = []
        self.samples: list[Any] = []
        self.thetas: list[Any] = []

    def write(self, record: Record) -> None:
        if isinstance(record, StepBlock):
            self.costs.append(record.costs)
            self.baselines.append(record.baselines)
            self.samples.append(record.samples)
        elif isinstance(record, ParameterSnapshot):
            self.thetas.append(record.theta)

    def arrays(self) -> tuple[Any, ...]:
        return (
            np.concatenate(self.costs or [np.empty(0)]),
            np.concatenate(self.baselines or [np.empty(0)]),
            np.concatenate(self.samples or [np.empty(0)]),
            np.stack(self.thetas),
        )


def training(kind: str, algorithm: str) -> dict[str, Any]:
    """Time constants that share no factor, so that nothing lines up by accident."""
    times: dict[str, Any] = {"tau_p": 3, "tau_x": 5, "tau_theta": 7}
    chosen: dict[str, Any] = {"algorithm": "discrete", "baseline": algorithm}
    if algorithm == "analog":
        times["tau_hp"] = 4.0
        chosen = {"algorithm": "analog"}
    if algorithm == "measured":
        chosen["baseline_refresh_steps"] = 2
    return {
        **chosen,
        "perturbation": {"kind": kind, "amplitude": 0.05},
        "time_constants": times,
        "batch": 3,
        "update": {"rule": "adam", "learning_rate": 0.02},
    }


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    with ExitStack() as stack:
        yield Ways(stack, tmp_path_factory.mktemp("ways"))


class Ways:
    """Endpoints of emulated chips, opened when they are first asked for."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._keys: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}

    def chip(
        self, transport: str, layers: tuple[int, ...], rung: str, block: int | None
    ) -> dict[str, Any]:
        place = (transport, layers)
        if place not in self._keys:
            self._keys[place] = self._open(transport, layers)
        limit = {} if block is None else {"max_block_probes": block}
        return {**self._keys[place], "rung": rung, **limit}

    def _open(self, transport: str, layers: tuple[int, ...]) -> dict[str, Any]:
        network = {"network": {"layers": list(layers)}}
        if transport == "memory":
            return {"driver": "emulated", **network}
        if transport == "@sim":
            resource = "TCPIP0::same.numbers::5025::SOCKET"
            simulated = {"instrument": "scpi_chip", "resource": resource}
            keys = {"driver": "scpi", "resource": resource, "visa_library": "@sim"}
            return {**keys, "simulated": simulated, **network}
        emulated = EmulatedChip(MultilayerPerceptron(layers))
        if transport == "pty":
            link = self._folder / f"board-{len(self._keys)}"
            server: Any = SerialServer(FramesDevice(emulated), link)
            keys = {"driver": "serial", "port": str(link)}
        else:
            kind = SocketServer if transport == "tcp" else HislipServer
            server = kind(ScpiChipDevice(emulated), "127.0.0.1", 0, Occupancy())
            keys = {"driver": "scpi", "visa_library": "@py"}
        server.start()
        self._stack.callback(server.close)
        return keys if transport == "pty" else {**keys, "resource": server.resource}


def data(folder: Path, layers: tuple[int, ...]) -> Path:
    path = folder / "data.npz"
    random = np.random.default_rng(3)
    inputs = random.integers(0, 2, (24, layers[0])).astype(np.float32)
    np.savez(path, inputs=inputs, targets=random.random((24, layers[-1])).astype(np.float32))
    return path


def numbers(
    folder: Path,
    chip: dict[str, Any],
    *,
    kind: str,
    algorithm: str,
    layers: tuple[int, ...] = (2, 2, 1),
    steps: int = 40,
) -> tuple[Any, ...]:
    path = folder / "experiment.yaml"
    path.write_text(
        json.dumps(
            {
                "seed": 11,
                "chip": chip,
                "task": {"dataset": "arrays", "file": str(data(folder, layers))},
                "training": training(kind, algorithm),
                "stop": {"steps": steps},
                "evaluate": {"every_steps": 13},
                "logging": {"parameters_every_updates": 1},
            }
        )
    )
    chosen = mgd_lab.load_experiment(path).experiment
    sink = Kept()
    with build_chip(chosen.chip) as opened, ThreadPoolExecutor(1) as workers:
        fitted = fit(chosen, data_set(chosen.task, chosen.seed), opened)
        assert fitted.rung == chip["rung"]
        state = start(fitted, initial_parameters(chosen.training.initial, chosen.seed, opened))
        assemble(
            fitted,
            opened,
            sink=sink,
            clock=SystemClock(),
            interrupt=threading.Event(),
            observe=lambda _: None,
            workers=workers,
        ).run(state)
    return sink.arrays()


def same(found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.dtype == theirs.dtype
        # Bytes, so that NaN equals NaN and −0.0 differs from 0.0.
        assert mine.tobytes() == theirs.tobytes()


def rungs_of(kind: str) -> list[str]:
    return [rung for rung in RUNGS if rung != "signs" or kind in ("random", "walsh")]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", KINDS)
def test_rungs_transports_and_blocks_agree(
    tmp_path: Path, ways: Ways, kind: str, algorithm: str
) -> None:
    layers = (2, 2, 1)

    def found(transport: str, rung: str, block: int | None) -> tuple[Any, ...]:
        chip = ways.chip(transport, layers, rung, block)
        return numbers(tmp_path, chip, kind=kind, algorithm=algorithm)

    expected = found("memory", "forward", None)
    assert len(np.unique(expected[0])) > 10
    assert np.ptp(expected[3], axis=0).min() > 0
    for transport in ("memory", "@sim"):
        for rung in rungs_of(kind):
            for block in BLOCKS:
                same(found(transport, rung, block), expected)
    # Each wire meets every rung and every block, though not every pair of the two.
    for number, transport in enumerate(("tcp", "hislip", "pty")):
        for k, rung in enumerate(rungs_of(kind)):
            same(found(transport, rung, BLOCKS[(k + number) % len(BLOCKS)]), expected)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_chip_that_learns_over_a_wire_ends_at_the_same_parameters(
    tmp_path: Path,
    ways: Ways,
    kind: str,
    algorithm: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the compiled loop where Numba is installed, and by the one in Python."""
    layers = (2, 2, 1)
    steps = 42

    def last(transport: str, rung: str) -> bytes:
        chip = ways.chip(transport, layers, rung, None)
        found = numbers(tmp_path, chip, kind=kind, algorithm=algorithm, steps=steps)
        return found[3][-1].tobytes()

    expected = last("memory", "dense")
    for transport in ("memory", "@sim", "tcp", "hislip", "pty"):
        assert last(transport, "learns") == expected
    monkeypatch.setattr(EmulatedChip, "_bench", lambda _: None)
    assert last("memory", "learns") == expected


def test_the_compiled_loop_is_what_learns(
    tmp_path: Path, ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba", reason="the compiled loop needs the extra fast")
    from sim_instruments.compiled_learning import CompiledLearning

    calls: list[int] = []
    call = CompiledLearning._call

    def counted(self: CompiledLearning, *arguments: Any) -> None:
        calls.append(self.steps)
        call(self, *arguments)

    monkeypatch.setattr(CompiledLearning, "_call", counted)
    chip = ways.chip("memory", (2, 2, 1), "learns", None)
    numbers(tmp_path, chip, kind="random", algorithm="measured", steps=42)
    assert calls


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("layers", [(2, 2, 1), (4, 4, 1), (49, 4, 4)])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_full_grid(
    tmp_path: Path, ways: Ways, kind: str, algorithm: str, layers: tuple[int, ...]
) -> None:
    expected = None
    for transport in ("memory", "@sim", "tcp", "hislip", "pty"):
        for rung in rungs_of(kind):
            for block in (1, 7, 256, None):
                chip = ways.chip(transport, layers, rung, block)
                found = numbers(
                    tmp_path, chip, kind=kind, algorithm=algorithm, layers=layers, steps=60
                )
                expected = expected or found
                same(found, expected)
