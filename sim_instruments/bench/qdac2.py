"""Simulated QDevil QDAC-II: 24 DC generators, current sensors, trigger inputs and outputs.

From the QDAC-II User Manual, chapter "SCPI commands". Every command of a channel takes it as a
number behind SOURce or SENSe, or several as a channel list behind its arguments. Sine, square,
triangle and arbitrary waveform generators and sweeps are not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.bench.qdac2_generator import DcGenerator, Marker
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call, short

_CHANNELS = 24
_FULL_SCALE = {"LOW": 2.0, "HIGH": 10.0}
_SENSORS = {"LOW": 200e-9, "HIGH": 10e-3}
# Noise of a current averaged over one power line cycle.
_SENSOR_NOISE = {"LOW": 30e-12, "HIGH": 100e-9}
_INTERNAL = 14
_OUTPUTS = 5
_INPUTS = 4
_LARGEST_LIST = 65_536
_MARKERS: tuple[Marker, ...] = ("STARt", "END", "SSTart", "SEND")
_SOURCES = (
    "IMMediate", "HOLD", "BUS",
    *(f"INT{k}" for k in range(1, _INTERNAL + 1)), *(f"EXT{k}" for k in range(1, _INPUTS + 1)),
)  # fmt: skip


@dataclass
class _Channel:
    """One output, with what is not of its DC generator."""

    generator: DcGenerator
    name: str
    range: str = "HIGH"
    filter: str = "HIGH"
    sensor: str = "HIGH"
    nplc: float = 1.0


@dataclass
class _Output:
    """One trigger output."""

    source: str = "HOLD"
    width: float = 10e-6


class Qdac2(ScpiBox):
    """A QDAC-II.

    Args:
        plug: channels "1" to "24"; trigger inputs "ext1" to "ext4", outputs "trig1" to "trig5".
        line_frequency_hertz: of the mains that it is plugged into.
        serial: field of `*IDN?`.
    """

    queue_capacity: ClassVar[int] = 100

    def __init__(self, plug: Plug, line_frequency_hertz: int = 50, serial: str = "A001234") -> None:
        super().__init__(f"QDevil, QDAC-II, {serial}, 13-1.57")
        self._plug = plug
        self._line_frequency = line_frequency_hertz
        names = [str(n) for n in range(1, _CHANNELS + 1)]
        self._channels = [_Channel(DcGenerator(plug, name, self._fire), name) for name in names]
        self._outputs = [_Output() for _ in range(_OUTPUTS)]
        for k in range(1, _INPUTS + 1):
            plug.listen(f"ext{k}", lambda k=k: self._triggered(f"EXT{k}"))
        self._add_voltage()
        self._add_lists()
        self._add_triggers()
        self._add_currents()

    def error_entry(self, code: int, text: str) -> str:
        """With a space behind the comma."""
        return f'{code}, "{text}"'

    def reset(self) -> None:
        """0 V everywhere, the high range, nothing routed."""
        for channel in self._channels:
            channel.generator.reset()
            channel.range = channel.filter = channel.sensor = "HIGH"
            channel.nplc = 1.0
        self._outputs = [_Output() for _ in range(_OUTPUTS)]

    def _set(self, header: str, act: Callable[[_Channel, Call], None], most: int = 1) -> None:
        """A command of channels."""

        def carry_out(call: Call) -> None:
            chosen, rest = self._chosen(call)
            for channel in chosen:
                act(channel, rest)

        self.on(header, carry_out, most + 1)

    def _ask(self, header: str, tell: Callable[[_Channel], str]) -> None:
        """A query of channels; their answers stand between commas."""
        self.on(header, lambda call: ",".join(tell(each) for each in self._chosen(call)[0]), 1)

    def _both(
        self, header: str, act: Callable[[_Channel, Call], None], tell: Callable[[_Channel], str]
    ) -> None:
        self._set(header, act)
        self._ask(f"{header}?", tell)

    def _chosen(self, call: Call) -> tuple[Sequence[_Channel], Call]:
        numbers = [call.suffixes[0]]
        last = call.arguments[-1] if call.arguments else ""
        if isinstance(last, str) and last.startswith("("):
            if not _CHANNEL_LIST.fullmatch(last):
                raise Refused(-102)
            numbers = [int(number) for number in last[2:-1].split(",")]
            call = Call(call.header, call.suffixes, call.arguments[:-1])
        if not all(1 <= number <= _CHANNELS for number in numbers):
            raise Refused(-114)
        return [self._channels[number - 1] for number in numbers], call

    def _add_voltage(self) -> None:
        volt = "[SOURce<n>][:DC]:VOLTage"
        self._set(f"{volt}[:LEVel][:IMMediate][:AMPLitude]", _set_voltage)
        self._ask(f"{volt}[:LEVel][:IMMediate][:AMPLitude]?", lambda c: _real(c.generator.fixed))
        self._ask(f"{volt}:LAST?", lambda c: _real(c.generator.level))
        self._both(f"{volt}:MODE", _set_mode, lambda c: short(c.generator.mode))
        self._both(f"{volt}:SLEW", _set_slew, lambda c: _real(c.generator.slew))
        self._both("[SOURce<n>]:RANGe", _set_range, lambda c: c.range)
        self._both("[SOURce<n>]:FILTer", _set_filter, lambda c: c.filter)

    def _add_lists(self) -> None:
        node = "[SOURce<n>][:DC]:LIST"
        self._set(f"{node}:VOLTage", _set_list, _LARGEST_LIST)
        self._ask(f"{node}:POINts?", lambda c: str(len(c.generator.list.levels)))
        self._ask(f"{node}:NCLeft?", lambda c: str(c.generator.cycles_left))
        self._both(f"{node}:DWELl", _set_dwell, lambda c: _real(c.generator.list.dwell))
        self._both(f"{node}:COUNt", _set_count, lambda c: str(c.generator.list.count))
        self._both(
            f"{node}:TMODe", _set_stepped, lambda c: "STEP" if c.generator.list.stepped else "AUTO"
        )
        self._both(
            f"{node}:DIRection",
            _set_direction,
            lambda c: "DOWN" if c.generator.list.downwards else "UP",
        )

    def _add_triggers(self) -> None:
        node, on = "[SOURce<n>]:DC", self.on
        self._set(f"{node}:INITiate[:IMMediate]", lambda c, _: c.generator.initiate(), 0)
        self._both(
            f"{node}:INITiate:CONTinuous",
            _set_continuous,
            lambda c: str(int(c.generator.is_continuous)),
        )
        self._set(f"{node}:ABORt", lambda c, _: c.generator.abort(), 0)
        self._both(f"{node}:DELay", _set_delay, lambda c: _real(c.generator.delay))
        self._both(f"{node}:TRIGger:SOURce", _set_source, lambda c: short(c.generator.source))
        for marker in _MARKERS:
            self._both(
                f"{node}:MARKer:{marker}",
                lambda c, call, marker=marker: _set_marker(c, call, marker),
                lambda c, marker=marker: str(c.generator.markers.get(marker, 0)),
            )
        on("TINTernal", lambda call: self._fire(call.whole(0, 1, _INTERNAL)))
        on("*TRG", lambda _: self._triggered("BUS"))
        on("ABORt", lambda _: self._abort(), most=0)
        on("OUTPut:TRIGger<n>:SOURce", self._set_output_source)
        on("OUTPut:TRIGger<n>:SOURce?", lambda call: short(self._output(call).source))
        on("OUTPut:TRIGger<n>:WIDTh", self._set_output_width)
        on("OUTPut:TRIGger<n>:WIDTh?", lambda call: _real(self._output(call).width))

    def _add_currents(self) -> None:
        self._both("SENSe<n>[:CURRent]:RANGe", _set_sensor, lambda c: c.sensor)
        self._both("SENSe<n>:NPLCycles", _set_nplc, lambda c: _real(c.nplc))
        self.on("READ<n>?", self._read_currents, 1)
        self.on("SYSTem:ERRor:COUNt?", lambda _: str(len(self.errors)))

    def _fire(self, number: int) -> None:
        """An internal trigger: to the outputs that it is routed to, and to the generators."""
        self._triggered(f"INT{number}")

    def _triggered(self, source: str) -> None:
        for k, output in enumerate(self._outputs, start=1):
            if output.source == source:
                self._plug.pulse(f"trig{k}")
        for channel in self._channels:
            channel.generator.triggered(source)

    def _abort(self) -> None:
        for channel in self._channels:
            channel.generator.abort()

    def _output(self, call: Call) -> _Output:
        if not 1 <= call.suffixes[0] <= _OUTPUTS:
            raise Refused(-114)
        return self._outputs[call.suffixes[0] - 1]

    def _set_output_source(self, call: Call) -> None:
        self._output(call).source = call.choice(0, _SOURCES[1:])

    def _set_output_width(self, call: Call) -> None:
        self._output(call).width = call.number(0, 1e-6, 3600)

    def _read_currents(self, call: Call) -> str:
        chosen, _ = self._chosen(call)
        # All channels are read at the same time.
        self._plug.spend(max(channel.nplc for channel in chosen) / self._line_frequency)
        return ",".join(_real(self._current(channel)) for channel in chosen)

    def _current(self, channel: _Channel) -> float:
        current = self._plug.load_current(channel.name, self._plug.sense(channel.name))
        noise = _SENSOR_NOISE[channel.sensor] * self._plug.noise() / channel.nplc**0.5
        edge = _SENSORS[channel.sensor]
        return min(max(current + noise, -edge), edge)


def _set_voltage(channel: _Channel, call: Call) -> None:
    edge = _FULL_SCALE[channel.range]
    channel.generator.set_fixed(call.number(0, -edge, edge))


def _set_mode(channel: _Channel, call: Call) -> None:
    channel.generator.set_mode("LIST" if call.choice(0, ("FIXed", "LIST")) == "LIST" else "FIXed")


def _set_slew(channel: _Channel, call: Call) -> None:
    channel.generator.slew = call.number(0, 0.01, 2e7, {"INFinity": float("inf")})


def _set_range(channel: _Channel, call: Call) -> None:
    chosen = call.choice(0, tuple(_FULL_SCALE))
    if abs(channel.generator.level) > _FULL_SCALE[chosen]:
        raise Refused(-221)
    channel.range = chosen


def _set_filter(channel: _Channel, call: Call) -> None:
    chosen = call.choice(0, ("DC", "MEDium", "HIGH"))
    channel.filter = short(chosen)


def _set_list(channel: _Channel, call: Call) -> None:
    edge = _FULL_SCALE[channel.range]
    if call.arguments and isinstance(call.arguments[0], bytes):
        payload = call.block(0)
        if len(payload) % 4 or not payload:
            raise Refused(-161)
        levels = [float(level) for level in np.frombuffer(payload, "<f4")]
        if not all(abs(level) <= edge for level in levels):
            raise Refused(-222)
    else:
        levels = [float(np.float32(level)) for level in call.numbers(0, -edge, edge)]
    if len(levels) > _LARGEST_LIST:
        raise Refused(-223)
    channel.generator.list.levels = levels


def _set_dwell(channel: _Channel, call: Call) -> None:
    channel.generator.list.dwell = call.number(0, 1e-6, 3600)


def _set_count(channel: _Channel, call: Call) -> None:
    channel.generator.list.count = call.whole(0, 1, 2**24)


def _set_stepped(channel: _Channel, call: Call) -> None:
    channel.generator.list.stepped = call.choice(0, ("AUTO", "STEPped")) != "AUTO"


def _set_direction(channel: _Channel, call: Call) -> None:
    channel.generator.list.downwards = call.choice(0, ("UP", "DOWN")) == "DOWN"


def _set_continuous(channel: _Channel, call: Call) -> None:
    channel.generator.is_continuous = call.on()
    if channel.generator.is_continuous and channel.generator.source != "IMMediate":
        channel.generator.initiate()


def _set_delay(channel: _Channel, call: Call) -> None:
    channel.generator.delay = call.number(0, 0, 3600)


def _set_source(channel: _Channel, call: Call) -> None:
    channel.generator.source = call.choice(0, _SOURCES)


def _set_marker(channel: _Channel, call: Call, marker: Marker) -> None:
    channel.generator.markers[marker] = call.whole(0, 0, _INTERNAL)


def _set_sensor(channel: _Channel, call: Call) -> None:
    channel.sensor = call.choice(0, tuple(_SENSORS))


def _set_nplc(channel: _Channel, call: Call) -> None:
    channel.nplc = call.number(0, 0.0165, 100)


def _real(value: float) -> str:
    return f"{value:.9G}"


def _build(name: str, settings: Any, plug: Plug) -> Qdac2:  # noqa: ARG001
    return Qdac2(plug, settings.line_frequency_hertz)


INSTRUMENT = BenchInstrument(build=_build)

_CHANNEL_LIST = re.compile(r"\(@[0-9]{1,4}(?:,[0-9]{1,4})*\)")
