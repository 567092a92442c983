"""Schedules, and what they make of a message."""

from __future__ import annotations

from collections import Counter

import pytest

from mgd_lab.errors import ConfigurationError
from sim_instruments.faults import (
    Direction,
    Fault,
    FaultKind,
    FaultSchedule,
    chunks,
    framed,
    messages_of_text,
    random_faults,
)
from sim_instruments.faults.injector import Injector, cut, flipped

TO_DEVICE, TO_HOST = Direction


def test_a_seed_names_a_schedule():
    assert random_faults(1, 50, 500) == random_faults(1, 50, 500)
    assert random_faults(1, 50, 500) != random_faults(2, 50, 500)


def test_random_faults_are_of_all_kinds_and_in_both_directions():
    faults = random_faults(3, 100, 400, first=7, longest_seconds=0.25).faults
    assert set(Counter(fault.kind for fault in faults).values()) == {10}
    assert {fault.direction for fault in faults} == set(Direction)
    assert all(7 <= fault.message < 407 and 0 <= fault.seconds <= 0.25 for fault in faults)
    assert len({(fault.direction, fault.message) for fault in faults}) == 100


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fault(FaultKind.DROP, TO_HOST, -1),
        lambda: Fault(FaultKind.SPLIT, TO_HOST, 0, position=1.0),
        lambda: Fault(FaultKind.CORRUPT, TO_HOST, 0, bits=0),
        lambda: Fault(FaultKind.DELAY, TO_HOST, 0, seconds=float("nan")),
        lambda: FaultSchedule(tuple(Fault(kind, TO_HOST, 4) for kind in list(FaultKind)[:2])),
        lambda: random_faults(0, 11, 5),
        lambda: random_faults(0, 1, 5, kinds=()),
    ],
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(ConfigurationError):
        make()


def test_every_fault_happens_once_to_its_message():
    fault = Fault(FaultKind.DROP, TO_HOST, 1)
    injector = Injector(FaultSchedule((fault,)))
    found = [injector.next(direction, 5) for direction in (TO_HOST, TO_DEVICE, TO_DEVICE, TO_HOST)]
    assert found == [None, None, None, fault]
    assert [(i.fault, i.size) for i in injector.injections] == [(fault, 5)]
    assert injector.pending == 0
    assert injector.counts == {TO_DEVICE: 2, TO_HOST: 2}


def test_as_many_bits_are_flipped_as_asked():
    data = bytes(range(100))
    fault = Fault(FaultKind.CORRUPT, TO_HOST, 0, position=0.3, bits=5)
    changed = int.from_bytes(flipped(data, fault)) ^ int.from_bytes(data)
    assert changed.bit_count() == 5
    assert flipped(data, fault)[:30] == data[:30]


@pytest.mark.parametrize("position", [0.0, 0.3, 0.99])
def test_both_parts_hold_something(position):
    fault = Fault(FaultKind.SPLIT, TO_HOST, 0, position=position)
    for length in (2, 3, 50):
        first, rest = cut(bytes(length), fault)
        assert first
        assert rest
        assert len(first + rest) == length
    assert cut(b"x", fault) == (b"", b"x")


TEXT = [b"*IDN?\n", b"EXCH? #15\n#\0\n;\n", b'0,"No\t#9 error"\n', b"CHIP:EPOC?\n"]
FRAMES = [b"\x02ab\0", b"\0", b"long" * 50 + b"\0"]


@pytest.mark.parametrize(
    ("make", "messages"), [(messages_of_text, TEXT), (framed, FRAMES)], ids=["text", "frames"]
)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_messages_are_found_in_any_pieces(make, messages, size):
    framing, stream = make(), b"".join(messages) + b"\x07rest"
    found = []
    for at in range(0, len(stream), size):
        found += framing.feed(stream[at : at + size])
    assert found == messages
    assert framing.rest() == b"\x07rest"
    assert framing.rest() == b""


def test_every_read_is_a_chunk():
    framing = chunks()
    assert framing.feed(b"a\n\0b") == [b"a\n\0b"]
    assert framing.rest() == b""


def test_nothing_is_lost_of_what_is_no_message():
    framing = messages_of_text()
    announced = b"#9999999999" + b"x" * 10
    assert b"".join(framing.feed(announced)) + framing.rest() == announced
