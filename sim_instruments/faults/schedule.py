"""Which faults happen to which messages."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mgd_lab.errors import ConfigurationError


class Direction(StrEnum):
    """Where a message goes."""

    TO_DEVICE = "to_device"
    TO_HOST = "to_host"


class FaultKind(StrEnum):
    """What happens to a message, or to the link after it."""

    DELAY = "delay"
    """It is forwarded `seconds` later, and what follows it waits behind it."""
    DROP = "drop"
    """It is not forwarded."""
    DUPLICATE = "duplicate"
    """It is forwarded twice."""
    REORDER = "reorder"
    """It is forwarded after the next one; after `seconds`, if none comes."""
    TRUNCATE = "truncate"
    """What stands before `position` is forwarded; nothing, of a single byte."""
    SPLIT = "split"
    """The part before `position` is forwarded at once, the rest `seconds` later."""
    CORRUPT = "corrupt"
    """`bits` neighbouring bits from `position` on are flipped."""
    STALL = "stall"
    """It is forwarded, and then nothing is read in this direction for `seconds`."""
    RESET = "reset"
    """It is not forwarded: both connections are broken, with what is under way."""
    RESTART = "restart"
    """It is not forwarded: the device is restarted, and both connections are broken."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        kind: what happens.
        direction: of the message that it happens to.
        message: which one in that direction, from 0, over all connections of the proxy.
        seconds: how long, for kinds that last.
        position: where in the message, as a part of its length from 0 to below 1.
        bits: how many are flipped, for `corrupt`.
    """

    kind: FaultKind
    direction: Direction
    message: int
    seconds: float = 0.0
    position: float = 0.5
    bits: int = 1

    def __post_init__(self) -> None:
        fits = self.message >= 0 and 0 <= self.seconds <= _LONGEST_SECONDS
        if not (fits and 0 <= self.position < 1 and 1 <= self.bits <= _MOST_BITS):
            raise ConfigurationError(
                f"{self}: message must be 0 or more, seconds 0 to {_LONGEST_SECONDS:g}, position "
                f"0 to below 1, bits 1 to {_MOST_BITS}"
            )


@dataclass(frozen=True, slots=True)
class FaultSchedule:
    """Faults, at most one a message."""

    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        places = {(fault.direction, fault.message) for fault in self.faults}
        if len(places) != len(self.faults):
            raise ConfigurationError("a schedule has two faults for the same message; leave one")


def random_faults(
    seed: int,
    faults: int,
    messages: int,
    *,
    first: int = 0,
    kinds: Sequence[FaultKind] = tuple(FaultKind),
    longest_seconds: float = 0.1,
) -> FaultSchedule:
    """Faults at random moments in random directions; every kind about as often as any other.

    Args:
        seed: the same seed gives the same schedule.
        faults: how many.
        messages: they happen to messages from `first` to below `first + messages`.
        first: messages before it are left alone.
        kinds: which kinds to draw from.
        longest_seconds: of delays and stalls.
    """
    if not (kinds and 0 <= faults <= 2 * messages):
        raise ConfigurationError(
            f"{faults} faults of {len(kinds)} kinds in {messages} messages: there must be a kind, "
            "and at most one fault a message in either direction"
        )
    generator = random.Random(seed)  # noqa: S311 (moments of faults are no secret)
    moments = sorted(generator.sample(range(2 * messages), faults))
    drawn = [kinds[k % len(kinds)] for k in range(faults)]
    generator.shuffle(drawn)
    directions = tuple(Direction)
    return FaultSchedule(
        tuple(
            Fault(
                kind,
                directions[moment % 2],
                first + moment // 2,
                seconds=generator.uniform(0.0, longest_seconds),
                position=generator.random(),
                bits=generator.randint(1, _MOST_RANDOM_BITS),
            )
            for kind, moment in zip(drawn, moments, strict=True)
        )
    )


_LONGEST_SECONDS = 3600.0
_MOST_BITS = 65536
_MOST_RANDOM_BITS = 12
