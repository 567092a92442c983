"""The central promise: every rung, transport and block size gives the same costs and parameters,
bit for bit, on a noise-free chip."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
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
            np.concatenate(self.costs),
            np.concatenate(self.baselines),
            np.concatenate(self.samples),
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


def chip(transport: str, layers: list[int], rung: str, block: int | None) -> dict[str, Any]:
    common: dict[str, Any] = {"network": {"layers": layers}, "rung": rung}
    if block is not None:
        common["max_block_probes"] = block
    if transport == "memory":
        return {"driver": "emulated", **common}
    resource = "TCPIP0::same.numbers::5025::SOCKET"
    return {
        "driver": "scpi",
        "resource": resource,
        "visa_library": "@sim",
        "simulated": {"instrument": "scpi_chip", "resource": resource},
        **common,
    }


def numbers(
    folder: Path,
    *,
    kind: str,
    algorithm: str,
    transport: str,
    rung: str,
    block: int | None,
    bits: int = 2,
    steps: int = 40,
) -> tuple[Any, ...]:
    path = folder / "experiment.yaml"
    path.write_text(
        json.dumps(
            {
                "seed": 11,
                "chip": chip(transport, [bits, bits, 1], rung, block),
                "task": {"dataset": "parity", "bits": bits},
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
        assert fitted.rung == rung
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


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", KINDS)
def test_rungs_transports_and_blocks_agree(tmp_path: Path, kind: str, algorithm: str) -> None:
    expected = numbers(
        tmp_path, kind=kind, algorithm=algorithm, transport="memory", rung="forward", block=None
    )
    assert len(np.unique(expected[0])) > 10
    assert np.ptp(expected[3], axis=0).min() > 0
    for transport in ("memory", "@sim"):
        for rung in RUNGS:
            if rung == "signs" and kind not in ("random", "walsh"):
                continue
            for block in BLOCKS:
                found = numbers(
                    tmp_path,
                    kind=kind,
                    algorithm=algorithm,
                    transport=transport,
                    rung=rung,
                    block=block,
                )
                same(found, expected)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", KINDS)
def test_they_agree_on_a_larger_chip(tmp_path: Path, kind: str, algorithm: str) -> None:
    first = None
    for transport in ("memory", "@sim"):
        for rung in RUNGS:
            if rung == "signs" and kind not in ("random", "walsh"):
                continue
            for block in BLOCKS:
                found = numbers(
                    tmp_path,
                    kind=kind,
                    algorithm=algorithm,
                    transport=transport,
                    rung=rung,
                    block=block,
                    bits=12,
                    steps=1200,
                )
                first = first or found
                same(found, first)
