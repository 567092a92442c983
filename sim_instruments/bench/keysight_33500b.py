"""Simulated Keysight 33500B waveform generators: DC and arbitrary waveforms.

From the Keysight Trueform Series Operating and Service Guide, "SCPI Programming Reference". The
other functions, modulation, sweeps, lists of frequencies and files are not there. Levels that
exceed VOLTage:LIMit are cut to it, and −221 is queued, as the VOLTage subsystem's page says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call, short
from sim_instruments.bench.trueform_channel import (
    FULL_CODE,
    FULL_SCALE,
    Function,
    Source,
    TrueformChannel,
)

_CHANNELS = {"33511B": 1, "33512B": 2, "33521B": 1, "33522B": 2}
_FUNCTIONS: tuple[Function, ...] = ("SINusoid", "DC", "ARBitrary")
_SOURCES: tuple[Source, ...] = ("IMMediate", "EXTernal", "BUS")
_FEWEST, _MOST = 8, 1_048_576
_SOURCE = "[SOURce<n>:]"


class Keysight33500B(ScpiBox):
    """A Trueform waveform generator.

    Args:
        plug: channels "1" and "2"; trigger input "ext_trig", marker "sync" (a burst begins).
        model: "33511B" or "33521B" with one channel, "33512B" or "33522B" with two.
        serial: field of `*IDN?`.
    """

    queue_capacity: ClassVar[int] = 20
    own_texts: ClassVar[dict[int, str]] = {
        785: "Specified arb waveform does not exist",
        786: "Specified arb waveform already exists",
    }

    def __init__(self, plug: Plug, model: str = "33512B", serial: str = "MY00000002") -> None:
        super().__init__(f"Agilent Technologies,{model},{serial},2.03-1.19-2.00-52-00")
        self._plug = plug
        names = [str(k + 1) for k in range(_CHANNELS[model])]
        self._channels = [TrueformChannel(plug, name) for name in names]
        self._is_swapped = False
        plug.listen("ext_trig", lambda: self._triggered("EXTernal"))
        self._add_levels()
        self._add_waveforms()
        self._add_triggers()

    def error_entry(self, code: int, text: str) -> str:
        """Keysight's instruments give codes a sign, 0 too."""
        return f'{code:+d},"{text}"'

    def complete(self) -> bool:
        """Waits for bursts that are played."""
        return self._plug.wait(lambda: not any(each.is_playing for each in self._channels))

    def reset(self) -> None:
        """All outputs off, volatile memory empty."""
        self._is_swapped = False
        for channel in self._channels:
            channel.reset()

    def _both(
        self,
        header: str,
        act: Callable[[TrueformChannel, Call], None],
        tell: Callable[[TrueformChannel], str],
    ) -> None:
        self.on(header, lambda call: act(self._channel(call), call))
        self.on(f"{header}?", lambda call: tell(self._channel(call)))

    def _channel(self, call: Call) -> TrueformChannel:
        if not 1 <= call.suffixes[0] <= len(self._channels):
            raise Refused(-114)
        return self._channels[call.suffixes[0] - 1]

    def _add_levels(self) -> None:
        both, volt = self._both, f"{_SOURCE}VOLTage"
        both(f"{_SOURCE}FUNCtion", _set_function, lambda c: short(c.function))
        both(
            f"{volt}[:LEVel][:IMMediate][:AMPLitude]",
            lambda c, call: c.set_levels(_volts(c, call, 2 * FULL_SCALE), c.offset),
            lambda c: _real(c.amplitude * c.share),
        )
        both(
            f"{volt}:OFFSet",
            lambda c, call: c.set_levels(c.amplitude, _volts(c, call)),
            lambda c: _real(c.offset * c.share),
        )
        both(f"{volt}:HIGH", _set_high, lambda c: _real((c.offset + c.amplitude / 2) * c.share))
        both(f"{volt}:LOW", _set_low, lambda c: _real((c.offset - c.amplitude / 2) * c.share))
        both(f"{volt}:UNIT", _set_unit, lambda _: "VPP")
        for edge in _EDGES:
            both(
                f"{volt}:LIMit:{edge}",
                lambda c, call, edge=edge: _set_limit(c, call, edge),
                lambda c, edge=edge: _real(_limit(c, edge) * c.share),
            )
        both(f"{volt}:LIMit:STATe", _switch_limits, lambda c: _bool(c.limits.are_on))
        both("OUTPut<n>[:STATe]", _switch, lambda c: _bool(c.is_on))
        both("OUTPut<n>:LOAD", _set_load, lambda c: _real(min(c.load, 9.9e37)))

    def _add_waveforms(self) -> None:
        both, on, arb = self._both, self.on, f"{_SOURCE}FUNCtion:ARBitrary"
        both(arb, _choose_waveform, lambda c: f'"{c.arbitrary.name}"')
        both(f"{arb}:ADVance", _set_advance, _tell_advance)
        both(f"{arb}:FILTer", _set_filter, lambda c: short(c.arbitrary.filter))
        both(f"{arb}:SRATe", _set_rate, lambda c: _real(c.arbitrary.sample_rate))
        both(
            f"{arb}:PTPeak",
            lambda c, call: c.set_levels(_volts(c, call, 2 * FULL_SCALE), c.offset),
            lambda c: _real(c.amplitude * c.share),
        )
        on(f"{_SOURCE}DATA:ARBitrary:DAC", self._load, _MOST + 2)
        on(f"{_SOURCE}DATA:VOLatile:CLEar", self._clear_memory, 0)
        on("FORMat:BORDer", self._set_border)
        on("FORMat:BORDer?", lambda _: "SWAP" if self._is_swapped else "NORM")

    def _add_triggers(self) -> None:
        both, on = self._both, self.on
        both(f"{_SOURCE}BURSt:STATe", _switch_burst, lambda c: _bool(c.arbitrary.burst))
        both(f"{_SOURCE}BURSt:MODE", _set_burst_mode, lambda c: short(c.arbitrary.burst_mode))
        both(f"{_SOURCE}BURSt:NCYCles", _set_cycles, lambda c: _real(c.arbitrary.cycles))
        both("TRIGger<n>:SOURce", _set_source, lambda c: short(c.arbitrary.source))
        both("TRIGger<n>:SLOPe", _set_slope, lambda c: short(c.arbitrary.slope))
        on("*TRG", lambda _: self._bus())

    def _triggered(self, source: Source) -> None:
        for channel in self._channels:
            channel.triggered(source)

    def _bus(self) -> None:
        if not any(channel.arbitrary.source == "BUS" for channel in self._channels):
            raise Refused(-211)
        self._triggered("BUS")

    def _set_border(self, call: Call) -> None:
        self._is_swapped = call.choice(0, ("NORMal", "SWAPped")) == "SWAPped"

    def _load(self, call: Call) -> None:
        own = self._channel(call).arbitrary
        name = call.word(0)
        if name in own.waveforms:
            raise Refused(786)
        if len(call) == 2 and isinstance(call.arguments[1], bytes):
            payload = call.block(1)
            if len(payload) % 2:
                raise Refused(-161)
            codes = [
                int(code) for code in np.frombuffer(payload, "<i2" if self._is_swapped else ">i2")
            ]
        else:
            codes = [math.floor(value + 0.5) for value in call.numbers(1)]
        if not (_FEWEST <= len(codes) <= _MOST and all(abs(code) <= FULL_CODE for code in codes)):
            raise Refused(-222)
        own.waveforms[name] = codes

    def _clear_memory(self, call: Call) -> None:
        channel = self._channel(call)
        channel.arbitrary.waveforms.clear()
        channel.arbitrary.name = "EXP_RISE"
        channel.show()


_EDGES: tuple[Literal["LOW", "HIGH"], ...] = ("LOW", "HIGH")


def _volts(channel: TrueformChannel, call: Call, edge: float = FULL_SCALE) -> float:
    """At the open circuit, from what is meant at the load."""
    edge *= channel.share
    return call.number(0, -edge, edge) / channel.share


def _limit(channel: TrueformChannel, edge: Literal["LOW", "HIGH"]) -> float:
    return channel.limits.low if edge == "LOW" else channel.limits.high


def _set_limit(channel: TrueformChannel, call: Call, edge: Literal["LOW", "HIGH"]) -> None:
    if edge == "LOW":
        channel.limits.low = _volts(channel, call)
    else:
        channel.limits.high = _volts(channel, call)


def _switch_limits(channel: TrueformChannel, call: Call) -> None:
    wanted, limits = call.on(), channel.limits
    swing = 0.0 if channel.function == "DC" else channel.amplitude / 2
    inside = limits.low <= channel.offset - swing and channel.offset + swing <= limits.high
    if wanted and not inside:
        raise Refused(-221)
    limits.are_on = wanted


def _set_function(channel: TrueformChannel, call: Call) -> None:
    chosen = call.choice(0, _FUNCTIONS)
    channel.choose(next(function for function in _FUNCTIONS if function == chosen))


def _set_high(channel: TrueformChannel, call: Call) -> None:
    high, low = _volts(channel, call), channel.offset - channel.amplitude / 2
    channel.set_levels(high - low, (high + low) / 2)


def _set_low(channel: TrueformChannel, call: Call) -> None:
    low, high = _volts(channel, call), channel.offset + channel.amplitude / 2
    channel.set_levels(high - low, (high + low) / 2)


def _set_unit(channel: TrueformChannel, call: Call) -> None:  # noqa: ARG001
    call.choice(0, ("VPP",))


def _switch(channel: TrueformChannel, call: Call) -> None:
    channel.is_on = call.on()
    channel.show()


def _set_load(channel: TrueformChannel, call: Call) -> None:
    channel.load = call.number(0, 1, 10_000, {"INFinity": math.inf, "DEFault": 50.0})


def _choose_waveform(channel: TrueformChannel, call: Call) -> None:
    name = call.word(0).strip("\"'")
    if name not in channel.arbitrary.waveforms:
        raise Refused(785)
    channel.arbitrary.name = name
    channel.show()


def _set_advance(channel: TrueformChannel, call: Call) -> None:
    channel.arbitrary.is_triggered = call.choice(0, ("TRIGger", "SRATe")) == "TRIGger"
    channel.show()


def _tell_advance(channel: TrueformChannel) -> str:
    return "TRIG" if channel.arbitrary.is_triggered else "SRAT"


def _set_filter(channel: TrueformChannel, call: Call) -> None:
    channel.arbitrary.filter = call.choice(0, ("NORMal", "STEP", "OFF"))


def _set_rate(channel: TrueformChannel, call: Call) -> None:
    channel.arbitrary.sample_rate = call.number(0, 1e-6, 62.5e6)


def _switch_burst(channel: TrueformChannel, call: Call) -> None:
    channel.arbitrary.burst = call.on()
    channel.show()


def _set_burst_mode(channel: TrueformChannel, call: Call) -> None:
    channel.arbitrary.burst_mode = call.choice(0, ("TRIGgered", "GATed"))


def _set_cycles(channel: TrueformChannel, call: Call) -> None:
    channel.arbitrary.cycles = call.number(0, 1, 1e8)


def _set_source(channel: TrueformChannel, call: Call) -> None:
    chosen = call.choice(0, _SOURCES)
    channel.arbitrary.source = next(source for source in _SOURCES if source == chosen)


def _set_slope(channel: TrueformChannel, call: Call) -> None:
    channel.arbitrary.slope = call.choice(0, ("POSitive", "NEGative"))


def _real(value: float) -> str:
    return f"{value:+.14E}"


def _bool(value: bool) -> str:
    return "1" if value else "0"


def _build(name: str, settings: Any, plug: Plug) -> Keysight33500B:  # noqa: ARG001
    return Keysight33500B(plug, settings.model)


INSTRUMENT = BenchInstrument(build=_build)
