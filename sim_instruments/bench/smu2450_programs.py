"""TRIGger:BLOCk commands of a Keithley 2450: from arguments to blocks (section 6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call
from sim_instruments.bench.smu2450_blocks import Block, Go, Timer, TriggerBlocks

_LISTS = ("VoltCustomSweepList", "CurrCustomSweepList")
_EVENTS = re.compile(r"(?:(NONE)|(DIG|NOT|TIM)(?:IO|IFY|ER)?([1-8]))")


class Smu(Protocol):
    """What blocks act on."""

    def recall(self, name: str, index: int | None) -> None:
        """An index of a configuration list, counted from 1; None: the next."""
        ...

    def clear_buffer(self, call: Call, k: int) -> None:
        """The buffer that argument k names."""
        ...

    def take_readings(self, model: TriggerBlocks, call: Call, k: int, count: int, go: Go) -> None:
        """So many, one after another, into the buffer that argument k names."""
        ...

    def switch(self, on: bool) -> None:
        """The output."""
        ...


class Programs:
    """Adds the headers to an instrument.

    Args:
        model: gets the blocks.
        smu: what they act on.
        box: gets the headers.
    """

    def __init__(self, model: TriggerBlocks, smu: Smu, box: ScpiBox) -> None:
        on = box.on
        self._model = model
        self._smu = smu
        block = "TRIGger:BLOCk"
        on("TRIGger:LOAD", self._load)
        on(f"{block}:BUFFer:CLEar", self._clear, most=2)
        on(f"{block}:CONFig:RECall", self._recall, most=3)
        on(f"{block}:CONFig:NEXT", self._next, most=2)
        on(f"{block}:BRANch:ALWays", self._always, most=2)
        on(f"{block}:BRANch:COUNter", self._counter, most=3)
        on(f"{block}:DELay:CONStant", self._delay, most=2)
        on(f"{block}:MEASure", self._measure, most=3)
        on(f"{block}:NOP", lambda call: self._put(call, "NOP", lambda _, go: go()), most=1)
        on(f"{block}:NOTify", self._notify, most=2)
        on(f"{block}:SOURce:STATe", self._switch, most=2)
        on(f"{block}:WAIT", self._wait, most=3)
        timer = "TRIGger:TIMer<n>"
        on(f"{timer}:CLEar", lambda call: model.forget(f"TIM{call.suffixes[0]}"), most=0)
        on(f"{timer}:STATe", lambda call: self._timer(call, "is_enabled", call.on()))
        on(f"{timer}:STARt:STIMulus", lambda call: self._timer(call, "stimulus", event(call, 0)))
        on(f"{timer}:DELay", lambda call: self._timer(call, "delay", call.number(0, 8e-6, 1e5)))
        on(f"{timer}:COUNt", lambda call: self._timer(call, "count", call.whole(0, 1, 1_048_575)))

    def _put(self, call: Call, kind: str, act: Callable[[TriggerBlocks, Go], None]) -> None:
        self._model.put(call.whole(0, 1, 255), Block(kind, act))

    def _load(self, call: Call) -> None:
        if call.string().upper() != "EMPTY":
            raise Refused(-224)
        self._model.load_empty()

    def _clear(self, call: Call) -> None:
        self._then(call, "BUFFER_CLEAR", lambda: self._smu.clear_buffer(call, 1))

    def _recall(self, call: Call) -> None:
        name, index = _list(call), call.whole(2, 1, 300_000) if len(call) > 2 else 1
        self._then(call, "CONFIG_RECALL", lambda: self._smu.recall(name, index))

    def _next(self, call: Call) -> None:
        name = _list(call)
        self._then(call, "CONFIG_NEXT", lambda: self._smu.recall(name, None))

    def _notify(self, call: Call) -> None:
        number = call.whole(1, 1, 8)
        self._then(call, "NOTIFY", lambda: self._model.happen(f"NOT{number}"))

    def _switch(self, call: Call) -> None:
        wanted = call.on(1)
        self._then(call, "SOURCE_OUTPUT", lambda: self._smu.switch(wanted))

    def _then(self, call: Call, kind: str, act: Callable[[], None]) -> None:
        def go_on(model: TriggerBlocks, go: Go) -> None:
            act()
            model.wait_seconds(0.0, go)

        self._put(call, kind, go_on)

    def _always(self, call: Call) -> None:
        target = call.whole(1, 0, 255)
        self._put(call, "BRANCH_ALWAYS", lambda model, _: model.go_to(target))

    def _counter(self, call: Call) -> None:
        number, most, target = call.whole(0, 1, 255), call.whole(1, 1, 2**31), call.whole(2, 0, 255)

        def branch(model: TriggerBlocks, go: Go) -> None:
            if model.count(number) < most:
                model.go_to(target)
            else:
                go()

        self._put(call, "BRANCH_COUNTER", branch)

    def _delay(self, call: Call) -> None:
        seconds = call.number(1, 0.0, 1e4)
        self._put(call, "DELAY_CONSTANT", lambda model, go: model.wait_seconds(seconds, go))

    def _measure(self, call: Call) -> None:
        count = call.whole(2, 1, 300_000) if len(call) > 2 else 1
        self._put(
            call, "MEASURE", lambda model, go: self._smu.take_readings(model, call, 1, count, go)
        )

    def _wait(self, call: Call) -> None:
        awaited = event(call, 1)
        clears = len(call) > 2 and call.choice(2, ("ENTer", "NEVer")) == "ENTer"
        self._put(call, "WAIT", lambda model, go: model.await_event(awaited, clears, go))

    def _timer(self, call: Call, attribute: str, value: bool | float | str) -> None:
        if not 1 <= call.suffixes[0] <= 4:
            raise Refused(-114)
        timer = self._model.timers.setdefault(call.suffixes[0], Timer())
        setattr(timer, attribute, value)


def event(call: Call, k: int) -> str:
    """Argument k as an event: "DIG1", "NOT1", "TIM1" or "NONE"."""
    match = _EVENTS.fullmatch(call.word(k))
    if match is None:
        raise Refused(-224)
    return match[1] or f"{match[2]}{match[3]}"


def _list(call: Call) -> str:
    name = call.string(1)
    if name not in _LISTS:
        raise Refused(-224)
    return name
