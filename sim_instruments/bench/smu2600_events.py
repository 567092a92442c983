"""Trigger events of a Keithley 2600: digital lines and timers.

Series 2600B Reference Manual (2600BS-901-01), section "Triggering", and the TSP commands
digio.trigger[N] and trigger.timer[N]. Events have numbers; 0 is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sim_instruments.bench.plug import Plug
from sim_instruments.bench.tsp_language import Value, runtime_error
from sim_instruments.bench.tsp_machine import Attribute, TspMachine

LINES = 14
TIMERS = 8
_FIRST_TIMER = 20
_MODES = {
    "TRIG_BYPASS": 0.0, "TRIG_FALLING": 1.0, "TRIG_RISING": 2.0, "TRIG_EITHER": 3.0,
}  # fmt: skip


class Events:
    """Who waits for which event, and what gives events.

    Args:
        plug: lines "digio_1" to "digio_14".
        machine: gets the names.
    """

    def __init__(self, plug: Plug, machine: TspMachine) -> None:
        self._plug = plug
        self._machine = machine
        self._listeners: list[Callable[[int], None]] = []
        self._passes: dict[int, bool] = {}
        self._runs = dict.fromkeys(range(1, TIMERS + 1), 0)
        for line in range(1, LINES + 1):
            self._add_line(line)
        for timer in range(1, TIMERS + 1):
            self._add_timer(timer)
        machine.constants("digio", _MODES)

    def listen(self, listener: Callable[[int], None]) -> None:
        """Adds somebody who is told of every event."""
        self._listeners.append(listener)

    def reset(self) -> None:
        """Timers stop."""
        for timer in self._runs:
            self._runs[timer] += 1
        self._passes.clear()

    def happen(self, event: int) -> None:
        """An event: listeners are told, and lines and timers that it stimulates act."""
        for listener in self._listeners:
            listener(event)
        get = self._machine.get
        for line in range(1, LINES + 1):
            if get(f"digio.trigger[{line}].stimulus") == event:
                self._plug.pulse(f"digio_{line}")
        for timer in range(1, TIMERS + 1):
            if get(f"trigger.timer[{timer}].stimulus") == event:
                self._start(timer)

    def _start(self, timer: int) -> None:
        name, run = f"trigger.timer[{timer}]", self._runs[timer]
        if self._passes.get(timer):
            self.happen(_FIRST_TIMER + timer)
        delay = self._machine.get(f"{name}.delay")
        for k in range(int(self._machine.get(f"{name}.count"))):
            self._plug.later((k + 1) * delay, lambda: self._tick(timer, run))

    def _tick(self, timer: int, run: int) -> None:
        if run == self._runs[timer]:
            self.happen(_FIRST_TIMER + timer)

    def _add_line(self, line: int) -> None:
        name, machine = f"digio.trigger[{line}]", self._machine
        machine.number(f"{name}.mode", 0, 0, 9)
        machine.number(f"{name}.pulsewidth", 1e-5, 0, 28)
        machine.number(f"{name}.stimulus", 0, 0, 100)
        machine.constants(name, {"EVENT_ID": float(line)})
        machine.function(f"{name}.clear", _nothing)

        def pulsed() -> None:
            is_input = machine.get(f"{name}.stimulus") == 0
            if is_input and machine.get(f"{name}.mode") != _MODES["TRIG_BYPASS"]:
                self.happen(line)

        self._plug.listen(f"digio_{line}", pulsed)

    def _add_timer(self, timer: int) -> None:
        name, machine = f"trigger.timer[{timer}]", self._machine
        machine.number(f"{name}.delay", 10e-6, 0.5e-6, 1e5)
        machine.number(f"{name}.count", 1, 0, 1_048_575)
        machine.number(f"{name}.stimulus", 0, 0, 100)
        machine.constants(name, {"EVENT_ID": float(_FIRST_TIMER + timer)})

        def write(value: Value) -> None:
            if not isinstance(value, bool):
                raise runtime_error("boolean expected")
            self._passes[timer] = value

        passes = Attribute(lambda: self._passes.get(timer, False), write)
        machine.attribute(f"{name}.passthrough", passes)
        machine.function(f"{name}.clear", _nothing)

        def reset(_: Sequence[Value]) -> Sequence[Value]:
            self._runs[timer] += 1
            self._passes.pop(timer, None)
            for part, value in (("delay", 10e-6), ("count", 1.0), ("stimulus", 0.0)):
                machine.set(f"{name}.{part}", value)
            return ()

        machine.function(f"{name}.reset", reset)


def _nothing(_: Sequence[Value]) -> Sequence[Value]:
    """Events are kept by who waits for them, and are forgotten when that is initiated."""
    return ()
