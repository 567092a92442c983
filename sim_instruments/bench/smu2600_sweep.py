"""Sweeps of one channel of a Keithley 2600: smuX.trigger and smuX.abort().

Series 2600B Reference Manual (2600BS-901-01), section "TSP command reference".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sim_instruments.bench.plug import Plug
from sim_instruments.bench.smu2600_buffer import Buffer, Record
from sim_instruments.bench.smu2600_channel import LETTERS, Smu2600Channel
from sim_instruments.bench.smu2600_events import Events
from sim_instruments.bench.smu2600_trigger import RemoteTriggerModel, Steps
from sim_instruments.bench.smu_output import Quantity
from sim_instruments.bench.tsp_language import Reference, Table, TspError, Value, runtime_error
from sim_instruments.bench.tsp_machine import TspMachine, checked

_EVENTS = ("ARMED", "SOURCE_COMPLETE", "MEASURE_COMPLETE")


class Smu2600Sweep:
    """What a channel plays and measures when it is initiated.

    Args:
        plug: of the instrument.
        machine: gets the names.
        events: of the instrument.
        channel: that plays.
        name: "smua" or "smub".
        first_event: number of its first event.

    Attributes:
        model: its trigger model.
    """

    def __init__(
        self,
        plug: Plug,
        machine: TspMachine,
        events: Events,
        channel: Smu2600Channel,
        name: str,
        first_event: int,
    ) -> None:
        self._machine = machine
        self._events = events
        self._channel = channel
        self._name = f"{name}.trigger"
        self._first_event = first_event
        self._lists: dict[Quantity, list[float]] = {"VOLT": [], "CURR": []}
        self._measured: tuple[Quantity, Buffer] | None = None
        self.model = RemoteTriggerModel(
            plug,
            steps=self._steps,
            source=self._source,
            measure=self._measure,
            ended=self._ended,
            happen=lambda event: events.happen(first_event + _EVENTS.index(event)),
        )
        events.listen(self.model.detect)
        self._add_numbers()
        self._add_functions(name)

    def _add_numbers(self) -> None:
        machine, trigger = self._machine, self._name
        for part in ("source", "measure"):
            machine.number(f"{trigger}.{part}.action", 0, 0, 2)
        for part in ("arm", "source", "measure", "endpulse"):
            machine.number(f"{trigger}.{part}.stimulus", 0, 0, 100)
        for part in ("endpulse", "endsweep"):
            machine.number(f"{trigger}.{part}.action", 0, 0, 1)
        machine.number(f"{trigger}.count", 1, 0, 1e6)
        machine.number(f"{trigger}.arm.count", 1, 0, 1e6)
        numbered = {
            f"{event}_EVENT_ID": float(self._first_event + k) for k, event in enumerate(_EVENTS)
        }
        machine.constants(trigger, numbered)

    def _add_functions(self, channel: str) -> None:
        machine, trigger = self._machine, self._name
        for quantity, letter in LETTERS.items():
            machine.function(
                f"{trigger}.source.list{letter}", lambda v, q=quantity: self._set_list(q, v)
            )
            machine.function(
                f"{trigger}.measure.{letter}", lambda v, q=quantity: self._set_measured(q, v)
            )
        machine.function(f"{trigger}.initiate", self._initiate)
        machine.function(f"{channel}.abort", self._abort)
        machine.function(f"{channel}.reset", self._reset)

    def _steps(self) -> Steps:
        get, trigger = self._machine.get, self._name
        return Steps(
            count=int(get(f"{trigger}.count")),
            stimuli={
                "source": int(get(f"{trigger}.source.stimulus")),
                "measure": int(get(f"{trigger}.measure.stimulus")),
            },
            plays=get(f"{trigger}.source.action") == 1,
            measures=get(f"{trigger}.measure.action") == 1,
        )

    def _source(self, k: int) -> None:
        levels = self._lists[self._channel.output.sources]
        if levels:
            self._channel.output.step(levels[k % len(levels)])

    def _measure(self, done: Callable[[], None]) -> None:
        if self._measured is None:
            done()
            return
        quantity, buffer = self._measured

        def taken(record: Record) -> None:
            buffer.records.append(record)
            done()

        self._channel.take(quantity, taken)

    def _ended(self) -> None:
        if self._machine.get(f"{self._name}.endsweep.action") == 0:
            self._channel.output.step(None)

    def _set_list(self, quantity: Quantity, values: Sequence[Value]) -> Sequence[Value]:
        reach = self._channel.reach(quantity)
        self._lists[quantity] = [checked(level, -reach, reach) for level in _listed(values)]
        return ()

    def _set_measured(self, quantity: Quantity, values: Sequence[Value]) -> Sequence[Value]:
        named = values[0] if values else None
        if not isinstance(named, Reference) or named.name not in self._channel.buffers:
            raise runtime_error("reading buffer expected")
        self._measured = quantity, self._channel.buffers[named.name]
        return ()

    def _initiate(self, _: Sequence[Value]) -> Sequence[Value]:
        self.model.initiate()
        return ()

    def _abort(self, _: Sequence[Value]) -> Sequence[Value]:
        self.model.abort()
        self._channel.give_up()
        return ()

    def _reset(self, _: Sequence[Value]) -> Sequence[Value]:
        self._abort(())
        self._channel.reset()
        return ()


def _listed(values: Sequence[Value]) -> list[float]:
    """The numbers of a table, from 1 on."""
    if len(values) != 1 or not isinstance(values[0], Table):
        raise runtime_error("table expected")
    table = values[0]
    found = [table.get(k) for k in range(1, len(table) + 1)]
    numbers = [number for number in found if isinstance(number, float)]
    if not numbers or len(numbers) != len(table):
        raise TspError(1108, "Parameter wrong type")
    return numbers
