"""A simulated instrument that knows how it was left, and chips that fail when told to."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mgd_lab.bench.arming import Arming
from mgd_lab.bench.interruption import Interrupt
from mgd_lab.chip import ParameterGroup
from mgd_lab.controller import Envelope, gated
from mgd_lab.errors import ChipError
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron

FEATURES = ("limits", "output_switch", "watchdog")
CAPABILITIES = (
    "write_parameters",
    "read_parameters",
    "outputs",
    "set_cost",
    "costs",
    "load_samples",
    "measure_dense",
    "set_amplitudes",
    "measure_signs",
    "configure_probes",
    "measure_generated",
    "configure_learning",
    "advance",
    "snapshot",
    "restore",
    "write_limits",
    "read_limits",
    "switch_outputs",
    "outputs_are_on",
    "watch_host",
)


class Instrument(EmulatedChip):
    """An emulated chip with limits, an output switch and a watchdog, and a memory.

    Attributes:
        on, own_low, own_high, watched_seconds: what it was told last.
        lowest, highest: extremes that the registers ever had while outputs were on.
    """

    def __init__(self, *, features: tuple[str, ...] = FEATURES, **group: Any) -> None:
        network = MultilayerPerceptron([2, 2, 1], "sigmoid", "sigmoid")
        super().__init__(network, name="instrument")
        limits: dict[str, Any] = {"low": -2.0, "high": 2.0, "safe": 0.25, "unit": "V", **group}
        own = (ParameterGroup("knobs", network.parameters, **limits),)
        self._description = dataclasses.replace(
            self._description, groups=own, features=features, simulated=False
        )
        self._register = np.full(network.parameters, 0.5)
        self.on = "output_switch" not in features
        self.own_low = np.full(network.parameters, -np.inf)
        self.own_high = np.full(network.parameters, np.inf)
        self.watched_seconds = 0.0
        self.lowest, self.highest = np.inf, -np.inf

    @property
    def register(self) -> np.ndarray:
        return self._register

    @register.setter
    def register(self, values: np.ndarray) -> None:
        self._register = values

    def is_safe(self) -> bool:
        """As the instrument itself sees it."""
        off = not self.on or "output_switch" not in self.description.features
        return off and np.array_equal(self._register, self.description.safe)

    def write_limits(self, low: np.ndarray, high: np.ndarray) -> None:
        self.own_low, self.own_high = low.copy(), high.copy()

    def read_limits(self) -> tuple[np.ndarray, np.ndarray]:
        return self.own_low.copy(), self.own_high.copy()

    def switch_outputs(self, on: bool) -> None:
        self.on = on
        self.look()

    def outputs_are_on(self) -> bool:
        return self.on

    def watch_host(self, seconds: float) -> None:
        self.watched_seconds = seconds

    def _measure(self, *arguments: Any) -> Any:
        self._require_outputs()
        return super()._measure(*arguments)

    def _present(self, *arguments: Any) -> Any:
        self._require_outputs()
        return super()._present(*arguments)

    def _require_outputs(self) -> None:
        if not self.on:
            raise ChipError("instrument: its outputs are off")

    def look(self) -> None:
        if self.on:
            self.lowest = min(self.lowest, float(self._register.min()))
            self.highest = max(self.highest, float(self._register.max()))


def noting(chip: type) -> type:
    """The same class; its uses are counted and may fail.

    It gets `told`, the names of the capabilities used, in order; and `fault`, called with name and
    number of a use before it happens, which may raise. Uses of itself do not count.
    """

    def noted(name: str) -> Callable[..., Any]:
        own = getattr(chip, name)

        def method(self: Any, *arguments: Any, **named: Any) -> Any:
            if self.depth == 0:
                self.told.append(name)
                self.fault(name, len(self.told))
            self.depth += 1
            try:
                return own(self, *arguments, **named)
            finally:
                self.depth -= 1
                self.look()

        return method

    def begin(self: Any, *arguments: Any, **options: Any) -> None:
        self.told, self.depth = [], 0
        self.fault = lambda name, number: None
        chip.__init__(self, *arguments, **options)

    methods = {name: noted(name) for name in CAPABILITIES if hasattr(chip, name)}
    looks = {} if hasattr(chip, "look") else {"look": lambda self: None}
    return type(chip.__name__, (chip,), {"__init__": begin, **methods, **looks})


@pytest.fixture(name="noting")
def _noting():
    return noting


@pytest.fixture
def instrument():
    """Makes an instrument."""
    return noting(Instrument)


class Log:
    """Events as they were told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, kind: str, message: str, details: Any) -> None:
        self.events.append((kind, message, dict(details)))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.events]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def arming(log: Log):
    """Settings of an arming that tells the log, with changes."""

    def make(**changes: Any) -> Arming:
        settings: dict[str, Any] = {
            "interrupt": Interrupt(threading.Event()),
            "tell": log,
            "start": np.linspace(-1.0, 1.0, 9),
            **changes,
        }
        return Arming(**settings)

    return make


@pytest.fixture
def behind_gate():
    """The chip behind the gate of its own limits."""

    def make(chip: Any) -> Any:
        amplitudes = np.full(chip.description.parameters, 0.05, np.float32)
        return gated(chip, Envelope(chip.description, amplitudes, "refuse"))

    return make
