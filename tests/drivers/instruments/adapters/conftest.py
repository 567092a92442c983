"""A small supply behind the adapters: whatever it is told, it gives two volts at most."""

from __future__ import annotations

import numpy as np
import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keysight_34461a import INSTRUMENT
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World


class SupplyCore(ScpiBox):
    """What it heard is kept."""

    def __init__(self):
        super().__init__("Maker,MODEL Supply,17,1.0")
        self.values = {"VOLT": 0.0, "LIM": 0.0, "CH1": 0.0, "CH2": 0.0}
        self.is_on = False
        self.current = "1.5E-3"
        self.is_silent = False
        self.heard = []
        for name in self.values:
            self.on(name, lambda call, name=name: self.put(name, call.number(0, -10, 10)))
            self.on(f"{name}?", lambda _, name=name: f"{self.values[name]:.6g}")
        self.on("MODE", lambda _: None)
        self.on("OUTP", self.switch)
        self.on("OUTP?", lambda _: str(int(self.is_on)))
        self.on("CURR?", lambda _: self.current)
        self.on("TRIP?", lambda _: str(int(abs(self.values["VOLT"]) > 1)))

    def put(self, name, value):
        self.values[name] = float(np.clip(value, -2, 2))

    def switch(self, call):
        self.is_on = call.on()

    def respond(self, message):
        self.heard.append(message.decode().strip())
        return b"" if self.is_silent else super().respond(message)


@pytest.fixture
def core():
    return SupplyCore()


class TruevoltSettings:
    model = "34461A"
    line_frequency_hertz = 50


@pytest.fixture
def truevolt():
    """The simulated multimeter with 1.25 V at its terminals."""
    world = World(None, Wiring((), (), ()), VirtualClock(), noise=0)
    world.drive(("dmm", "1"), 1.25)
    return INSTRUMENT.build("dmm", TruevoltSettings, world.plug("dmm"))
