"""A small simulated bench: a source of four channels, a multimeter, a 1-1 network between them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.instrument_settings import InstrumentSettings
from sim_instruments.bench.bench import Bench
from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.keysight_34461a import INSTRUMENT
from sim_instruments.bench.plug import BenchInstrument
from sim_instruments.bench.scpi_box import ScpiBox

DMM = "TCPIP0::dmm.lab::5025::SOCKET"
SOURCE = "TCPIP0::source.lab::5025::SOCKET"


class MeterSettings(InstrumentSettings):
    """The keys that the simulation reads."""

    model: str = "34461A"
    line_frequency_hertz: int = 50


class Source(ScpiBox):
    """`VOLT<n>` sets a channel; `LIST n,dwell,v…` has channel n step with a marker; `OFF` ends."""

    def __init__(self, plug):
        super().__init__("Lab,source,1,1.0")
        self.plug = plug
        self.on("VOLTage<n>", self.set)
        self.on("LIST", self.play, most=1000)
        self.on("OFF", lambda _: self.release(), most=0)

    def set(self, call):
        if call.suffixes[0] > 4:
            raise Refused(-114)
        self.plug.drive(str(call.suffixes[0]), call.number(0, -10, 10))

    def release(self):
        for n in range(1, 5):
            self.plug.drive(str(n), None)

    def play(self, call):
        channel, dwell, *levels = call.numbers()
        for k, level in enumerate(levels):
            self.plug.later(k * dwell, lambda level=level: self.step(str(int(channel)), level))

    def step(self, channel, level):
        self.plug.drive(channel, level)
        self.plug.pulse("marker")


def mapping(**keys):
    """θ = (w, b), x, y: a 1-1 linear network; w is wired with gain 2."""
    simulated = {
        "network": {"layers": [1, 1], "activation": "linear", "output_activation": "linear"},
        "engine": "numpy",
        "noise": 0,
    }
    simulated |= keys.pop("simulated", {})
    given = {
        "instruments": {
            "source": InstrumentSettings(driver="source", resource=SOURCE),
            "dmm": MeterSettings(driver="dmm", resource=DMM),
        },
        "parameters": [
            {"names": ["w"], "instrument": "source", "channels": ["1"], "gain": 2.0,
             "low": -2, "high": 2},
            {"names": ["b"], "instrument": "source", "channels": ["2"], "polarity": "inverted",
             "group": "bias", "low": -2, "high": 2},
        ],
        "inputs": [{"instrument": "source", "channel": "3", "low": 0, "high": 1}],
        "outputs": [{"instrument": "dmm", "channel": "1", "gain": 0.5, "offset": 1.0}],
        "triggers": [{"from": "source", "to": "dmm"}],
        "simulated": simulated,
    }  # fmt: skip
    return BenchMapping(**(given | keys))


BUILDERS = {
    "source": BenchInstrument(lambda name, settings, plug: Source(plug)),
    "dmm": INSTRUMENT,
}


def bench(**keys):
    return Bench(mapping(**keys), BUILDERS)


@pytest.fixture
def lab():
    return SimpleNamespace(
        DMM=DMM, SOURCE=SOURCE, MeterSettings=MeterSettings, BUILDERS=BUILDERS,
        mapping=mapping, bench=bench, Source=Source,
    )  # fmt: skip
