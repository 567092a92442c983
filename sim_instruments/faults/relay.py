"""One direction of one connection: reads messages, and forwards what the faults leave of them."""

from __future__ import annotations

import select
from collections.abc import Callable

from sim_instruments.faults.descriptors import StopSign, pause, read, wait, write
from sim_instruments.faults.framing import Framing
from sim_instruments.faults.injector import Injector, cut, flipped
from sim_instruments.faults.schedule import Direction, Fault, FaultKind


class LinkBroken(Exception):  # noqa: N818 (it is what was asked for)
    """A fault that breaks both connections; `restart` where the device is restarted too."""

    def __init__(self, *, restart: bool) -> None:
        super().__init__()
        self.restart = restart


class Relay:
    """Forwards messages of one direction.

    Args:
        direction: which one.
        source, target: file descriptors that do not block.
        framing: cuts the stream into messages.
        injector: says what happens to them.
        stop: ends it.
    """

    def __init__(
        self,
        direction: Direction,
        source: int,
        target: int,
        framing: Framing,
        injector: Injector,
        stop: StopSign,
    ) -> None:
        self._direction = direction
        self._source = source
        self._target = target
        self._framing = framing
        self._injector = injector
        self._stop = stop
        self._held: tuple[bytes, float] | None = None
        self._acts: dict[FaultKind, Callable[[bytes, Fault], None]] = {
            FaultKind.DELAY: self._delay,
            FaultKind.DROP: lambda data, fault: None,  # noqa: ARG005
            FaultKind.DUPLICATE: lambda data, fault: self._forward(data * 2),  # noqa: ARG005
            FaultKind.REORDER: self._hold,
            FaultKind.TRUNCATE: self._truncate,
            FaultKind.SPLIT: self._split,
            FaultKind.CORRUPT: lambda data, fault: self._forward(flipped(data, fault)),
            FaultKind.STALL: lambda data, fault: self._forward(data),  # noqa: ARG005
            FaultKind.RESET: _break,
            FaultKind.RESTART: _break,
        }

    def run(self) -> None:
        """Until the source ends.

        `LinkBroken` and `Stopped` are raised where a fault or the proxy ends it, OSError where one
        of the ends does.
        """
        while data := self._read():
            for message in self._framing.feed(data):
                self._pass(message)
        if rest := self._framing.rest():
            self._pass(rest)
        if self._held is not None:
            write(self._stop, self._target, self._held[0])

    def _read(self) -> bytes:
        while (seconds := self._injector.stalled_seconds(self._direction)) > 0:
            pause(self._stop, seconds)
        if self._held is not None and not wait(
            self._stop, self._source, select.POLLIN, self._held[1]
        ):
            (message, _), self._held = self._held, None
            write(self._stop, self._target, message)
        return read(self._stop, self._source)

    def _pass(self, message: bytes) -> None:
        fault = self._injector.next(self._direction, len(message))
        if fault is None:
            self._forward(message)
        else:
            self._acts[fault.kind](message, fault)

    def _forward(self, data: bytes) -> None:
        if self._held is not None:
            data, self._held = data + self._held[0], None
        write(self._stop, self._target, data)

    def _delay(self, data: bytes, fault: Fault) -> None:
        pause(self._stop, fault.seconds)
        self._forward(data)

    def _hold(self, data: bytes, fault: Fault) -> None:
        if self._held is not None:
            data = data + self._held[0]
        self._held = data, fault.seconds

    def _truncate(self, data: bytes, fault: Fault) -> None:
        kept, _ = cut(data, fault)
        if kept:
            self._forward(kept)

    def _split(self, data: bytes, fault: Fault) -> None:
        first, rest = cut(data, fault)
        write(self._stop, self._target, first)
        pause(self._stop, fault.seconds)
        self._forward(rest)


def _break(data: bytes, fault: Fault) -> None:  # noqa: ARG001
    raise LinkBroken(restart=fault.kind is FaultKind.RESTART)
