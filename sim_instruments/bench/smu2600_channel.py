"""One channel of a Keithley 2600: smuX.source, smuX.measure, smuX.sense and its buffers.

Series 2600B Reference Manual (2600BS-901-01), section "TSP command reference".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim_instruments.bench.integration import Integration
from sim_instruments.bench.plug import Plug
from sim_instruments.bench.smu2600_buffer import Buffer, Record
from sim_instruments.bench.smu_output import OTHER, Quantity, SmuOutput
from sim_instruments.bench.tsp_language import Reference, Value, runtime_error
from sim_instruments.bench.tsp_machine import Attribute, TspMachine, checked

OVERFLOW = 9.91e37
_OVERHEAD = 50e-6
_NOISE = 1e-6
"""Standard deviation of a reading at 1 PLC, as part of its range; it falls with √NPLC."""

_IN_COMPLIANCE, _FOUR_WIRE = 1 << 6, 1 << 4
LETTERS: dict[Quantity, str] = {"VOLT": "v", "CURR": "i"}
_CONSTANTS = {
    "OUTPUT_OFF": 0.0, "OUTPUT_ON": 1.0, "OUTPUT_HIGH_Z": 2.0, "OUTPUT_NORMAL": 0.0,
    "OUTPUT_ZERO": 1.0, "OUTPUT_DCAMPS": 0.0, "OUTPUT_DCVOLTS": 1.0, "SENSE_LOCAL": 0.0,
    "SENSE_REMOTE": 1.0, "AUTORANGE_OFF": 0.0, "AUTORANGE_ON": 1.0, "AUTOZERO_OFF": 0.0,
    "AUTOZERO_ONCE": 1.0, "AUTOZERO_AUTO": 2.0, "FILTER_OFF": 0.0, "FILTER_ON": 1.0,
    "DISABLE": 0.0, "ENABLE": 1.0, "SOURCE_IDLE": 0.0, "SOURCE_HOLD": 1.0, "DELAY_OFF": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class Ranges:
    """Of a model: ranges, and the factor on them that can still be sourced and measured."""

    volts: tuple[float, ...]
    amperes: tuple[float, ...]
    overrange: float = 1.01

    def of(self, quantity: Quantity) -> tuple[float, ...]:
        """In V or A."""
        return self.volts if quantity == "VOLT" else self.amperes

    def most(self, quantity: Quantity) -> float:
        """That it sources or measures."""
        return self.overrange * self.of(quantity)[-1]

    def holding(self, quantity: Quantity, value: float) -> float:
        """The smallest range that holds a value."""
        steps = self.of(quantity)
        return next((step for step in steps if abs(value) <= self.overrange * step), steps[-1])


class Smu2600Channel:
    """One channel.

    Args:
        plug: source `name`, meter "`name`.measure".
        machine: gets the names.
        name: "smua" or "smub".
        ranges: of the model.
        line_frequency_hertz: of the mains.
    """

    def __init__(
        self,
        plug: Plug,
        machine: TspMachine,
        name: str,
        ranges: Ranges,
        line_frequency_hertz: int,
    ) -> None:
        self.output = SmuOutput(plug, name, f"{name}.measure")
        self.buffers = {f"{name}.{b}": Buffer(machine, f"{name}.{b}") for b in _BUFFERS}
        self._plug = plug
        self._machine = machine
        self._name = name
        self._ranges = ranges
        self._line_frequency = line_frequency_hertz
        self._integration = Integration(plug)
        machine.constants(name, _CONSTANTS)
        self._add_source()
        self._add_meter()

    def reset(self) -> None:
        """smuX.reset(): sources 0 V, output off."""
        self._integration.give_up()
        output = self.output
        output.sources, output.is_on, output.stepped = "VOLT", False, None
        output.levels |= {"VOLT": 0.0, "CURR": 0.0}
        limits: dict[Quantity, float] = {"VOLT": self._ranges.volts[-2], "CURR": 0.1}
        output.limits |= limits
        output.apply()

    def get(self, name: str) -> float:
        """A number of this channel."""
        return self._machine.get(f"{self._name}.{name}")

    def reach(self, quantity: Quantity) -> float:
        """Most that it sources of a quantity, as its range is set."""
        letter = LETTERS[quantity]
        if self.get(f"source.autorange{letter}") == 1:
            return self._ranges.most(quantity)
        return self._ranges.overrange * self.get(f"source.range{letter}")

    def take(self, measured: Quantity, done: Callable[[Record], None]) -> None:
        """One reading, after the measure delay."""

        def converted(mean: float) -> None:
            record = self._record(mean, measured)
            self._integration.later(
                max(0.0, self._conversion - self._aperture), lambda: done(record)
            )

        def sense() -> float:
            output = self.output
            return output.sourced() if measured == output.sources else output.sense()

        self.output.apply()
        self._integration.later(
            self.get("measure.delay"),
            lambda: self._integration.mean(sense, self._aperture, converted),
        )

    def give_up(self) -> None:
        """A reading that is being taken never ends."""
        self._integration.give_up()

    def _add_source(self) -> None:
        name, machine, output = f"{self._name}.source", self._machine, self.output
        machine.attribute(f"{name}.func", Attribute(self._function, self._set_function))
        machine.attribute(f"{name}.output", Attribute(lambda: float(output.is_on), self._switch))
        machine.attribute(f"{name}.compliance", Attribute(self._is_in_compliance))
        machine.attribute(
            f"status.measurement.instrument.{self._name}.condition", Attribute(self._condition)
        )
        machine.number(f"{name}.delay", 0, -1, 1e5)
        machine.number(f"{name}.offmode", 0, 0, 2)
        for quantity in LETTERS:
            self._add_levels(quantity)

    def _add_levels(self, quantity: Quantity) -> None:
        name, machine, letter = f"{self._name}.source", self._machine, LETTERS[quantity]
        output, most = self.output, self._ranges.most(quantity)
        steps = self._ranges.of(quantity)

        def set_level(value: Value) -> None:
            reach = self.reach(quantity)
            output.program(quantity, checked(value, -reach, reach))

        def set_limit(value: Value) -> None:
            output.limits[quantity] = checked(value, 1e-3 * steps[0], most)
            output.apply()

        machine.attribute(
            f"{name}.level{letter}", Attribute(lambda: output.levels[quantity], set_level)
        )
        machine.attribute(
            f"{name}.limit{letter}", Attribute(lambda: output.limits[quantity], set_limit)
        )
        for part in ("source", "measure"):
            self._add_range(f"{self._name}.{part}", quantity)

    def _add_range(self, name: str, quantity: Quantity) -> None:
        letter, machine, steps = LETTERS[quantity], self._machine, self._ranges.of(quantity)
        machine.number(f"{name}.autorange{letter}", 1, 0, 2)

        def chosen(value: float) -> None:
            machine.set(f"{name}.range{letter}", self._ranges.holding(quantity, value))
            machine.set(f"{name}.autorange{letter}", 0.0)

        machine.number(f"{name}.range{letter}", steps[0], 0, steps[-1], chosen)

    def _add_meter(self) -> None:
        name, machine = f"{self._name}.measure", self._machine
        machine.number(f"{self._name}.sense", 0, 0, 3)
        machine.number(f"{name}.nplc", 1, 0.001, 25)
        machine.number(f"{name}.autozero", 2, 0, 2)
        machine.number(f"{name}.delay", 0, -1, 1e5)
        machine.number(f"{name}.interval", 0, 0, 1)
        machine.number(f"{name}.count", 1, 1, 100_000)
        machine.number(f"{name}.filter.enable", 0, 0, 1)
        machine.function(f"{name}.v", lambda values: self._measure("VOLT", values))
        machine.function(f"{name}.i", lambda values: self._measure("CURR", values))
        machine.function(f"{name}.r", self._measure_resistance)

    def _function(self) -> float:
        return 1.0 if self.output.sources == "VOLT" else 0.0

    def _set_function(self, value: Value) -> None:
        self.output.sources = "VOLT" if checked(value, 0, 1) == 1 else "CURR"
        self.output.step(None)

    def _switch(self, value: Value) -> None:
        self.output.is_on = checked(value, 0, 2) == 1
        self.output.step(None)

    def _is_in_compliance(self) -> bool:
        self.output.apply()
        return self.output.is_in_compliance

    def _condition(self) -> float:
        limited = 2.0 if self.output.sources == "VOLT" else 1.0
        return limited if self._is_in_compliance() else 0.0

    def _measure(self, measured: Quantity, values: Sequence[Value]) -> Sequence[Value]:
        buffer = self._buffer(values)
        if buffer is not None:
            buffer.begin()
        return (self._readings(measured, buffer)[-1],)

    def _measure_resistance(self, _: Sequence[Value]) -> Sequence[Value]:
        volts, amperes = (self._readings(each, None)[-1] for each in LETTERS)
        return (volts / amperes if amperes else OVERFLOW,)

    def _readings(self, measured: Quantity, buffer: Buffer | None) -> list[float]:
        count, found = int(self.get("measure.count")), list[Record]()
        interval = self.get("measure.interval")
        while len(found) < count:
            before, begun = len(found), self._plug.now()
            self.take(measured, found.append)
            self._plug.wait(lambda n=before: len(found) > n, math.inf)
            self._plug.spend(max(0.0, begun + interval - self._plug.now()))
        if buffer is not None:
            buffer.records += found
        return [record.reading for record in found]

    def _buffer(self, values: Sequence[Value]) -> Buffer | None:
        if not values:
            return None
        if isinstance(values[0], Reference) and values[0].name in self.buffers:
            return self.buffers[values[0].name]
        raise runtime_error("reading buffer expected")

    @property
    def _aperture(self) -> float:
        return self.get("measure.nplc") / self._line_frequency

    @property
    def _conversion(self) -> float:
        return self._aperture * (3 if self.get("measure.autozero") == 2 else 1) + _OVERHEAD

    def _record(self, mean: float, measured: Quantity) -> Record:
        output, letter = self.output, LETTERS[measured]
        status = _FOUR_WIRE if self.get("sense") == 1 else 0
        auto = self.get(f"measure.autorange{letter}") != 0
        fixed = self.get(f"measure.range{letter}")
        reach = self._ranges.most(measured) if auto else self._ranges.overrange * fixed
        if abs(mean) > reach and measured != output.sources:
            return Record(math.copysign(OVERFLOW, mean), status, output.level)
        scale = self._ranges.holding(measured, mean) if auto else fixed
        noise = _NOISE * scale / math.sqrt(self.get("measure.nplc")) * self._plug.noise()
        if measured == OTHER[output.sources] and abs(mean) >= output.limit * (1 - 1e-9):
            mean, status = math.copysign(output.limit, mean), status | _IN_COMPLIANCE
        return Record(mean + noise, status, output.level)


_BUFFERS = ("nvbuffer1", "nvbuffer2")
