"""Simulated Keithley 2600B source-measure units, of one or two channels, that run TSP.

Series 2600B System SourceMeter Reference Manual (2600BS-901-01): sections "TSP command reference",
"Remote trigger model" and "Common commands". Sources, meters, dedicated buffers, list sweeps,
digital lines and timers; no pulses, filters, staircases, own buffers or functions of programs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from mgd_lab.wire import Status, status_text
from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.bench.smu2600_channel import Ranges, Smu2600Channel
from sim_instruments.bench.smu2600_events import Events
from sim_instruments.bench.smu2600_sweep import Smu2600Sweep
from sim_instruments.bench.tsp_language import TspError, Value
from sim_instruments.bench.tsp_machine import Attribute, TspMachine, checked

_AMPERES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
_260X = Ranges((0.1, 1.0, 6.0, 40.0), (*_AMPERES, 3.0))
_261X = Ranges((0.2, 2.0, 20.0, 200.0), (*_AMPERES, 1.5))
_263X = Ranges((0.2, 2.0, 20.0, 200.0), (1e-9, 1e-8, *_AMPERES, 1.5))
_MODELS = {
    "2601B": _260X, "2602B": _260X, "2611B": _261X, "2612B": _261X, "2635B": _263X,
    "2636B": _263X,
}  # fmt: skip
_FIRST_EVENT = {"smua": 40, "smub": 50}
_QUEUE_CAPACITY = 100
_SEVERITY, _NODE = 20.0, 1.0
# Status byte register: EAV and MAV.
_ERRORS_AVAILABLE, _MESSAGE_AVAILABLE = 1 << 2, 1 << 4


class Keithley2600:
    """A 2600B.

    Args:
        plug: sources "smua" and "smub", meters "smua.measure" and "smub.measure"; lines "digio_1"
            to "digio_14".
        model: the odd ones have one channel.
        line_frequency_hertz: of the mains.
        serial: field of `*IDN?`.
    """

    def __init__(
        self,
        plug: Plug,
        model: str = "2602B",
        line_frequency_hertz: int = 50,
        serial: str = "4401234",
    ) -> None:
        self._plug = plug
        self._identity = f"Keithley Instruments Inc., Model {model}, {serial}, 3.3.5"
        self._machine = TspMachine()
        self._errors: deque[TspError] = deque()
        self._script: list[str] | None = None
        self._events = Events(plug, self._machine)
        names = ("smua",) if int(model[3]) % 2 else ("smua", "smub")
        self._channels = {
            name: Smu2600Channel(plug, self._machine, name, _MODELS[model], line_frequency_hertz)
            for name in names
        }
        self._sweeps = {
            name: Smu2600Sweep(plug, self._machine, self._events, channel, name, _FIRST_EVENT[name])
            for name, channel in self._channels.items()
        }
        self._add_rest(model, float(line_frequency_hertz), serial)
        self._reset(())

    def respond(self, message: bytes) -> bytes:
        """One line → what it prints."""
        line = message.decode("latin-1").strip()
        self._machine.output = b""
        try:
            self._obey(line)
        except TspError as error:
            self._complain(error)
        return self._machine.output

    def overrun(self, reason: str) -> None:  # noqa: ARG002 (instruments do not tell)
        """Input was dropped."""
        self._complain(TspError(-363, "Input buffer over-run"))

    def report(self, status: Status, reason: str = "") -> None:  # noqa: ARG002
        """An error that the way to the instrument has found, such as an interrupted query."""
        self._complain(TspError(int(status), status_text(status)))

    def status_byte(self, *, message_available: bool) -> int:
        """Errors available and message available; no request enable register summarises them."""
        byte = _ERRORS_AVAILABLE if self._errors else 0
        return byte | (_MESSAGE_AVAILABLE if message_available else 0)

    def _obey(self, line: str) -> None:
        if self._script is not None:
            if line == "endscript":
                program, self._script = "\n".join(self._script), None
                self._machine.run(program)
            else:
                self._script.append(line)
        elif line == "loadandrunscript":
            self._script = []
        elif line.startswith("*"):
            self._common(line.upper())
        else:
            self._machine.run(line)

    def _common(self, command: str) -> None:
        if command == "*IDN?":
            self._machine.output = self._identity.encode() + b"\n"
        elif command == "*RST":
            self._reset(())
        elif command == "*CLS":
            self._errors.clear()
        elif command == "*OPC?":
            self._wait(())
            self._machine.output = b"1\n"
        else:
            raise TspError(
                -285, f"TSP Syntax error at line 1: unexpected symbol near `{command[:1]}'"
            )

    def _complain(self, error: TspError) -> None:
        if len(self._errors) == _QUEUE_CAPACITY:
            self._errors[-1] = TspError(-350, "Queue overflow")
        else:
            self._errors.append(error)

    def _add_rest(self, model: str, line_frequency: float, serial: str) -> None:
        machine = self._machine
        machine.attribute("errorqueue.count", Attribute(lambda: float(len(self._errors))))
        machine.function("errorqueue.next", self._next_error)
        machine.function("errorqueue.clear", self._clear_errors)
        machine.attribute("localnode.model", Attribute(lambda: model))
        machine.attribute("localnode.serialno", Attribute(lambda: serial))
        machine.attribute("localnode.linefreq", Attribute(lambda: line_frequency))
        machine.function("reset", self._reset)
        machine.function("waitcomplete", self._wait)
        machine.function("delay", self._delay)
        machine.constants("display", {"SMUA": 0.0, "SMUB": 1.0, "SMUA_SMUB": 2.0, "USER": 3.0})
        machine.number("display.screen", 2, 0, 3)
        for name in ("clear", "settext", "sendkey"):
            machine.function(f"display.{name}", lambda _: ())

    def _next_error(self, _: Sequence[Value]) -> Sequence[Value]:
        if not self._errors:
            return (0.0, "Queue Is Empty", 0.0, _NODE)
        error = self._errors.popleft()
        return (float(error.code), error.text, _SEVERITY, _NODE)

    def _clear_errors(self, _: Sequence[Value]) -> Sequence[Value]:
        self._errors.clear()
        return ()

    def _reset(self, _: Sequence[Value]) -> Sequence[Value]:
        self._events.reset()
        self._machine.reset()
        for name, channel in self._channels.items():
            self._sweeps[name].model.abort()
            channel.reset()
        return ()

    def _wait(self, _: Sequence[Value]) -> Sequence[Value]:
        self._plug.wait(lambda: all(each.model.is_idle for each in self._sweeps.values()))
        return ()

    def _delay(self, values: Sequence[Value]) -> Sequence[Value]:
        self._plug.spend(checked(values[0] if values else None, 0.0, 1e5))
        return ()


def _build(name: str, settings: Any, plug: Plug) -> Keithley2600:  # noqa: ARG001
    return Keithley2600(plug, settings.model, settings.line_frequency_hertz)


INSTRUMENT = BenchInstrument(build=_build)
