"""Keeps count of messages, says what happens to each, and writes down what was done."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from sim_instruments.faults.schedule import Direction, Fault, FaultKind, FaultSchedule


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault that happened.

    Attributes:
        elapsed_seconds: since the proxy was made.
        fault: what happened, to which message in which direction.
        size: bytes of that message.
    """

    elapsed_seconds: float
    fault: Fault
    size: int


class Injector:
    """Shared by all connections of a proxy."""

    def __init__(self, schedule: FaultSchedule) -> None:
        self._planned = {(fault.direction, fault.message): fault for fault in schedule.faults}
        self._counts = dict.fromkeys(Direction, 0)
        self._stalled_until = dict.fromkeys(Direction, 0.0)
        self._injections: list[Injection] = []
        self._lock = threading.Lock()
        self._began = time.monotonic()

    @property
    def injections(self) -> tuple[Injection, ...]:
        """What has been done so far."""
        with self._lock:
            return tuple(self._injections)

    @property
    def pending(self) -> int:
        """Faults whose messages have not come yet."""
        with self._lock:
            return len(self._planned)

    @property
    def counts(self) -> dict[Direction, int]:
        """Messages seen so far."""
        with self._lock:
            return dict(self._counts)

    def next(self, direction: Direction, size: int) -> Fault | None:
        """What happens to a message that has come."""
        with self._lock:
            number = self._counts[direction]
            self._counts[direction] = number + 1
            fault = self._planned.pop((direction, number), None)
            if fault is None:
                return None
            now = time.monotonic()
            self._injections.append(Injection(now - self._began, fault, size))
            if fault.kind is FaultKind.STALL:
                self._stalled_until[direction] = now + fault.seconds
            return fault

    def stalled_seconds(self, direction: Direction) -> float:
        """For how long nothing is read; 0 where it may be."""
        with self._lock:
            return max(0.0, self._stalled_until[direction] - time.monotonic())


def flipped(data: bytes, fault: Fault) -> bytes:
    """The message with `fault.bits` bits from `fault.position` on flipped."""
    damaged = bytearray(data)
    first = int(fault.position * 8 * len(damaged))
    for bit in range(first, min(first + fault.bits, 8 * len(damaged))):
        damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def cut(data: bytes, fault: Fault) -> tuple[bytes, bytes]:
    """The message in two parts, neither empty unless it is a single byte."""
    at = min(max(1, int(fault.position * len(data))), len(data) - 1)
    return data[:at], data[at:]
