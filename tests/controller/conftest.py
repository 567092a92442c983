"""Chips with any set of capabilities and any fault, and trainings on them without a run store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from mgd_lab.bench import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.assembly import Fitted, assemble, fit, start
from mgd_lab.bench.initial import initial_parameters
from mgd_lab.bench.task import data_set
from mgd_lab.bench.watching import Attendance
from mgd_lab.controller import Outcome, TrainingState
from mgd_lab.costs import CostFunction
from mgd_lab.experiment import Experiment, experiment_from_mapping
from mgd_lab.records import (
    Checkpoint,
    Evaluation,
    Event,
    ParameterSnapshot,
    Record,
    StepBlock,
    WindowMeans,
)
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron

Spoil = Callable[[int, np.ndarray], np.ndarray]


class _Double:
    """Delegates to an emulated chip; `spoil` sees the number of probes so far and the costs."""

    def __init__(self, inner: EmulatedChip, spoil: Spoil | None = None) -> None:
        self.inner = inner
        self.spoil = spoil or (lambda _, costs: costs)
        self.probes = 0
        self.blocks: list[int] = []
        inner.set_cost(CostFunction())

    @property
    def description(self):
        return self.inner.description

    @property
    def identity(self):
        return self.inner.identity

    def __enter__(self):
        return self

    def __exit__(self, *ending):
        self.inner.__exit__(*ending)

    def _returned(self, costs: np.ndarray) -> np.ndarray:
        before = self.probes
        self.probes += len(costs)
        self.blocks.append(len(costs))
        return self.spoil(before, costs.copy())


class _Registers(_Double):
    def write_parameters(self, values):
        self.inner.write_parameters(values)

    def read_parameters(self):
        return self.inner.read_parameters()


class _Outputs(_Double):
    def outputs(self, parameters, inputs):
        return self._returned(self.inner.outputs(parameters, inputs))


class _Cost(_Double):
    def set_cost(self, cost):
        self.inner.set_cost(cost)

    def costs(self, parameters, inputs, targets):
        return self._returned(self.inner.costs(parameters, inputs, targets))


class _Samples(_Double):
    def load_samples(self, inputs, targets):
        self.inner.load_samples(inputs, targets)


class _Dense(_Double):
    def measure_dense(self, theta, samples, perturbations):
        return self._returned(self.inner.measure_dense(theta, samples, perturbations))


class _Signs(_Double):
    def set_amplitudes(self, amplitudes):
        self.inner.set_amplitudes(amplitudes)

    def measure_signs(self, theta, samples, signs, packed_codes):
        return self._returned(self.inner.measure_signs(theta, samples, signs, packed_codes))


_CAPABILITIES = {
    "registers": _Registers,
    "outputs": _Outputs,
    "cost": _Cost,
    "samples": _Samples,
    "dense": _Dense,
    "signs": _Signs,
}


@pytest.fixture(scope="session")
def double():
    """Makes a chip with the capabilities named."""

    def make(
        *capabilities: str, layers: Sequence[int] = (2, 2, 1), spoil: Spoil | None = None
    ) -> Any:
        bases = tuple(_CAPABILITIES[name] for name in capabilities)
        chip_class = type("Double", bases or (_Double,), {})
        return chip_class(EmulatedChip(MultilayerPerceptron(tuple(layers)), name="double"), spoil)

    return make


class FakeClock:
    """Every look at it takes `tick` seconds."""

    def __init__(self, tick: float = 1e-6) -> None:
        self.now = 1000.0
        self.tick = tick

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now

    def utc(self) -> float:
        return self.now

    def boottime(self) -> float:
        return self.now


@pytest.fixture
def fake_clock():
    return FakeClock


@dataclass
class Trained:
    """What became of a training: its records, by kind, and its end."""

    fitted: Fitted
    state: TrainingState
    records: list[Record] = field(default_factory=list)
    outcome: Outcome | None = None
    error: BaseException | None = None

    def of(self, kind: type) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]

    def column(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(block, name) for block in self.of(StepBlock)])

    @property
    def theta(self) -> np.ndarray:
        """Snapshots (N, P), one an update; the last is written twice."""
        snapshots = {record.update: record.theta for record in self.of(ParameterSnapshot)}
        return np.array([snapshots[update] for update in sorted(snapshots)])

    @property
    def evaluations(self) -> list[tuple[int, int]]:
        return [(record.step, record.update) for record in self.of(Evaluation)]

    @property
    def events(self) -> list[str]:
        return [record.kind for record in self.of(Event)]

    @property
    def final(self) -> Checkpoint:
        return self.of(Checkpoint)[-1]

    @property
    def means(self) -> list[WindowMeans]:
        return self.of(WindowMeans)


class _List:
    def __init__(self) -> None:
        self.records: list[Record] = []

    def write(self, record: Record) -> None:
        self.records.append(record)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


BASE: dict[str, Any] = {
    "name": "test",
    "seed": 3,
    "chip": {"driver": "emulated", "network": {"layers": [2, 2, 1]}},
    "task": {"dataset": "parity"},
    "training": {"update": {"learning_rate": 0.5}},
    "stop": {"steps": 50},
    "logging": {"parameters_every_updates": 1},
}


@pytest.fixture(scope="session")
def experiment():
    """An experiment with changes to a small one."""
    drivers = SettingsOfDrivers(chip_drivers())

    def make(**changes: Any) -> Experiment:
        return experiment_from_mapping(_merged(BASE, changes), drivers=drivers)

    return make


@pytest.fixture(scope="session")
def train(experiment):
    """Trains on the chip given, or on the experiment's; keeps the errors that `catch` names."""

    def run(
        *,
        on: Any = None,
        clock: Any = None,
        interrupt: threading.Event | None = None,
        observe: Callable[..., None] = lambda _: None,
        catch: type[BaseException] | tuple[type[BaseException], ...] = (),
        attendance: Attendance | None = None,
        **changes: Any,
    ) -> Trained:
        if on is None:
            # A rung that returns costs, for all kinds of codes; a chip of few means has its own.
            changes["chip"] = {"rung": "dense", **changes.get("chip", {})}
        made = experiment(**changes)
        chip = chip_drivers()[made.chip.driver].build(made.chip, None) if on is None else on
        sink = _List()
        with chip, ThreadPoolExecutor(2) as workers:
            fitted = fit(made, data_set(made.task, made.seed), chip)
            theta = initial_parameters(made.training.initial, made.seed, chip)
            trained = Trained(fitted, start(fitted, theta), sink.records)
            training = assemble(
                fitted,
                chip,
                sink=sink,
                clock=clock or FakeClock(),
                interrupt=interrupt or threading.Event(),
                observe=observe,
                workers=workers,
                attendance=attendance,
            )
            try:
                trained.outcome = training.run(trained.state)
            except catch as error:
                trained.error = error
        return trained

    return run
